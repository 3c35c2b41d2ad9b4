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

namespace detail {

inline void check_counts(const SentencePieceTables& tables) {
  const auto expect = [&](std::size_t found, const char* of) {
    if (found == tables.pieces.size()) return;
    sentencepiece_error(tables.what, {found, " ", of, " for ", tables.pieces.size(), " pieces"});
  };
  expect(tables.scores.size(), "scores");
  if (!tables.types.empty()) expect(tables.types.size(), "token types");
}

/// The type of one piece before the roles are known.
inline TokenType type_in(const SentencePieceTables& tables, std::size_t i) {
  const std::string_view piece = tables.pieces[i];
  if (tables.types.empty()) return byte_of_piece(piece) >= 0 ? TokenType::byte : TokenType::normal;
  return effective_type(token_type(tables.types[i], static_cast<Index>(i), tables.what), piece);
}

}  // namespace detail

/// The model of a GGUF vocabulary: BPE by scores, with byte fallback where there are byte pieces. The unknown piece is
/// the one that special.unknown names, or else the first of that type; all others of that type are unused. bos and eos
/// are control pieces, whatever their type. Where there are byte pieces but not 256, the other bytes become the unknown piece.
inline SentencePieceModel sentencepiece_model_of(const SentencePieceTables& tables) {
  detail::check_counts(tables);
  SentencePieceModel model;
  model.kind = SentencePieceModel::Kind::bpe;
  model.add_dummy_prefix = tables.add_space_prefix;
  model.remove_extra_whitespaces = tables.remove_extra_whitespaces;
  model.what = tables.what;
  model.special = checked(tables.special, static_cast<Index>(tables.pieces.size()), tables.what);
  auto& [bos, eos, unknown, pad, add_bos, add_eos] = model.special;
  std::size_t bytes = 0;
  model.pieces.reserve(tables.pieces.size());
  for (std::size_t i = 0; i < tables.pieces.size(); ++i) {
    const auto token = static_cast<Token>(i);
    TokenType type = detail::type_in(tables, i);
    if (type == TokenType::unknown && !unknown) unknown = token;
    if (type == TokenType::unknown && unknown != token) type = TokenType::unused;
    if (token == bos || token == eos) type = TokenType::control;
    const bool nameless = tables.pieces[i].empty();
    if (nameless && type != TokenType::unknown) type = TokenType::unused;
    if (type == TokenType::byte) ++bytes;
    model.pieces.push_back({tables.pieces[i], tables.scores[i], type, nameless});
  }
  model.byte_fallback = bytes > 0;
  model.some_bytes_missing = bytes > 0 && bytes < 256;
  if (!unknown) {
    detail::sentencepiece_error(tables.what, {"no unknown piece: no id names one, and no piece has the type"});
  }
  if (unknown == bos || unknown == eos) {
    detail::sentencepiece_error(tables.what, {"token ", *unknown, " is the unknown piece and begins or ends a text, in one"});
  }
  model.pieces[to_size(*unknown)].type = TokenType::unknown;
  return model;
}

}  // namespace tfm::inline TFM_ABI
