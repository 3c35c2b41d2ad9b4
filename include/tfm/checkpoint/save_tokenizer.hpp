#pragma once
// save_tokenizer: a checkpoint's tokenizer as the files of a Hugging Face folder.
#include <filesystem>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "tfm/checkpoint/load_tokenizer.hpp"
#include "tfm/checkpoint/tokenizer_json_text.hpp"
#include "tfm/formats/atomic_file.hpp"

namespace tfm::inline TFM_ABI {

namespace detail {

/// What a folder may say of its tokenizer and of how texts are generated.
inline constexpr const char* tokenizer_files[] = {"tokenizer.model",         "tokenizer.json",         "tokenizer_config.json", "special_tokens_map.json",
                                                  "added_tokens.json",       "vocab.json",             "merges.txt",            "chat_template.jinja",
                                                  "chat_template.json",      "generation_config.json"};

}  // namespace detail

/// What became of a tokenizer.
struct SavedTokenizer {
  SpecialTokens special;           ///< for config.json
  std::vector<std::string> notes;  ///< that the checkpoint has none, or one that could not be written
};

/// Writes the tokenizer of the checkpoint at `from` (a Hugging Face folder, one of its tensor files, or a GGUF file) into `folder`:
/// a folder's files as they are; a GGUF vocabulary of kind `llama` as tokenizer.model, one of kind `gpt2` as tokenizer.json, and
/// tokenizer_config.json beside it. `rows` of the model's embedding, beyond which a folder's added tokens are none. Errors: LoadError,
/// TokenizerError.
inline SavedTokenizer save_tokenizer(const std::filesystem::path& from, const std::filesystem::path& folder,
                                     Index rows = std::numeric_limits<Token>::max() / 4) {
  std::error_code error;
  SavedTokenizer saved;
  const bool is_folder = std::filesystem::is_directory(from, error);
  if (is_folder || from.extension() == ".safetensors" || from.extension() == ".bin") {
    const std::filesystem::path source = is_folder ? from : from.parent_path();
    if (const FolderTokenizer found = load_folder_tokenizer(source, rows); found.tokenizer) saved.special = found.tokenizer.special();
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
  const GgufVocabulary vocabulary = read_gguf_vocabulary(metadata);
  const FoundTokenizer found = find_tokenizer(metadata);
  saved.special = found.tokenizer.special();
  if (vocabulary.kind == "llama") {
    const SentencePieceModel model = sentencepiece_model_of(vocabulary.sentencepiece());
    if (model.some_bytes_missing) {
      saved.notes.push_back(from.string() + ": its tokenizer is not written: a tokenizer.model has pieces for all bytes, or for none");
      return saved;
    }
    write_file(folder / "tokenizer.model", bytes_of(write_sentencepiece_model(model, SentencePieceUse::file)));
  } else if (pre_tokenizer_facts(vocabulary.pre_tokenizer)->characters) {
    saved.notes.push_back(from.string() + ": its tokenizer is not written: pieces of characters behind the pre-tokenizer " +
                          in_quotes(vocabulary.pre_tokenizer) + " are read alone");
    return saved;
  } else {
    if (std::filesystem::exists(folder / "tokenizer.model", error))
      saved.notes.push_back(folder.string() + " has a tokenizer.model of before, which goes before the tokenizer.json that is written: remove it");
    write_file(folder / "tokenizer.json", bytes_of(tokenizer_json_text(vocabulary, found.tokenizer)));
  }
  write_file(folder / "tokenizer_config.json", bytes_of(tokenizer_config_text(vocabulary, found.tokenizer, found.jinja)));
  return saved;
}

}  // namespace tfm::inline TFM_ABI
