#pragma once
// SentencePieceTables: a sentencepiece vocabulary as plain tables, the way a GGUF file holds it, and its model.
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "tfm/core/error.hpp"
#include "tfm/core/index.hpp"
#include "tfm/text/sentencepiece_model.hpp"
#include "tfm/text/vocabulary.hpp"

namespace tfm::inline TFM_ABI {

/// A vocabulary as GGUF has it for the tokenizer model "llama"; read while the tokenizer is built, and not kept.
struct SentencePieceTables {
  std::span<const std::string_view> pieces{};  ///< by token, with U+2581 for the space; an empty one is no text's
  std::span<const float> scores{};             ///< as many
  std::span<const std::int32_t> types{};       ///< TokenType's numbers, as many; none: told from the pieces
  SpecialTokens special{.add_bos = true};      ///< unknown names the unknown piece, whatever the types say
  bool add_space_prefix = true;                ///< a space in front of every text
  bool remove_extra_whitespaces = false;
  std::string_view what = "vocabulary";        ///< the file's name, for messages
};

/// The model of a GGUF vocabulary: BPE by scores, with byte fallback where there are byte pieces. The unknown piece is
/// the one that special.unknown names, or else the first of that type; all others of that type are unused. bos and eos
/// are control pieces, whatever their type. Where there are byte pieces but not 256, the other bytes become the unknown piece.
SentencePieceModel sentencepiece_model_of(const SentencePieceTables& tables);

}  // namespace tfm::inline TFM_ABI

#if defined(TFM_DEFINITIONS)
#include "tfm/text/sentencepiece_tables.inl"
#endif
