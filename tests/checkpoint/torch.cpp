// PyTorch's checkpoints, single and sharded: the weights of the safetensors folders, rounded to float16, and the logits
// that these give; and the early conversions of LLaMA, whose special tokens are wrong.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <deque>

#include "support/catch.hpp"
#include "support/data.hpp"
#include "support/error_of.hpp"
#include "support/golden.hpp"
#include "support/hostile.hpp"
#include "support/run_llama.hpp"
#include "support/temporary_folder.hpp"
#include "support/tiny_llama.hpp"
#include "tfm/checkpoint/load_llama.hpp"
#include "tfm/formats/safetensors_writer.hpp"
#include "tfm/formats/torch_zip.hpp"

using namespace tfm;
using tfm_test::error_of;
using tfm_test::Golden;
using tfm_test::TemporaryFolder;
namespace fs = std::filesystem;

namespace {

const LoadOptions with_torch{.read_bin = read_torch};

Buffer logits_of(const AnyLlama& model, const Golden& golden) {
  Context context(2);
  context.arithmetic = Arithmetic::exact;
  return tfm_test::all_logits(model, context, golden.int32s("ids"), golden.shape("ids")[0]);
}

/// The safetensors folder `from` with every tensor rounded to float16, as the .bin files have them.
void write_rounded(const fs::path& from, const fs::path& to) {
  const Golden model(from / "model.safetensors");
  std::deque<std::vector<std::uint16_t>> halves;
  std::vector<Tensor> tensors;
  for (const Tensor& tensor : model.store().tensors()) {
    auto& rounded = halves.emplace_back();
    for (const float value : model.floats(tensor.name)) rounded.push_back(f16_from_f32(value));
    tensors.push_back({tensor.name, DataType::f16, "F16", tensor.shape, std::as_bytes(std::span(rounded))});
  }
  write_safetensors(to / "model.safetensors", tensors);
  fs::copy_file(from / "config.json", to / "config.json");
}

bool same_bits(const Buffer& a, const Buffer& b) {
  return a.view().size() == b.view().size() &&
         std::memcmp(a.view().data, b.view().data, to_size(a.view().size()) * sizeof(float)) == 0;
}

float largest_difference(View found, const std::vector<float>& expected) {
  float most = 0;
  for (Index i = 0; i < found.size(); ++i) {
    const float difference = std::abs(found.data[i] - expected[to_size(i)]);
    if (difference > most || difference != difference) most = difference;  // a NaN stays
  }
  return most;
}

}  // namespace

TEST_CASE("PyTorch's checkpoints give the logits of their weights", "[golden]") {
  for (const char* const name : {"mha", "gqa_tied", "linear_rope", "llama3_rope"}) {
    const auto folder = tfm_test::require(tfm_test::golden() / "llama" / name);
    if (!folder) return;
    INFO(name);
    const Golden golden(*folder / "golden.safetensors");
    const TemporaryFolder rounded;
    write_rounded(*folder / "safetensors", rounded.path());
    const Buffer expected = logits_of(load_llama(rounded.path()).model, golden);
    const auto logits = golden.floats("logits"), bf16 = golden.floats("logits_bf16_weights");
    float rounding = 0;  // what bfloat16 does to the logits; float16 has three bits more, so a quarter is generous
    for (std::size_t i = 0; i < logits.size(); ++i) rounding = std::max(rounding, std::abs(logits[i] - bf16[i]));
    for (const char* const format : {"torch", "torch_sharded", "torch/pytorch_model.bin"}) {
      INFO(format);
      const auto loaded = load_llama(*folder / format, with_torch);
      const Buffer found = logits_of(loaded.model, golden);
      CHECK(same_bits(found, expected));
      CHECK(largest_difference(found, logits) < rounding / 4);
    }
  }
}

TEST_CASE("the first conversions of LLaMA: the tokenizer's special tokens win, stray buffers are ignored", "[golden]") {
  const auto folder = tfm_test::require(tfm_test::golden() / "llama/mha");
  if (!folder) return;
  const auto corpus = tfm_test::HostileCorpus::make(0, {"sentencepiece"});  // whose valid tokenizer is small enough
  if (!corpus) return;
  const TemporaryFolder legacy;
  for (const char* const name : {"config.json", "pytorch_model.bin"})
    fs::copy_file(*folder / "legacy" / name, legacy / name);
  fs::copy_file(corpus->path() / "sentencepiece/base.model", legacy / "tokenizer.model");
  const auto loaded = load_llama(legacy.path(), with_torch);
  CHECK(loaded.notes == std::vector<std::string>{
                            "config.json says bos is 0, the tokenizer says 1: the tokenizer's is used",
                            "config.json says eos is 1, the tokenizer says 2: the tokenizer's is used",
                            "there is no chat template: the vocabulary has the marks of no known one, so chats are written in the format plain"});
  CHECK(loaded.tokenizer.bos() == 1);
  CHECK(loaded.stop_tokens == std::vector<Token>{2});
  const Golden golden(*folder / "golden.safetensors");
  CHECK(same_bits(logits_of(loaded.model, golden), logits_of(load_llama(*folder / "torch", with_torch).model, golden)));
}

TEST_CASE("PyTorch's files without a reader, and an index that is wrong") {
  const TemporaryFolder folder;
  tfm_test::TinyLlama().write_folder(folder.path());
  fs::remove(folder / "model.safetensors");
  const auto error = [&](const LoadOptions& options) {
    return error_of<LoadError>([&] { load_llama(folder.path(), options); });
  };
  tfm_test::write_text(folder / "pytorch_model.bin.index.json", R"({"weight_map": {"x": "pytorch_model-1.bin"}})");
  CHECK(error(with_torch) ==
        "tfm: cannot open " + (folder / "pytorch_model-1.bin").string() + ": No such file or directory");
  tfm_test::write_text(folder / "pytorch_model.bin.index.json", R"({"weight_map": {"x": "../x.bin"}})");
  CHECK(error(with_torch) == "tfm: " + (folder / "pytorch_model.bin.index.json").string() +
                                 ": 'weight_map.x': found the string '../x.bin', expected the name of a file in the same folder");
  tfm_test::write_text(folder / "pytorch_model.bin", "x");
  CHECK(error(with_torch) == "tfm: " + (folder / "pytorch_model.bin").string() +
                                 ": no PyTorch checkpoint: found neither a zip archive nor a pickle");
  CHECK(error({}) == "tfm: " + (folder / "pytorch_model.bin").string() +
                         ": no reader for PyTorch's files is given: include <tfm/formats/torch_zip.hpp> and set "
                         "LoadOptions::read_bin to tfm::read_torch, or convert them to safetensors");
}
