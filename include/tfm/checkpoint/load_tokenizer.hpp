#pragma once
// A checkpoint's tokenizer: out of a GGUF file's tables, or a folder's tokenizer.model or tokenizer.json.
#include <cstddef>
#include <filesystem>
#include <functional>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "tfm/checkpoint/added_tokens_files.hpp"
#include "tfm/checkpoint/gguf_vocabulary.hpp"
#include "tfm/checkpoint/tokenizer_config.hpp"
#include "tfm/checkpoint/tokenizer_json.hpp"
#include "tfm/formats/gguf.hpp"
#include "tfm/text/byte_bpe.hpp"
#include "tfm/text/sentencepiece.hpp"
#include "tfm/text/tokenizer.hpp"

namespace tfm::inline TFM_ABI {

/// A tokenizer, the chat template that stands beside it, and what is to be told of the two.
struct FoundTokenizer {
  AnyTokenizer tokenizer;  ///< holds nothing where there is none that is read; a note says so
  std::string jinja;       ///< the chat template; empty: none
  std::vector<std::string> notes;
};
using FolderTokenizer = FoundTokenizer;

/// The vocabulary inside a GGUF file of any architecture, its chat template, and what was put right in them: tokenizer models
/// `llama` and `gpt2`, the latter with the pre-tokenizers of text/splitters.hpp. Errors: LoadError for damaged tables,
/// TokenizerError for a kind that is not known, by name.
FoundTokenizer find_tokenizer(const GgufMetadata& metadata);

namespace detail {

/// The files of a folder by their names; the bytes last as long as what gives them.
using FolderFiles = std::function<std::optional<std::span<const std::byte>>(const char*)>;

/// Runs `read`; what it refuses is told instead, and there is no tokenizer.
template <class F>
void find_or_tell(FoundTokenizer& found, F&& read) {
#if defined(__cpp_exceptions)
  std::string why;
  try {
    found = read();
    return;
  } catch (const LoadError& error) {
    why = error.what();
  } catch (const TokenizerError& error) {
    why = error.what();
  }
  found.notes.push_back("tokenizer.json is not read, and there is no tokenizer.model: the model has no tokenizer: " +
                        (why.starts_with("tfm: ") ? why.substr(5) : why));
#else
  found = read();
#endif
}

/// `rows` of the model's embedding; `where` stands for the folder in messages.
FoundTokenizer find_folder_tokenizer(const std::filesystem::path& where, Index rows, const FolderFiles& file);

}  // namespace detail

/// A Hugging Face folder's tokenizer: tokenizer.model with the tokens that tokenizer_config.json, added_tokens.json and
/// special_tokens_map.json add to it, or else tokenizer.json; the roles that they give; and the chat template of
/// chat_template.jinja or else tokenizer_config.json. Added tokens beyond `rows` of the model's embedding are left out, and told.
/// A tokenizer.json that is not read is told too. Errors: LoadError, TokenizerError.
FoundTokenizer load_folder_tokenizer(const std::filesystem::path& folder, Index rows = std::numeric_limits<Token>::max() / 4);

/// The tokenizer of a GGUF file (of any architecture; its tensors are not looked at) or a Hugging Face folder, and what is to be
/// told of it. Errors: LoadError, TokenizerError; a folder without a tokenizer that is read is a LoadError.
FoundTokenizer find_tokenizer(const std::filesystem::path& path);

/// The tokenizer alone, as find_tokenizer finds it.
inline AnyTokenizer load_tokenizer(const GgufMetadata& metadata) { return find_tokenizer(metadata).tokenizer; }
inline AnyTokenizer load_tokenizer(const std::filesystem::path& path) { return find_tokenizer(path).tokenizer; }

}  // namespace tfm::inline TFM_ABI

#if defined(TFM_DEFINITIONS)
#include "tfm/checkpoint/load_tokenizer.inl"
#endif
