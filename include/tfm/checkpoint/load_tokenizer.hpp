#pragma once
// A checkpoint's tokenizer: out of a GGUF file's tables, or a folder's tokenizer.model or tokenizer.json.
#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
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
inline FoundTokenizer find_tokenizer(const GgufMetadata& metadata) {
  FoundTokenizer found;
  GgufVocabulary vocabulary = read_gguf_vocabulary(metadata);
  if (vocabulary.kind == "llama") found.tokenizer = SentencePieceTokenizer(vocabulary.sentencepiece());
  else found.tokenizer = ByteBpeTokenizer(vocabulary.byte_bpe());
  found.notes = std::move(vocabulary.notes);
  found.jinja = detail::gguf_chat_template(metadata, found.notes);
  return found;
}

namespace detail {

/// The files of a folder by their names; the bytes last as long as what gives them.
using FolderFiles = std::function<std::optional<std::span<const std::byte>>(const char*)>;

inline FoundTokenizer find_sentencepiece(std::span<const std::byte> file, const std::string& what, TokenizerConfig& config, Index rows) {
  std::vector<AddedToken> added;
  for (const DeclaredToken& declared : config.added) added.push_back(declared.token);
  for (std::string& piece : config.special_pieces())
    if (std::none_of(added.begin(), added.end(), [&](const AddedToken& token) { return token.content == piece; }))
      added.push_back({.content = std::move(piece)});
  FoundTokenizer found;
  std::vector<std::string>& notes = found.notes;
  notes = config.added_notes;
  SentencePieceTokenizer tokenizer(
      file, what,
      {.added = added, .most_tokens = rows, .space_at_the_beginning_alone = config.llama, .add_space_prefix = config.add_prefix_space.value_or(true)});
  for (const auto& [token, id] : config.added) {
    const std::string said = "the added token " + in_quotes(token.content) + " (" + std::to_string(id) + ")";
    const auto is = token.content.empty() ? std::nullopt : tokenizer.find(token.content);
    if (token.content.empty()) notes.push_back(said + " has no text: it is left out");
    else if (!is) notes.push_back(said + " is left out: the model's vocabulary has " + std::to_string(rows) + " rows");
    else if (*is != id && *is < tokenizer.model_size())
      notes.push_back(said + " is token " + std::to_string(*is) + " of the tokenizer.model: that is used");
    else if (*is != id)
      notes.push_back(said + " is token " + std::to_string(*is) + ": as in transformers added tokens follow the " +
                      std::to_string(tokenizer.model_size()) + " pieces of tokenizer.model one by one");
  }
  for (std::size_t i = config.added.size(); i < added.size(); ++i)
    if (const auto is = tokenizer.find(added[i].content); is && *is >= tokenizer.model_size())
      notes.push_back("the special token " + in_quotes(added[i].content) + " is not in the vocabulary: as in transformers it is added as " +
                      std::to_string(*is));
  found.tokenizer = with_config(std::move(tokenizer), config, notes);
  return found;
}

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

inline FoundTokenizer find_tokenizer_json(std::span<const std::byte> file, const std::string& what, const TokenizerConfig& config) {
  FoundTokenizer found;
  TokenizerJson json = read_tokenizer_json(JsonDocument(text_of(file), what));
  found.notes = std::move(json.notes);
  found.tokenizer = with_config(std::move(json.tokenizer), config, found.notes);
  return found;
}

/// `rows` of the model's embedding; `where` stands for the folder in messages.
inline FoundTokenizer find_folder_tokenizer(const std::filesystem::path& where, Index rows, const FolderFiles& file) {
  const auto what = [&](const char* name) { return (where / name).string(); };
  const auto json = [&](const char* name) -> std::optional<JsonDocument> {
    const auto bytes = file(name);
    return bytes ? std::optional<JsonDocument>(std::in_place, text_of(*bytes), what(name), python_json) : std::nullopt;
  };
  FoundTokenizer found;
  TokenizerConfig config;
  if (const auto document = json("tokenizer_config.json")) config = read_tokenizer_config(*document);
  if (const auto model = file("tokenizer.model")) {
    const auto added = json("added_tokens.json"), map = json("special_tokens_map.json");
    complete_added_tokens(config, added ? &*added : nullptr, map ? &*map : nullptr);
    found = find_sentencepiece(*model, what("tokenizer.model"), config, rows);
  } else if (const auto bytes = file("tokenizer.json")) {
    find_or_tell(found, [&] { return find_tokenizer_json(*bytes, what("tokenizer.json"), config); });
  } else {
    found.notes.push_back("there is no tokenizer.model: the model has no tokenizer");
  }
  if (const auto jinja = file("chat_template.jinja")) {
    found.jinja = text_of(*jinja);
  } else {
    found.jinja = config.chat_template.value_or("");
    found.notes.insert(found.notes.end(), config.notes.begin(), config.notes.end());
  }
  return found;
}

}  // namespace detail

/// A Hugging Face folder's tokenizer: tokenizer.model with the tokens that tokenizer_config.json, added_tokens.json and
/// special_tokens_map.json add to it, or else tokenizer.json; the roles that they give; and the chat template of
/// chat_template.jinja or else tokenizer_config.json. Added tokens beyond `rows` of the model's embedding are left out, and told.
/// A tokenizer.json that is not read is told too. Errors: LoadError, TokenizerError.
inline FoundTokenizer load_folder_tokenizer(const std::filesystem::path& folder, Index rows = std::numeric_limits<Token>::max() / 4) {
  std::vector<std::shared_ptr<const MappedFile>> open;
  return detail::find_folder_tokenizer(folder, rows, [&](const char* name) -> std::optional<std::span<const std::byte>> {
    std::error_code ignored;
    if (!std::filesystem::exists(folder / name, ignored)) return std::nullopt;
    open.push_back(MappedFile::open(folder / name));
    return open.back()->bytes();
  });
}

/// The tokenizer of a GGUF file (of any architecture; its tensors are not looked at) or a Hugging Face folder, and what is to be
/// told of it. Errors: LoadError, TokenizerError; a folder without a tokenizer that is read is a LoadError.
inline FoundTokenizer find_tokenizer(const std::filesystem::path& path) {
  std::error_code ignored;
  if (!std::filesystem::is_directory(path, ignored)) return find_tokenizer(read_gguf_metadata(path));
  FoundTokenizer found = load_folder_tokenizer(path);
  if (!found.tokenizer) raise<LoadError>({"tfm: ", path.string(), ": ", found.notes.front()});
  return found;
}

/// The tokenizer alone, as find_tokenizer finds it.
inline AnyTokenizer load_tokenizer(const GgufMetadata& metadata) { return find_tokenizer(metadata).tokenizer; }
inline AnyTokenizer load_tokenizer(const std::filesystem::path& path) { return find_tokenizer(path).tokenizer; }

}  // namespace tfm::inline TFM_ABI
