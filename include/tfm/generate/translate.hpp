#pragma once
// Translating: sentences of ids through a Transformer, by greedy or beam search.
#include <algorithm>
#include <span>
#include <vector>

#include "tfm/generate/beam_search.hpp"
#include "tfm/models/transformer.hpp"

namespace tfm::inline TFM_ABI {

/// Sentences one behind the other, as a Batch without padding.
class RaggedSentences {
  std::vector<Index> start_{0};
  std::vector<Token> ids_;

 public:
  void add(std::span<const Token> ids) {
    ids_.insert(ids_.end(), ids.begin(), ids.end());
    start_.push_back(static_cast<Index>(ids_.size()));
  }
  void clear() {
    start_.resize(1);
    ids_.clear();
  }
  std::span<const Index> start() const noexcept { return start_; }
  Batch batch() const noexcept { return {.start = start_}; }
  std::span<const Token> ids() const noexcept { return ids_; }
};

/// A Transformer that has read some sentences, as what searches drive: see StepDecoder. Model and context outlive it.
template <class Model>
class TranslationSteps {
  Context& context_;
  const Model& model_;
  TransformerState state_;
  std::vector<float> logits_;

 public:
  /// Errors: ShapeError for a sentence that is empty, too long or of ids outside the vocabulary, OptionError, Stopped.
  TranslationSteps(Context& context, const Model& model, std::span<const std::vector<Token>> sentences, Index beams,
                   Index max_tokens)
      : context_(context), model_(model) {
    RaggedSentences source;
    for (const auto& sentence : sentences) source.add(sentence);
    state_ = model.encode(context, source.batch(), source.ids(), {.tokens = max_tokens, .beams = beams});
    logits_.resize(sentences.size() * to_size(beams * model.shape.target_vocab));
  }
  View step(std::span<const Index> parents, std::span<const Token> tokens) {
    state_.reorder(parents);
    const MutableView logits{logits_.data(), state_.hypotheses(), model_.shape.target_vocab};
    model_.step(context_, tokens, state_, logits);
    return logits;
  }
};

/// The likeliest token after each other, for every sentence (ids that end with <eos>): see greedy_search.
template <class Model>
std::vector<std::vector<Token>> translate_greedily(Context& context, const Model& model,
                                                   std::span<const std::vector<Token>> sentences,
                                                   const SearchOptions& options) {
  if (sentences.empty()) return {};
  TranslationSteps<Model> steps(context, model, sentences, 1, options.max_tokens);
  return greedy_search(context, steps, static_cast<Index>(sentences.size()), options);
}

/// The n best translations of every sentence: see beam_search.
template <class Model>
std::vector<std::vector<Hypothesis>> translate(Context& context, const Model& model,
                                               std::span<const std::vector<Token>> sentences,
                                               const BeamOptions& options) {
  validate(options);
  if (sentences.empty()) return {};
  TranslationSteps<Model> steps(context, model, sentences, options.beam, options.max_tokens);
  return beam_search(context, steps, static_cast<Index>(sentences.size()), options);
}

}  // namespace tfm::inline TFM_ABI
