#pragma once
// Linear: y = x Wᵀ over any number format; and several of them that share x.
#include <algorithm>
#include <span>
#include <utility>

#include "tfm/core/parameter.hpp"
#include "tfm/kernels/accumulate.hpp"
#include "tfm/kernels/matmul.hpp"
#include "tfm/layers/batch.hpp"
#include "tfm/layers/gradients.hpp"
#include "tfm/numeric/weight.hpp"

namespace tfm::inline TFM_ABI {

/// Bytes of scratch that so many projections of one x take together, at most, where sequences have adapters of up to `rank` (0: none has).
constexpr Index projection_scratch_bytes(Index tokens, Index in, Index rank, Index threads, Index together = 1) noexcept {
  const Index base = kernels::matmul_scratch_bytes(tokens, in, threads);
  if (rank == 0) return base;
  const Index terms = 2 * Arena::bytes_for(tokens * rank) + Arena::bytes_for(tokens * round_up(rank, 2), 2) + Arena::bytes_for(tokens, sizeof(kernels::AdapterTerm));
  return together * terms + base;
}

/// y = x Wᵀ: x [tokens, in], y [tokens, out]. A frozen format gets no gradient and saves nothing; nor does an F32 weight that has no
/// number, as under adapters, get a gradient.
template <Weight W>
struct Linear {
  using weight_type = W;
  W weight;
  WeightInfo expected{WeightRole::base};  ///< the weight that belongs here; sizes of 0: any

  struct Saved {
    View x;
  };

  void forward(Context& context, const Batch& batch, View x, MutableView y, Saved* saved = nullptr) const noexcept {
    matmul(context, weight, x, y);
    after_product(context, batch, x, y, saved);
  }
  /// What adds to the product while it is computed.
  std::span<kernels::AdapterTerm> before_product(Context&, const Batch&, View, Saved*) const noexcept { return {}; }
  /// What follows the product, for callers that computed it together with others.
  void after_product(Context&, const Batch&, View x, MutableView, Saved* saved) const noexcept {
    if (saved != nullptr && W::trainable) saved->x = x;
  }
  /// dx += dy W, unless dx is empty: nobody asks for it.
  void backward(Context& context, const Batch&, View dy, const Saved& saved, MutableView dx, const Gradients& gradients) const noexcept {
    if constexpr (W::trainable)
      if (weight.parameter >= 0) accumulate(context, dy, saved.x, gradients[weight]);
    if (dx.data != nullptr) matmul_backward(context, weight, dy, dx);
  }

  const W& base_weight() const noexcept { return weight; }
  /// Before the weight is there. `rotary_heads`: as in WeightInfo.
  void set_size(Index out, Index in, Index rotary_heads = 0) noexcept { expected = {WeightRole::base, out, in, rotary_heads}; }
  WeightInfo info() const noexcept { return expected.rows != 0 ? expected : WeightInfo{WeightRole::base, weight.rows(), weight.cols()}; }
  void visit(auto&& f) { f("weight", weight, info()); }
  void visit(auto&& f) const { f("weight", weight, info()); }
};

/// One of several layers that share an input.
template <class Layer>
struct Output {
  const Layer& layer;
  MutableView y;
  typename Layer::Saved* saved = nullptr;
  Digits digits = Digits::one;
};
template <class Layer>
Output(const Layer&, MutableView, typename Layer::Saved*) -> Output<Layer>;
template <class Layer>
Output(const Layer&, MutableView, typename Layer::Saved*, Digits) -> Output<Layer>;
template <class Layer>
Output(const Layer&, MutableView) -> Output<Layer>;

/// Each output's layer applied to the same x; products of built-in formats run as one parallel region.
template <class... Layer>
void forward_together(Context& context, const Batch& batch, View x, Output<Layer>... outputs) noexcept {
  const Arena::Frame frame(context.scratch);
  const std::span<kernels::AdapterTerm> terms[] = {outputs.layer.before_product(context, batch, x, outputs.saved)...};
  [&]<std::size_t... i>(std::index_sequence<i...>) {
    matmul(context, x, product(outputs.layer.base_weight(), outputs.y, outputs.digits, terms[i])...);
  }(std::index_sequence_for<Layer...>{});
  (outputs.layer.after_product(context, batch, x, outputs.y, outputs.saved), ...);
}

}  // namespace tfm::inline TFM_ABI
