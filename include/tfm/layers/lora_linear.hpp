#pragma once
// LoraLinear: a Linear whose sequences may each wear an adapter.    Hu et al. 2021, arXiv:2106.09685, section 4.1
#include <algorithm>

#include "tfm/kernels/elementwise.hpp"
#include "tfm/layers/adapter.hpp"
#include "tfm/layers/linear.hpp"

namespace tfm::inline TFM_ABI {

/// y = x Wᵀ + scaling (x Aᵀ) Bᵀ, with the A and B that the batch names for each sequence, or none.
template <Weight W>
struct LoraLinear {
  using weight_type = W;
  Linear<W> base;
  Index slot = -1;  ///< this layer's number in an Adapter

  struct Saved {
    typename Linear<W>::Saved base;
    View x;
    float* xa = nullptr;  ///< sequence s: x Aᵀ [length, rank] from start[s] x `most` floats
    Index most = 0;       ///< the largest rank of the batch
  };

  void forward(Context& context, const Batch& batch, View x, MutableView y, Saved* saved = nullptr) const noexcept {
    matmul(context, base.weight, x, y);
    after_product(context, batch, x, y, saved);
  }

  void after_product(Context& context, const Batch& batch, View x, MutableView y, Saved* saved) const noexcept {
    base.after_product(context, batch, x, y, saved != nullptr ? &saved->base : nullptr);
    const Index most = largest_rank(batch);
    if (most == 0) return;
    const Arena::Frame frame(context.scratch);
    float* const xa = (saved != nullptr ? context.kept : context.scratch).template take<float>(x.rows * most);
    for_each_pair(batch, [&](const LoraPair& pair, Index first, Index count) {
      const Arena::Frame inner(context.scratch);
      const MutableView down{xa + first * most, count, pair.rank()}, up = context.scratch.matrix(count, y.cols);
      matmul(context, pair.a, x.slice(first, count), down);
      matmul(context, pair.b, down, up);
      kernels::scale_add(context, pair.scaling, up, y.slice(first, count));
    });
    if (saved != nullptr) {
      saved->x = x;
      saved->xa = xa;
      saved->most = most;
    }
  }

  /// dB += scaling dyᵀ (x Aᵀ), d(x Aᵀ) = scaling dy B, dA += d(x Aᵀ)ᵀ x, dx += dy W + d(x Aᵀ) A
  void backward(Context& context, const Batch& batch, View dy, const Saved& saved, MutableView dx, const Gradients& gradients) const noexcept {
    base.backward(context, batch, dy, saved.base, dx, gradients);
    for_each_pair(batch, [&](const LoraPair& pair, Index first, Index count) {
      const Arena::Frame frame(context.scratch);
      const MutableView scaled = context.scratch.matrix(count, dy.cols), dxa = context.scratch.matrix(count, pair.rank());
      kernels::scale(context, pair.scaling, dy.slice(first, count), scaled);
      accumulate(context, scaled, View{saved.xa + first * saved.most, count, pair.rank()}, gradients[pair.b]);
      fill(dxa, 0);
      matmul_backward(context, pair.b, scaled, dxa);
      accumulate(context, dxa, saved.x.slice(first, count), gradients[pair.a]);
      matmul_backward(context, pair.a, dxa, dx.slice(first, count));
    });
  }

  /// Whether the pair's sizes are this layer's: A [rank, in], B [out, rank].
  bool fits(const LoraPair& pair) const noexcept {
    return pair.a.cols() == base.weight.cols() && pair.b.rows() == base.weight.rows() && pair.b.cols() == pair.rank();
  }

  const W& base_weight() const noexcept { return base.weight; }
  void visit(auto&& f) { base.visit(f); }
  void visit(auto&& f) const { base.visit(f); }

 private:
  void for_each_pair(const Batch& batch, auto&& f) const {
    if (batch.adapter.empty()) return;
    for (Index s = 0; s < batch.sequences(); ++s)
      if (const Adapter* adapter = batch.adapter_of(s); adapter != nullptr && adapter->touches(slot) && batch.length(s) > 0)
        f((*adapter)[slot], batch.first(s), batch.length(s));
  }
  Index largest_rank(const Batch& batch) const noexcept {
    Index most = 0;
    for_each_pair(batch, [&](const LoraPair& pair, Index, Index) { most = std::max(most, pair.rank()); });
    return most;
  }
};

}  // namespace tfm::inline TFM_ABI
