#pragma once
// CausalModel: what is asked of a model that predicts the next token.
#include <concepts>
#include <cstdint>
#include <span>
#include <utility>

#include "tfm/layers/adapter.hpp"
#include "tfm/layers/batch.hpp"
#include "tfm/layers/state.hpp"
#include "tfm/models/training_pass.hpp"
#include "tfm/numeric/format.hpp"

namespace tfm::inline TFM_ABI {

/// What Model keeps of sequences between passes.
template <class Model>
using StateOf = decltype(std::declval<const Model&>().make_cache(Index{}, Index{}, Format::f32));

/// All that Session, Chat, generate and compare_models ask; Llama is one:
/// - shape.vocab, shape.context;
/// - make_cache(sequences, context, format): a State of so many slots;
/// - forward(context, batch, ids, state, wanted, logits) appends the batch's tokens and writes batch.logit_rows(wanted)
///   rows of logits; nothing has changed when it throws;
/// - forward_bytes(tokens, sequences, threads, rank, state): what that takes of context.scratch, at most;
/// - require_fit(adapter) refuses an adapter of other sizes.
template <class M>
concept CausalModel = State<StateOf<M>> &&
    requires(const M& model, Context& context, const Batch& batch, std::span<const std::int32_t> ids, StateOf<M>& state,
             Logits wanted, MutableView logits, const Adapter& adapter, Index n) {
  { model.shape.vocab } -> std::convertible_to<Index>;
  { model.shape.context } -> std::convertible_to<Index>;
  model.forward(context, batch, ids, state, wanted, logits);
  { model.forward_bytes(n, n, n, n, state) } -> std::convertible_to<Index>;
  model.require_fit(adapter);
};

/// What merge, clone, loaders, savers and packed files ask besides: `visit`, which names its weights and layers, and
/// blank(), the same model without weights.
template <class M>
concept StoredCausalModel = CausalModel<M> && requires(const M& model) {
  { model.blank() } -> std::same_as<M>;
  model.visit([](auto&&...) {});
};

/// What causal_loss and CausalTask ask besides: functions beside the model, which are found by their arguments,
/// - kept_for_training(model): a value for what the forward pass leaves to the backward pass;
/// - forward_for_training(context, model, batch, ids, recompute, kept) gives normalised hidden states [tokens, width],
///   backward_for_training(context, model, batch, ids, dhidden, kept, gradients) goes back from their gradient;
/// - training_memory(context, model, pass, rows): what both take of the context's arenas, with so many rows of logits
///   at a time;
/// and of the model head(context, hidden, logits), by which hidden states become logits, with head_backward(context, logits, dlogits,
/// hidden, gradients), which looks at the logits where the model caps_logits().
template <class M>
concept TrainableCausalModel = CausalModel<M> &&
    requires(const M& model, Context& context, const Batch& batch, std::span<const std::int32_t> ids,
             Recompute recompute, View rows, MutableView to, const Gradients& gradients) {
  requires requires(decltype(kept_for_training(model)) & kept) {
    { forward_for_training(context, model, batch, ids, recompute, kept) } -> std::convertible_to<View>;
    backward_for_training(context, model, batch, ids, rows, kept, gradients);
  };
  { training_memory(context, model, TrainingPass{}, Index{}) } -> std::same_as<PassMemory>;
  model.head(context, rows, to);
  { model.caps_logits() } -> std::convertible_to<bool>;
  model.head_backward(context, rows, to, to, gradients);
};

}  // namespace tfm::inline TFM_ABI
