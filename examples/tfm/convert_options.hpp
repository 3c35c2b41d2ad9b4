#pragma once
// The options of tfm convert.
#include <algorithm>
#include <cctype>
#include <map>
#include <string>

#include "model_options.hpp"
#include "settle.hpp"
#include "tfm/checkpoint/save_gguf.hpp"

namespace cli {

inline constexpr const char* convert_footer =
    R"(A GGUF file where --out ends in .gguf, else a Hugging Face folder: config.json, model.safetensors, tokenizer,
template. Without --type every tensor keeps its type and its bytes, but that a folder cannot hold what is quantised,
which becomes F16 there; --type F32 keeps every value. Of quantised types the output, or the embedding where that is
the output, is Q6_K at least (Q8_0 where its rows are no whole blocks of 256), norms and biases are F32, and a matrix
whose rows are no whole blocks is F16. Of a GGUF file
that becomes a GGUF file all metadata is carried over. The model is read tensor by tensor, never as a whole.
With --adapter the adapter is written instead: as the GGUF file that llama.cpp takes by --lora, or as PEFT's folder.

Examples:
  tfm convert model.gguf --out folder/                             for transformers
  tfm convert folder/ --out model.gguf --type Q8_0                 for llama.cpp
  tfm convert model-00001-of-00003.gguf --out model.gguf           one file of several
  tfm convert folder/ --out shards/ --shard-size 2G --type BF16
  tfm convert model.gguf --adapter peft/ --out adapter.gguf)";

/// What GGUF files are written in, by name, in capitals and in small letters.
inline const std::map<std::string, tfm::Format> written_types = [] {
  std::map<std::string, tfm::Format> all;
  for (int i = 0; i < tfm::format_count; ++i) {
    const auto format = static_cast<tfm::Format>(i);
    if (!tfm::detail::gguf_file_type(format)) continue;
    std::string word(name(format));
    all[word] = format;
    std::transform(word.begin(), word.end(), word.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    all[word] = format;
  }
  return all;
}();
inline std::string written_type_names() {
  std::string names;
  for (int i = 0; i < tfm::format_count; ++i)
    if (const auto format = static_cast<tfm::Format>(i); tfm::detail::gguf_file_type(format))
      names.append(names.empty() ? "" : "|").append(name(format));
  return names;
}

/// "500M", "2G", "5GB" or bytes, as transformers counts them: in powers of ten. None where it is no size.
inline std::optional<Index> size_of(std::string word) {
  if (word.ends_with('B')) word.pop_back();
  Index unit = 1;
  for (const auto& [letter, bytes] : {std::pair('K', Index{1'000}), {'M', 1'000'000}, {'G', 1'000'000'000}})
    if (!word.empty() && word.back() == letter) unit = bytes, word.pop_back();
  const auto count = number_of<Index>(word);
  return count && *count >= 1 && *count <= PTRDIFF_MAX / unit ? std::optional(*count * unit) : std::nullopt;
}

inline void describe(CLI::App& app, ConvertArguments& convert) {
  app.footer(convert_footer);
  add_model(app, convert.model);
  add_path(app, "-o,--out", convert.out, "F.gguf|D", "What is written");
  add_optional_path(app, "--adapter", convert.adapter, "D",
                    "An adapter for the model, PEFT's folder or a GGUF file: written in the other form");
  add_choice(app, "--type,--format", convert.type, written_types, written_type_names(),
             "Of matrices; as they are, unless it is given");
  const auto parse = [&convert](const CLI::results_t& words) {
    convert.shard_bytes = size_of(words.front()).value_or(0);
    return true;
  };
  app.add_option("--shard-size", parse, "A folder's tensors in files of so many bytes at most, and their index")
      ->type_name("N[K|M|G]")
      ->expected(1)
      ->check([](const std::string& word) {
        return size_of(word) ? std::string() : "found '" + word + "', expected a size as 500M, 5G or 5GB";
      });
  add_threads(app, convert.threads);
  add_overwrite(app, convert.overwrite);
  add_json(app, convert.json);
}

inline void settle(const CLI::App& command, ConvertArguments& convert) {
  const bool gguf = convert.out.extension() == ".gguf";
  if (!convert.adapter.empty() && (convert.type || convert.shard_bytes > 0))
    throw UsageError("--type and --shard-size are of a model, and --adapter is written in F32, in one file");
  if (gguf && convert.shard_bytes > 0)
    throw UsageError("--shard-size is of a folder's files, and --out is a GGUF file");
  if (!gguf && convert.type && torch_name(*convert.type).empty())
    throw UsageError("--type is " + std::string(name(*convert.type)) +
                     ", and a Hugging Face folder's tensors are F32, F16 or BF16; end --out in .gguf for a GGUF file");
  settle_model(command, convert.model);
}

}  // namespace cli
