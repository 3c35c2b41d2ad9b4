#pragma once
// TranslationTask: what a Trainer needs to teach a Transformer to translate.
#include <algorithm>
#include <span>
#include <utility>
#include <vector>

#include "tfm/generate/translate.hpp"
#include "tfm/train/data/translation.hpp"
#include "tfm/train/task.hpp"

namespace tfm::inline TFM_ABI {

struct TranslationTaskOptions {
  Token bos{};                              ///< what the decoder is given before the first token
  Reduction reduction = Reduction::tokens;
  Index steps = 0;                          ///< of a padded sentence: what Reduction::d2l divides by
  float label_smoothing = 0;
};

/// Pairs to learn from and pairs to look how far it is. Batches are ragged: padding would cost time and change no number.
/// The model outlives it.
template <class Model>
class TranslationTask {
  const Model& model_;
  std::vector<TokenPair> training_, validation_;
  TranslationTaskOptions options_;

  // What the decoder gets and what it should say, of some pairs.
  struct Sentences {
    RaggedSentences source, target;
    std::vector<Token> labels;

    void add(const TokenPair& pair, Token bos) {
      std::vector<Token> input{bos};
      input.insert(input.end(), pair.target.begin(), pair.target.end() - 1);
      source.add(pair.source), target.add(input);
      labels.insert(labels.end(), pair.target.begin(), pair.target.end());
    }
    PairBatch pairs(std::span<const Index> numbers = {}) const {
      PairBatch pairs{source.batch(), source.ids(), target.batch(), target.ids()};
      pairs.source.sample = pairs.target.sample = numbers;
      return pairs;
    }
  };

 public:
  /// Both sides of every pair hold at least one token. Errors: OptionError without a pair to learn from.
  TranslationTask(const Model& model, std::vector<TokenPair> training, std::vector<TokenPair> validation,
                  const TranslationTaskOptions& options)
      : model_(model), training_(std::move(training)), validation_(std::move(validation)), options_(options) {
    if (training_.empty()) raise(OptionError("tfm: there is no pair of sentences to learn from"));
    if (options_.reduction == Reduction::d2l && options_.steps < 1)
      raise(OptionError("tfm: d2l's loss is a mean over steps, found " + std::to_string(options_.steps) + " of them"));
  }

  Index samples() const noexcept { return static_cast<Index>(training_.size()); }

  Loss train(Context& context, const MicroBatch& batch, const Gradients& gradients) const {
    Index tokens = 0;
    for (const Index s : batch.step) tokens += static_cast<Index>(training_[to_size(s)].target.size());
    Sentences sentences;
    for (const Index s : batch.samples) sentences.add(training_[to_size(s)], options_.bos);
    const PairBatch pairs = sentences.pairs(batch.numbers);
    const Arena::Frame kept(context.kept), scratch(context.scratch);
    const MutableView logits = context.scratch.matrix(pairs.target.tokens(), model_.shape.target_vocab);
    typename Model::Saved saved;
    model_.forward(context, pairs, logits, &saved);
    const float weight = token_weight(options_.reduction, tokens, options_.steps);
    const Loss loss = cross_entropy(context, logits, sentences.labels,
                                    {.weight = weight, .label_smoothing = options_.label_smoothing}, logits);
    model_.backward(context, pairs, logits, saved, gradients);
    return loss;
  }

  /// The true loss per token of the pairs that are kept for it, without smoothing; with none of them, of those that it
  /// learns from.
  Evaluation evaluate(Context& context) const {
    const std::vector<TokenPair>& pairs = validation_.empty() ? training_ : validation_;
    constexpr std::size_t at_once = 64;
    Loss all;
    for (std::size_t from = 0; from < pairs.size(); from += at_once) {
      Sentences sentences;
      for (std::size_t i = from; i < std::min(from + at_once, pairs.size()); ++i) sentences.add(pairs[i], options_.bos);
      const Arena::Frame scratch(context.scratch);
      const auto rows = static_cast<Index>(sentences.labels.size());
      const MutableView logits = context.scratch.matrix(rows, model_.shape.target_vocab);
      model_.forward(context, sentences.pairs(), logits);
      all += cross_entropy(context, logits, sentences.labels, {});
    }
    return {all.per_token(), {}};
  }
};

}  // namespace tfm::inline TFM_ABI
