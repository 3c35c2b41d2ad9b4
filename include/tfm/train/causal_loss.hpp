#pragma once
// causal_loss: what a causal model loses on the next tokens of a batch, and the gradients of all that trains.
#include <algorithm>

#include "tfm/models/causal_model.hpp"
#include "tfm/models/llama_training_memory.hpp"
#include "tfm/train/losses.hpp"

namespace tfm::inline TFM_ABI {

/// The label of each token's successor, from labels as Hugging Face has them (one for each token, its own id or
/// ignored_label): a sequence's first label counts for nothing, its last token has none.
inline void shift_labels(const Batch& batch, std::span<const std::int32_t> labels, std::int32_t* shifted) noexcept {
  for (Index s = 0; s < batch.sequences(); ++s)
    for (Index t = batch.first(s), end = t + batch.length(s); t < end; ++t)
      shifted[t] = t + 1 < end ? labels[to_size(t + 1)] : ignored_label;
}

inline constexpr Index logit_rows = 128;  ///< of logits that causal_loss computes at a time

/// weight Σ cross-entropy of the tokens that have a label; adds the gradients of that unless `gradients` is null. ids, labels
/// [tokens] as Hugging Face has them, see shift_labels. Logits are computed a hundred-odd rows at a time, of rows with a label alone.
/// Errors: ShapeError for ids, labels or adapters that do not fit; Stopped.
template <TrainableCausalModel Model>
Loss causal_loss(Context& context, const Model& model, const Batch& batch, std::span<const std::int32_t> ids,
                 std::span<const std::int32_t> labels, const CrossEntropyOptions& options, const Gradients* gradients,
                 Recompute recompute = Recompute::blocks) {
  if (labels.size() != ids.size())
    raise(ShapeError("tfm: found " + std::to_string(labels.size()) + " labels for " + std::to_string(ids.size()) + " ids"));
  const Arena::Frame kept(context.kept), scratch(context.scratch);
  auto saved = kept_for_training(model);
  const View hidden = forward_for_training(context, model, batch, ids, recompute, saved);
  auto* const shifted = context.kept.take<std::int32_t>(hidden.rows);
  shift_labels(batch, labels, shifted);
  auto* const rows = context.kept.take<Index>(hidden.rows);
  Index count = 0;
  for (Index t = 0; t < hidden.rows; ++t)
    if (shifted[t] != ignored_label) rows[count++] = t;

  const MutableView dhidden = gradients == nullptr ? MutableView{} : context.kept.matrix(hidden.rows, hidden.cols);
  if (gradients != nullptr) fill(dhidden, 0);
  constexpr Index each = logit_rows;
  Loss loss;
  for (Index first = 0; first < count; first += each) {
    context.raise_if_ended();
    const Arena::Frame frame(context.scratch);
    const Index n = std::min(each, count - first);
    const MutableView h = context.scratch.matrix(n, hidden.cols), logits = context.scratch.matrix(n, model.shape.vocab);
    const MutableView dlogits = gradients == nullptr ? MutableView{} : model.caps_logits() ? context.scratch.matrix(n, logits.cols) : logits;
    auto* const own = context.scratch.take<std::int32_t>(n);
    for (Index i = 0; i < n; ++i) {
      copy(hidden.slice(rows[first + i], 1), h.slice(i, 1));
      own[i] = shifted[rows[first + i]];
    }
    model.head(context, h, logits);
    loss += cross_entropy(context, logits, {own, to_size(n)}, options, dlogits);
    if (gradients == nullptr) continue;
    model.head_backward(context, logits, dlogits, h, *gradients);
    for (Index i = 0; i < n; ++i) copy(h.slice(i, 1), dhidden.slice(rows[first + i], 1));
  }
  if (gradients != nullptr) backward_for_training(context, model, batch, ids, dhidden, saved, *gradients);
  return loss;
}

}  // namespace tfm::inline TFM_ABI

#if defined(TFM_EXTERN_TRAINING)
#include "tfm/models/any_model.hpp"

namespace tfm::inline TFM_ABI {
TFM_EXTERN_TRAINING template Loss causal_loss(Context&, const AnyLlama&, const Batch&, std::span<const std::int32_t>, std::span<const std::int32_t>,
                                      const CrossEntropyOptions&, const Gradients*, Recompute);
TFM_EXTERN_TRAINING template Loss causal_loss(Context&, const AnyModel&, const Batch&, std::span<const std::int32_t>, std::span<const std::int32_t>,
                                      const CrossEntropyOptions&, const Gradients*, Recompute);
}  // namespace tfm::inline TFM_ABI
#endif
