// What speed costs in accuracy: how far the predictions of fast arithmetic are from those of exact arithmetic, for every number format.
//   accuracy MODEL TEXT [TOKENS] [FORMAT...]
// The first TOKENS (4096) of TEXT, in windows of 512 that stand alone. The model is packed in each FORMAT as it is loaded (file: as the file has it;
// this, F16, BF16, Q8_0, Q4_0, Q4_1 and Int8 unless some are named) and run as programs run it: fast arithmetic, keys and values in F16. Its predictions stand beside those of
// exact arithmetic with keys and values in F32: over the same packed weights, which is what the arithmetic costs, and over the file's own weights,
// which is what arithmetic and format cost together. Of each: the mean KL divergence in nats, and the share of tokens after which both find the same
// token the likeliest.
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <optional>
#include <string>
#include <vector>

#include "tfm/checkpoint/load_llama.hpp"
#include "tfm/formats/mapped_file.hpp"
#include "tfm/generate/compare.hpp"

namespace {

using tfm::Arithmetic;
using tfm::ComparedModel;
using tfm::Format;

std::vector<tfm::Token> tokens_of(const tfm::AnyTokenizer& tokenizer, const char* path, std::size_t count) {
  const auto file = tfm::MappedFile::open(path);
  const std::string_view text(reinterpret_cast<const char*>(file->bytes().data()), file->bytes().size());
  std::vector<tfm::Token> ids = tokenizer.encode(tfm::UserText{text.substr(0, 16 * count)});  // more bytes than tokens have
  if (ids.size() < count) tfm::raise<tfm::LoadError>({"tfm: ", path, " has ", ids.size(), " tokens, expected at least ", count});
  ids.resize(count);
  return ids;
}

using Packing = std::optional<Format>;  ///< none: as the file has it

Packing packing_named(const std::string& wanted) {
  if (wanted == "file") return std::nullopt;
  for (int i = 0; i < tfm::format_count; ++i)
    if (const auto format = static_cast<Format>(i); name(format) == wanted) return format;
  tfm::raise<tfm::OptionError>({"tfm: there is no format ", wanted, ", expected file, ", tfm::format_names([](Format) { return true; })});
}

void measure(const char* path, const char* text, std::size_t count, std::vector<Packing> formats) {
  if (formats.empty()) formats = {std::nullopt, Format::f16, Format::bf16, Format::q8_0, Format::q4_0, Format::q4_1, Format::int8};
  const auto file = tfm::load_llama(path);
  const auto ids = tokens_of(file.tokenizer, text, count);
  tfm::Context context(tfm::Threads::hardware());
  std::printf("%zu tokens, %s\n\n| weights | KL(exact, fast) | equal first choices | KL(file exact, fast) | equal first choices |\n|---|---|---|---|---|\n", ids.size(),
              std::string(name(context.isa)).c_str());
  for (const Packing format : formats) {
    const auto packed = tfm::load_llama(path, {.format = format});
    const ComparedModel fast{packed.model, nullptr, Arithmetic::fast, Format::f16};
    const auto same = tfm::compare_models(context, ComparedModel{packed.model, nullptr, Arithmetic::exact, Format::f32}, fast, ids);
    const auto whole = tfm::compare_models(context, ComparedModel{file.model, nullptr, Arithmetic::exact, Format::f32}, fast, ids);
    std::printf("| %s | %.6f | %.2f %% | %.6f | %.2f %% |\n", format ? std::string(name(*format)).c_str() : "as the file has them", same.kl, 100 * same.agreement, whole.kl, 100 * whole.agreement);
    std::fflush(stdout);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::cerr << "usage: accuracy MODEL TEXT [TOKENS] [FORMAT...]\n";
    return 2;
  }
  try {
    std::vector<Packing> formats;
    for (int i = 4; i < argc; ++i) formats.push_back(packing_named(argv[i]));
    const long tokens = argc > 3 ? std::atol(argv[3]) : 4096;
    if (tokens < 1) tfm::raise<tfm::OptionError>({"tfm: TOKENS is ", argv[3], ", expected at least 1"});
    measure(argv[1], argv[2], static_cast<std::size_t>(tokens), formats);
  } catch (const tfm::Error& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
