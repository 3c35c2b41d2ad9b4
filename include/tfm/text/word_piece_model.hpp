#pragma once
// WordPieceModel: the longest piece that a word begins with, then the longest of the rest (Schuster and Nakajima 2012,
// as BERT has it).
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "tfm/text/vocabulary.hpp"

namespace tfm::inline TFM_ABI {

struct WordPieceModel {
  Token unknown = 0;           ///< what a word becomes that cannot be made of pieces
  std::string prefix = "##";   ///< of pieces inside a word
  std::size_t most_characters = 100;  ///< a longer word is unknown

  /// Appends the tokens of a word.
  void encode(const Vocabulary& vocabulary, std::string_view word, std::string& scratch, std::vector<Token>& out) const;
};

}  // namespace tfm::inline TFM_ABI

#if defined(TFM_DEFINITIONS)
#include "tfm/text/word_piece_model.inl"
#endif
