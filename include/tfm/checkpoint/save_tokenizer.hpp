#pragma once
// save_tokenizer: a checkpoint's tokenizer as the files of a Hugging Face folder.
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "tfm/checkpoint/load_tokenizer.hpp"
#include "tfm/formats/atomic_file.hpp"
#include "tfm/formats/json_text.hpp"

namespace tfm::inline TFM_ABI {

namespace detail {

/// What a folder may say of its tokenizer and of how texts are generated.
inline constexpr const char* tokenizer_files[] = {"tokenizer.model",         "tokenizer.json",         "tokenizer_config.json", "special_tokens_map.json",
                                                  "added_tokens.json",       "vocab.json",             "merges.txt",            "chat_template.jinja",
                                                  "chat_template.json",      "generation_config.json"};

/// tokenizer_config.json of a GGUF vocabulary.
inline std::string tokenizer_config_text(const AnyTokenizer& tokenizer, const std::string& jinja) {
  const SpecialTokens& special = tokenizer.special();
  std::string text = "{\n  \"tokenizer_class\": \"LlamaTokenizer\"";
  const auto add = [&](const char* key, const std::string& value) { text += std::string(",\n  \"") + key + "\": " + value; };
  const auto piece = [&](const char* key, const std::optional<Token>& token) { add(key, token ? json_string(tokenizer.piece(*token)) : "null"); };
  piece("bos_token", special.bos), piece("eos_token", special.eos), piece("unk_token", special.unknown), piece("pad_token", special.pad);
  add("add_bos_token", special.add_bos ? "true" : "false");
  add("add_eos_token", special.add_eos ? "true" : "false");
  add("clean_up_tokenization_spaces", "false");
  if (!jinja.empty()) add("chat_template", json_string(jinja));
  return text + "\n}\n";
}

}  // namespace detail

/// What became of a tokenizer.
struct SavedTokenizer {
  SpecialTokens special;           ///< for config.json
  std::vector<std::string> notes;  ///< that the checkpoint has none, or one that could not be written
};

/// Writes the tokenizer of the checkpoint at `from` (a Hugging Face folder, one of its tensor files, or a GGUF file) into `folder`:
/// a folder's files as they are; a GGUF vocabulary of kind `llama` as tokenizer.model and tokenizer_config.json. Errors:
/// LoadError, TokenizerError.
inline SavedTokenizer save_tokenizer(const std::filesystem::path& from, const std::filesystem::path& folder) {
  std::error_code error;
  SavedTokenizer saved;
  const bool is_folder = std::filesystem::is_directory(from, error);
  if (is_folder || from.extension() == ".safetensors" || from.extension() == ".bin") {
    const std::filesystem::path source = is_folder ? from : from.parent_path();
    if (const FolderTokenizer found = load_folder_tokenizer(source); found.tokenizer) saved.special = found.tokenizer.special();
    bool any = false;
    for (const char* const name : detail::tokenizer_files) {
      if (!std::filesystem::exists(source / name, error)) continue;
      any = any || std::string_view(name).starts_with("tokenizer.");
      if (std::filesystem::equivalent(source / name, folder / name, error)) continue;
      const auto file = MappedFile::open(source / name);
      write_file(folder / name, file->bytes());
    }
    if (!any) saved.notes.push_back(source.string() + " has no tokenizer: nor has " + folder.string());
    return saved;
  }
  const GgufMetadata metadata = read_gguf_metadata(from);
  if (!detail::has_tokenizer(metadata)) {
    saved.notes.push_back(from.string() + " has no tokenizer: nor has " + folder.string());
    return saved;
  }
  const AnyTokenizer tokenizer = load_tokenizer(metadata);
  saved.special = tokenizer.special();
  if (const auto kind = metadata.at("tokenizer.ggml.model").text(); kind != "llama") {
    saved.notes.push_back(from.string() + ": its tokenizer is of kind " + in_quotes(kind) +
                          ", which is not written: copy the files of the model that it was made from");
    return saved;
  }
  const auto pieces = metadata.at("tokenizer.ggml.tokens").texts();
  const auto scores = metadata.at("tokenizer.ggml.scores").numbers();
  std::vector<std::int32_t> types;
  if (const auto value = metadata.find("tokenizer.ggml.token_type")) types = value->integers();
  const SentencePieceModel model = sentencepiece_model_of(detail::gguf_sentencepiece(metadata, pieces, scores, types));
  write_file(folder / "tokenizer.model", bytes_of(write_sentencepiece_model(model, SentencePieceUse::file)));
  const auto jinja = metadata.find("tokenizer.chat_template");
  write_file(folder / "tokenizer_config.json", bytes_of(detail::tokenizer_config_text(tokenizer, jinja ? std::string(jinja->text()) : std::string())));
  return saved;
}

}  // namespace tfm::inline TFM_ABI
