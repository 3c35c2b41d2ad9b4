#pragma once
// BpeModel: byte pair encoding of one word (Sennrich et al. 2016), whose smallest pieces are bytes (Radford et al.
// 2019) or characters.
#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "tfm/text/byte_alphabet.hpp"
#include "tfm/text/merge_table.hpp"
#include "tfm/text/vocabulary.hpp"

namespace tfm::inline TFM_ABI {

struct BpeRules {
  bool bytes = true;             ///< the smallest pieces are bytes, spelt in GPT-2's alphabet; false: characters
  bool ignore_merges = false;    ///< a word that is a piece is that piece, whatever the merges make of it
  bool byte_fallback = false;    ///< a character that is no piece becomes pieces <0x00> for its bytes, if all are there
  bool fuse_unknown = false;     ///< unknown ones side by side are one token
  std::optional<Token> unknown{};  ///< what stands for a byte or character that is no piece; none: it is left out
};

/// The token of a piece, unless it is one that only a template may write, or that stands for what is no piece.
inline std::optional<Token> ordinary_token(const Vocabulary& vocabulary, std::string_view piece) {
  const auto token = vocabulary.find(piece);
  const bool none = token && (vocabulary.is_control(*token) || vocabulary.type(*token) == TokenType::unknown);
  return none ? std::nullopt : token;
}
/// The tokens of the pieces <0x00> to <0xFF>; -1: none.
std::array<Token, 256> byte_tokens(const Vocabulary& vocabulary);

class BpeModel {
  MergeTable merges_;
  BpeRules rules_;
  std::array<Token, 256> byte_token_{};          // -1: none
  std::vector<Token> near_;                      // by code point below 0x10000; -1: none
  std::unordered_map<char32_t, Token> far_;      // the others

  Token of_character(std::string_view text, std::size_t& at) const;
  void begin_with_characters(std::string_view word, std::vector<Token>& out) const;

 public:
  struct Scratch {
    std::vector<Token> word, part;
    MergeTable::Scratch merging;
    std::string spelt;
  };

  /// Of a vocabulary that has all its pieces, and to which it is always given.
  BpeModel(const Vocabulary& vocabulary, MergeTable merges, const BpeRules& rules);

  /// Appends the tokens of a word. A byte or character that has no piece and nothing to stand for it is left out.
  void encode(const Vocabulary& vocabulary, std::string_view word, Scratch& scratch, std::vector<Token>& out) const;
};

}  // namespace tfm::inline TFM_ABI

#if defined(TFM_DEFINITIONS)
#include "tfm/text/bpe_model.inl"
#endif
