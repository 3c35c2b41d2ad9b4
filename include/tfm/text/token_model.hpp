#pragma once
// TokenModel: any of the models that make tokens of a word.
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "tfm/text/bpe_model.hpp"
#include "tfm/text/unigram_model.hpp"
#include "tfm/text/word_piece_model.hpp"

namespace tfm::inline TFM_ABI {

class TokenModel {
  std::variant<BpeModel, UnigramModel, WordPieceModel> model_;

 public:
  struct Scratch {
    BpeModel::Scratch bpe;
    UnigramModel::Scratch unigram;
    std::string word_piece;
  };

  TokenModel(BpeModel model) : model_(std::move(model)) {}
  TokenModel(UnigramModel model) : model_(std::move(model)) {}
  TokenModel(WordPieceModel model) : model_(std::move(model)) {}

  /// Appends the tokens of a word. `vocabulary` is the one that the model was made for.
  void encode(const Vocabulary& vocabulary, std::string_view word, Scratch& scratch, std::vector<Token>& out) const {
    if (const auto* const bpe = std::get_if<BpeModel>(&model_)) bpe->encode(vocabulary, word, scratch.bpe, out);
    else if (const auto* const unigram = std::get_if<UnigramModel>(&model_))
      unigram->encode(vocabulary, word, scratch.unigram, out);
    else std::get<WordPieceModel>(model_).encode(vocabulary, word, scratch.word_piece, out);
  }
};

}  // namespace tfm::inline TFM_ABI
