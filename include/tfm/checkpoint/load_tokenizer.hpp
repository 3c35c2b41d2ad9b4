#pragma once
// A checkpoint's tokenizer: out of a GGUF file's tables, or a folder's tokenizer.model.
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tfm/checkpoint/tokenizer_config.hpp"
#include "tfm/formats/gguf.hpp"
#include "tfm/text/byte_bpe.hpp"
#include "tfm/text/sentencepiece.hpp"
#include "tfm/text/tokenizer.hpp"

namespace tfm::inline TFM_ABI {

namespace detail {

/// A key's token; none where it is missing, or all ones, which is how some converters write "none".
inline std::optional<Token> gguf_token(const GgufMetadata& metadata, const char* key, Index size) {
  const auto value = metadata.find(key);
  if (!value) return std::nullopt;
  const Index token = value->integer(-1, Index{UINT32_MAX});
  if (token < 0 || token == Index{UINT32_MAX}) return std::nullopt;
  if (token >= size)
    value->refuse({"found ", value->found(), ", expected an id below the vocabulary's ", size});
  return static_cast<Token>(token);
}
inline bool gguf_flag(const GgufMetadata& metadata, const char* key, bool otherwise) {
  const auto value = metadata.find(key);
  return value ? value->boolean() : otherwise;
}

inline SpecialTokens gguf_special(const GgufMetadata& metadata, Index size, bool add_bos) {
  SpecialTokens special{.bos = gguf_token(metadata, "tokenizer.ggml.bos_token_id", size),
                        .eos = gguf_token(metadata, "tokenizer.ggml.eos_token_id", size),
                        .unknown = gguf_token(metadata, "tokenizer.ggml.unknown_token_id", size),
                        .pad = gguf_token(metadata, "tokenizer.ggml.padding_token_id", size)};
  special.add_bos = gguf_flag(metadata, "tokenizer.ggml.add_bos_token", add_bos) && special.bos.has_value();
  special.add_eos = gguf_flag(metadata, "tokenizer.ggml.add_eos_token", false) && special.eos.has_value();
  return special;
}

/// The tables of a vocabulary of kind `llama`; they point into the arguments.
inline SentencePieceTables gguf_sentencepiece(const GgufMetadata& metadata, std::span<const std::string_view> pieces, std::span<const float> scores,
                                              std::span<const std::int32_t> types) {
  return {.pieces = pieces,
          .scores = scores,
          .types = types,
          .special = gguf_special(metadata, static_cast<Index>(pieces.size()), true),
          .add_space_prefix = gguf_flag(metadata, "tokenizer.ggml.add_space_prefix", true),
          .remove_extra_whitespaces = gguf_flag(metadata, "tokenizer.ggml.remove_extra_whitespaces", false),
          .what = metadata.file()};
}

inline bool has_tokenizer(const GgufMetadata& metadata) {
  for (Index i = 0; i < metadata.size(); ++i)
    if (metadata[i].key().starts_with("tokenizer.ggml.")) return true;
  return false;
}

}  // namespace detail

/// The vocabulary inside a GGUF file of any architecture: tokenizer models `llama` and `gpt2`, the latter with the
/// pre-tokenisers that text/pre_tokenizer.hpp knows. Errors: LoadError for damaged tables, TokenizerError for a kind
/// that is not known, by name.
inline AnyTokenizer load_tokenizer(const GgufMetadata& metadata) {
  const GgufValue model = metadata.at("tokenizer.ggml.model");
  if (model.text() != "llama" && model.text() != "gpt2")
    raise<TokenizerError>({"tfm: ", metadata.file(), ": the tokenizer is ", in_quotes(model.text()), ", expected 'llama' or 'gpt2'"});
  const std::vector<std::string_view> pieces = metadata.at("tokenizer.ggml.tokens").texts();
  const auto size = static_cast<Index>(pieces.size());
  std::vector<std::int32_t> types;
  if (const auto value = metadata.find("tokenizer.ggml.token_type")) types = value->integers();
  if (model.text() == "llama") {
    const std::vector<float> scores = metadata.at("tokenizer.ggml.scores").numbers();
    return SentencePieceTokenizer(detail::gguf_sentencepiece(metadata, pieces, scores, types));
  }
  const std::vector<std::string_view> merges = metadata.at("tokenizer.ggml.merges").texts();
  const auto pre = metadata.find("tokenizer.ggml.pre");
  if (!pre)
    raise<TokenizerError>({"tfm: ", metadata.file(), ": key 'tokenizer.ggml.pre' is missing: the pre-tokeniser is not known"});
  return ByteBpeTokenizer({.pieces = pieces,
                           .merges = merges,
                           .types = types,
                           .special = detail::gguf_special(metadata, size, false),
                           .pre_tokenizer = pre->text(),
                           .what = metadata.file()});
}

/// A tokenizer, the chat template that stands beside it, and what is to be told of the two.
struct FolderTokenizer {
  AnyTokenizer tokenizer;  ///< holds nothing where the folder has no tokenizer.model; a note says so
  std::string jinja;       ///< the chat template; empty: none
  std::vector<std::string> notes;
};

/// A Hugging Face folder's tokenizer: tokenizer.model, the roles that tokenizer_config.json gives, and the chat
/// template of chat_template.jinja or else tokenizer_config.json. Errors: LoadError, TokenizerError.
inline FolderTokenizer load_folder_tokenizer(const std::filesystem::path& folder) {
  FolderTokenizer found;
  const auto has = [&](const char* name) {
    std::error_code ignored;
    return std::filesystem::exists(folder / name, ignored);
  };
  TokenizerConfig config;
  if (has("tokenizer_config.json")) config = read_tokenizer_config(read_json(folder / "tokenizer_config.json", python_json));
  if (has("tokenizer.model"))
    found.tokenizer = with_config(SentencePieceTokenizer(folder / "tokenizer.model"), config, found.notes);
  else if (has("tokenizer.json"))
    found.notes.push_back("tokenizer.json is not read, and there is no tokenizer.model: the model has no tokenizer");
  else
    found.notes.push_back("there is no tokenizer.model: the model has no tokenizer");
  if (has("chat_template.jinja")) {
    const auto file = MappedFile::open(folder / "chat_template.jinja");
    found.jinja.assign(reinterpret_cast<const char*>(file->bytes().data()), file->bytes().size());
  } else {
    found.jinja = config.chat_template.value_or("");
    found.notes.insert(found.notes.end(), config.notes.begin(), config.notes.end());
  }
  return found;
}

/// The tokenizer alone of a GGUF file (of any architecture; its tensors are not looked at) or a Hugging Face folder.
/// Errors: LoadError, TokenizerError; a folder without a tokenizer.model is a LoadError.
inline AnyTokenizer load_tokenizer(const std::filesystem::path& path) {
  std::error_code ignored;
  if (!std::filesystem::is_directory(path, ignored)) return load_tokenizer(read_gguf_metadata(path));
  FolderTokenizer found = load_folder_tokenizer(path);
  if (!found.tokenizer) raise<LoadError>({"tfm: ", path.string(), ": ", found.notes.front()});
  return found.tokenizer;
}

}  // namespace tfm::inline TFM_ABI
