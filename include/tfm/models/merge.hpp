#pragma once
// merge: an adapter becomes part of its model's weights, and can be taken out again.    Hu et al. 2021, arXiv:2106.09685, section 4.1
#include <algorithm>
#include <concepts>
#include <numeric>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "tfm/kernels/elementwise.hpp"
#include "tfm/kernels/rows.hpp"
#include "tfm/layers/lora_slots.hpp"
#include "tfm/models/causal_model.hpp"
#include "tfm/numeric/pack.hpp"

namespace tfm::inline TFM_ABI {

/// The weights that a merge replaced, by their slots: what unmerge gives back. They are the old bytes themselves, not copies.
struct MergedWeights {
  struct Weight {
    Index slot = -1;
    PackedWeight packed{};  ///< one of the two
    F32 trainable{};
  };
  std::vector<Weight> replaced;
};

namespace detail {

/// W + scaling B A, in float32.
template <class W>
F32 merged_weight(Context& context, const W& weight, const LoraPair& pair) {
  F32 sum(weight.rows(), weight.cols());
  std::vector<std::int32_t> rows(to_size(sum.rows()));
  std::iota(rows.begin(), rows.end(), 0);
  kernels::weight_rows(context, weight, rows, sum.values());
  constexpr Index each = 256;  // rows of B A at a time
  for (Index first = 0; first < sum.rows() && !context.ended(); first += each) {
    const Arena::Frame frame(context.scratch);
    const Index n = std::min(each, sum.rows() - first);
    const MutableView change = context.scratch.matrix(n, sum.cols());
    kernels::fill(context, change, 0);
    matmul_backward(context, pair.a, pair.b.view().slice(first, n), change);
    kernels::scale_add(context, pair.scaling, change, sum.values().slice(first, n));
  }
  context.raise_if_ended();
  return sum;
}

}  // namespace detail

/// Puts back what merge() of this model replaced, bit for bit, and takes the merged weights in exchange: called twice, nothing has changed.
template <StoredCausalModel Model>
void unmerge(Model& model, MergedWeights& merged) noexcept {
  visit_lora_layers(model, "", [&](const std::string&, auto& layer) {
    using W = typename std::remove_cvref_t<decltype(layer)>::weight_type;
    for (MergedWeights::Weight& kept : merged.replaced) {
      if (kept.slot != layer.adapter_slot()) continue;
      if constexpr (std::same_as<W, F32>) std::swap(layer.base_weight(), kept.trainable);
      else kept.packed = std::exchange(layer.base_weight(), W(std::move(kept.packed)));
    }
  });
}

/// W becomes W + scaling B A in every layer that the adapter changes, in the format that W has: a quantised weight is
/// dequantised, added to and quantised again, which rounds anew; compare_models (generate/compare.hpp) says what that changed.
/// The weights that were there are returned: with them unmerge() restores every bit; dropped, their memory is free once no other
/// model shares it. Without them merging mix({{&adapter, -1}}) subtracts, up to rounding. Beside the model it takes one matrix
/// in float32. Errors: ShapeError for an adapter of other sizes, LoadError for a sum that is not finite and would be quantised,
/// Stopped; the model has not changed then.
template <StoredCausalModel Model>
MergedWeights merge(Context& context, Model& model, const Adapter& adapter) {
  model.require_fit(adapter);
  MergedWeights fresh;
  visit_lora_layers(model, "", [&](const std::string& name, const auto& layer) {
    if (!adapter.touches(layer.adapter_slot())) return;
    using W = typename std::remove_cvref_t<decltype(layer)>::weight_type;
    static_assert(std::same_as<W, F32> || std::derived_from<W, PackedWeight>, "tfm: adapters are merged into F32 and tfm's packed formats alone");
    F32 sum = detail::merged_weight(context, layer.base_weight(), adapter[layer.adapter_slot()]);
    fresh.replaced.push_back({.slot = layer.adapter_slot()});
    if constexpr (std::same_as<W, F32>) {
      sum.parameter = layer.base_weight().parameter;
      fresh.replaced.back().trainable = std::move(sum);
    } else {
      const View values = sum.view();
      fresh.replaced.back().packed = pack(context, layer.base_weight().format(),
                                          {Format::f32, reinterpret_cast<const std::byte*>(values.data), values.rows, values.cols}, name);
    }
  });
  unmerge(model, fresh);  // the other way round: it takes what was there
  return fresh;
}

/// A model of the same numbers. Frozen weights are shared, not copied: nobody writes into them.
template <StoredCausalModel Model>
Model clone(const Model& model) {
  Model same = model.blank();
  std::vector<const void*> weights;
  visit_weights(model, "", [&](const std::string&, const auto& weight, const WeightInfo&) { weights.push_back(&weight); });
  auto next = weights.begin();
  visit_weights(same, "", [&](const std::string&, auto& weight, const WeightInfo&) {
    using W = std::remove_cvref_t<decltype(weight)>;
    const W& from = *static_cast<const W*>(*next++);
    if constexpr (requires { from.clone(); }) weight = from.clone();
    else weight = from;
  });
  return same;
}

}  // namespace tfm::inline TFM_ABI

#if defined(TFM_EXTERN_TRAINING)
#include "tfm/models/any_model.hpp"

namespace tfm::inline TFM_ABI {
TFM_EXTERN_TRAINING template MergedWeights merge(Context&, AnyLlama&, const Adapter&);
TFM_EXTERN_TRAINING template MergedWeights merge(Context&, AnyModel&, const Adapter&);
TFM_EXTERN_TRAINING template void unmerge(AnyLlama&, MergedWeights&) noexcept;
TFM_EXTERN_TRAINING template void unmerge(AnyModel&, MergedWeights&) noexcept;
}  // namespace tfm::inline TFM_ABI
#endif
