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

/// What a folder may say of its tokenizer and of how texts are generated.
inline constexpr const char* tokenizer_files[] = {"tokenizer.model",         "tokenizer.json",         "tokenizer_config.json", "special_tokens_map.json",
                                                  "added_tokens.json",       "vocab.json",             "merges.txt",            "chat_template.jinja",
                                                  "chat_template.json",      "generation_config.json"};

/// What became of a tokenizer.
struct SavedTokenizer {
  SpecialTokens special;           ///< for config.json
  std::vector<std::string> notes;  ///< that the checkpoint has none, or one that could not be written
};

/// Writes the tokenizer of the checkpoint at `from` (a Hugging Face folder, one of its tensor files, or a GGUF file) into `folder`:
/// a folder's files as they are; a GGUF vocabulary as tokenizer.json, of kind `llama` as tokenizer.model too, and
/// tokenizer_config.json and generation_config.json beside it. `rows` of the model's embedding, beyond which a folder's added tokens are none. Errors: LoadError,
/// TokenizerError.
SavedTokenizer save_tokenizer(const std::filesystem::path& from, const std::filesystem::path& folder,
                                     Index rows = std::numeric_limits<Token>::max() / 4);

}  // namespace tfm::inline TFM_ABI

#if defined(TFM_DEFINITIONS)
#include "tfm/checkpoint/save_tokenizer.inl"
#endif
