#pragma once
// GgufVocabulary: the tables of a GGUF file's vocabulary. What other programs read too, though it is not as the format has it,
// is put right and told.
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tfm/formats/gguf_metadata.hpp"
#include "tfm/text/byte_bpe.hpp"
#include "tfm/text/sentencepiece.hpp"

namespace tfm::inline TFM_ABI {

/// The texts are the file's own bytes: the metadata must outlive them.
struct GgufVocabulary {
  std::string_view kind;                  ///< "llama" or "gpt2"
  std::vector<std::string_view> pieces;   ///< an empty one is no text's
  std::vector<float> scores;              ///< of kind llama: as many
  std::vector<std::int32_t> types;        ///< TokenType's numbers, as many
  std::vector<std::string_view> merges;   ///< of kind gpt2
  std::string_view pre_tokenizer;         ///< of kind gpt2
  SpecialTokens special;
  bool add_space_prefix = true, remove_extra_whitespaces = false;
  std::string_view what;                  ///< the file's name, for messages
  std::vector<std::string> notes;

  SentencePieceTables sentencepiece() const;
  ByteBpeTables byte_bpe() const;
};

namespace detail {

/// A key's token; none where it is missing, or all ones, which is how some converters write "none". An id outside the vocabulary
/// is none too, which is told.
std::optional<Token> gguf_token(const GgufMetadata& metadata, std::string_view key, Index size, std::vector<std::string>* notes = nullptr);
SpecialTokens gguf_special(const GgufMetadata& metadata, Index size, bool add_bos, std::vector<std::string>& notes);

/// The types, those that are missing or 0 (undefined) told from the pieces.
std::vector<std::int32_t> gguf_types(const GgufMetadata& metadata, const GgufVocabulary& vocabulary, std::vector<std::string>& notes);

bool has_tokenizer(const GgufMetadata& metadata);

/// The chat template: a string; of an array of strings, or of several templates with names, the first.
std::string gguf_chat_template(const GgufMetadata& metadata, std::vector<std::string>& notes);

}  // namespace detail

/// Reads the vocabulary of a GGUF file of any architecture. Errors: LoadError for a key of another type or one that is missing,
/// TokenizerError for a kind that is not known, or for tables that do not fit together.
GgufVocabulary read_gguf_vocabulary(const GgufMetadata& metadata);

}  // namespace tfm::inline TFM_ABI

#if defined(TFM_DEFINITIONS)
#include "tfm/checkpoint/gguf_vocabulary.inl"
#endif
