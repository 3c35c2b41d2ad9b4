#pragma once
// UnigramModel: the best of all ways to make a word of pieces, by the sum of their scores (Kudo 2018).
#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "tfm/text/byte_trie.hpp"
#include "tfm/text/pattern.hpp"
#include "tfm/text/vocabulary.hpp"

namespace tfm::inline TFM_ABI {

class UnigramModel {
  ByteTrie trie_;
  std::vector<double> scores_;
  std::optional<Token> unknown_;
  std::array<Token, 256> byte_token_{};
  bool byte_fallback_;
  double unknown_score_ = 0;

 public:
  struct Scratch {
    struct Best {
      double score;
      std::size_t from;
      Token token;  // -1: none yet
    };
    std::vector<Best> best;                 // by where a piece ends
    std::vector<std::pair<TextSpan, Token>> path;
  };

  /// Of a vocabulary, to which it is always given, and a score for each token. Control and unknown tokens are no pieces
  /// of a text. With byte fallback what is unknown becomes the pieces <0x00> of its bytes, if all are there.
  UnigramModel(const Vocabulary& vocabulary, std::span<const double> scores, std::optional<Token> unknown,
               bool byte_fallback);

  /// Appends the tokens of a word; unknown characters side by side are one. Errors: TokenizerError for one where there
  /// is no unknown token.
  void encode(const Vocabulary& vocabulary, std::string_view word, Scratch& scratch, std::vector<Token>& out) const;
};

}  // namespace tfm::inline TFM_ABI

#if defined(TFM_DEFINITIONS)
#include "tfm/text/unigram_model.inl"
#endif
