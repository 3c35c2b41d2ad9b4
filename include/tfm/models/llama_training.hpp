#pragma once
// The passes of Llama that training needs: forward without a cache, keeping what backward wants, and back.
#include <algorithm>
#include <string>

#include "tfm/kernels/elementwise.hpp"
#include "tfm/kernels/rope.hpp"
#include "tfm/models/llama.hpp"
#include "tfm/models/training_pass.hpp"

namespace tfm::inline TFM_ABI {

/// What a forward pass keeps for its backward, in context.kept.
template <class P>
struct LlamaSaved {
  RotaryAngles all, local;                        ///< of blocks, and of those that turn locally
  MutableView* inputs = nullptr;                  ///< [layers + 1] of [tokens, dim]: what each block, and the norm, was given
  typename LlamaBlock<P>::Saved* blocks = nullptr;  ///< [layers], or null: recomputed
  RmsNorm::Saved norm;
};

/// What forward_for_training of this model fills.
template <Shape S, class P>
LlamaSaved<P> kept_for_training(const Llama<S, P>&) {
  return {};
}

/// Returns the normalised hidden states [tokens, dim] that the output layer sees; each sequence stands alone, from its
/// position on. Padding may stand before a sequence's tokens: it neither sees nor is seen (transformers' trainer asks such a
/// row for the first token).
/// Errors: ShapeError for an id outside the vocabulary, a batch without these tokens, or an adapter of other sizes.
template <Shape S, class P>
View forward_for_training(Context& context, const Llama<S, P>& model, const Batch& batch, std::span<const std::int32_t> ids,
                          Recompute recompute, LlamaSaved<P>& saved) {
  const Index tokens = batch.tokens(), half = rotary_dim(model.shape) / 2;
  if (tokens != static_cast<Index>(ids.size()))
    raise(ShapeError("tfm: the batch has " + std::to_string(tokens) + " tokens, found " + std::to_string(ids.size()) + " ids"));
  for (Index s = 0; s < batch.sequences() && !batch.valid.empty(); ++s)
    for (Index t = batch.first(s) + batch.padding(s); t < batch.first(s) + batch.length(s); ++t)
      if (batch.valid[to_size(t)] == 0)
        raise(ShapeError("tfm: training takes padding before a sequence's tokens alone, found some at token " + std::to_string(t)));
  for (const std::int32_t id : ids)
    if (id < 0 || id >= model.shape.vocab)
      raise(ShapeError("tfm: id " + std::to_string(id) + " is outside the vocabulary of " + std::to_string(model.shape.vocab)));
  for (Index s = 0; s < batch.sequences(); ++s)
    if (const Adapter* const adapter = batch.adapter_of(s)) model.require_fit(*adapter);

  Index capacity = 0;  // that of a session for the longest sequence
  for (Index s = 0; s < batch.sequences(); ++s) capacity = std::max(capacity, batch.position_of(s) + batch.valid_length(s));
  saved.all = {context.kept.matrix(tokens, half), context.kept.matrix(tokens, half)};
  model.angles(context, batch, capacity, saved.all);
  if (!model.local_frequencies.empty()) {
    saved.local = {context.kept.matrix(tokens, half), context.kept.matrix(tokens, half)};
    model.local_angles(context, batch, saved.local);
  }

  const auto count = static_cast<Index>(model.layers.size());
  saved.inputs = context.kept.take<MutableView>(count + 1);
  for (Index l = 0; l <= count; ++l) saved.inputs[l] = context.kept.matrix(tokens, model.shape.dim);
  saved.blocks = recompute == Recompute::blocks ? nullptr : context.kept.take<typename LlamaBlock<P>::Saved>(count);
  model.embed(context, ids, saved.inputs[0]);
  for (Index l = 0; l < count && !context.ended(); ++l) {
    const auto run = [&](typename LlamaBlock<P>::Saved& kept) {
      kept = {};
      const auto& [cosine, sine] = model.angles_of(l, saved.all, saved.local);
      model.layers[to_size(l)].forward(context, batch, cosine, sine, model.shape.norm_eps, saved.inputs[l], saved.inputs[l + 1], kept);
    };
    if (saved.blocks != nullptr) {
      run(saved.blocks[l]);
      continue;
    }
    const Arena::Frame frame(context.kept);
    typename LlamaBlock<P>::Saved forgotten;
    run(forgotten);
  }
  context.raise_if_ended();
  const MutableView hidden = context.kept.matrix(tokens, model.shape.dim);
  model.norm.forward(context, saved.inputs[count], model.shape.norm_eps, hidden, &saved.norm);
  return hidden;
}

/// From the gradient of what forward_for_training returned to those of every trainable weight and adapter. Errors: Stopped.
template <Shape S, class P>
void backward_for_training(Context& context, const Llama<S, P>& model, const Batch& batch, std::span<const std::int32_t> ids, View dhidden,
                           const LlamaSaved<P>& saved, const Gradients& gradients) {
  const Arena::Frame frame(context.scratch);
  const MutableView d = context.scratch.matrix(dhidden.rows, dhidden.cols);
  kernels::fill(context, d, 0);
  model.norm.backward(context, dhidden, saved.norm, d, gradients);
  bool trains_embedding = false;
  if constexpr (P::output_weight::trainable) trains_embedding = model.embed_tokens.parameter >= 0;
  for (auto l = static_cast<Index>(model.layers.size()); l-- > 0;) {
    context.raise_if_ended();
    const auto& block = model.layers[to_size(l)];
    const auto& [cosine, sine] = model.angles_of(l, saved.all, saved.local);
    if (saved.blocks != nullptr) {
      block.backward(context, batch, cosine, sine, saved.blocks[l], d, gradients, l > 0 || trains_embedding);
      continue;
    }
    const Arena::Frame kept(context.kept), inner(context.scratch);
    typename LlamaBlock<P>::Saved again;
    block.forward(context, batch, cosine, sine, model.shape.norm_eps, saved.inputs[l], saved.inputs[l + 1], again);
    block.backward(context, batch, cosine, sine, again, d, gradients, l > 0 || trains_embedding);
  }
  model.embed_backward(context, ids, d, gradients);
}

}  // namespace tfm::inline TFM_ABI

#if defined(TFM_EXTERN_TRAINING)
#include "tfm/models/any_model.hpp"

namespace tfm::inline TFM_ABI {
TFM_EXTERN_TRAINING template View forward_for_training(Context&, const AnyLlama&, const Batch&, std::span<const std::int32_t>, Recompute, LlamaSaved<EveryBiasedLoraLinear<AnyWeight>>&);
TFM_EXTERN_TRAINING template void backward_for_training(Context&, const AnyLlama&, const Batch&, std::span<const std::int32_t>, View, const LlamaSaved<EveryBiasedLoraLinear<AnyWeight>>&,
                                                 const Gradients&);
}  // namespace tfm::inline TFM_ABI
#endif
