#pragma once
// A Hugging Face folder's tokenizer as the keys of a GGUF file.
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tfm/checkpoint/load_tokenizer.hpp"
#include "tfm/formats/gguf_writer.hpp"

namespace tfm::inline TFM_ABI {

namespace detail {

/// What the words of two pre-tokenizers, and the tokens of two tokenizers, are compared over: contractions, numbers,
/// marks, scripts, white space.
std::vector<std::string_view> telling_texts();

/// The name of tokenizer.ggml.pre behind which texts are cut as this tokenizer.json cuts them, and whose other
/// properties are its; none: there is no such, which `why` says.
std::optional<std::string_view> pre_tokenizer_name(const JsonDocument& document, std::string& why);

}  // namespace detail

/// Sets tokenizer.ggml.* as the folder's tokenizer.model or tokenizer.json has it, with as many pieces as the model has
/// rows, and tokenizer.chat_template. What is set is read again and must give the folder's tokens for the telling
/// texts; otherwise, and for a tokenizer that GGUF cannot say, nothing is set. `found`: the folder's tokenizer, read
/// before. Returns what is to be told. Errors: LoadError, TokenizerError.
std::vector<std::string> set_folder_vocabulary(GgufWriter& file, const std::filesystem::path& folder,
                                               const FoundTokenizer& found, Index rows);

}  // namespace tfm::inline TFM_ABI

#if defined(TFM_DEFINITIONS)
#include "tfm/checkpoint/folder_vocabulary.inl"
#endif
