#pragma once
// LoraLinear: a Linear whose sequences may each wear an adapter.    Hu et al. 2021, arXiv:2106.09685, section 4.1
#include <algorithm>

#include "tfm/kernels/elementwise.hpp"
#include "tfm/layers/adapter.hpp"
#include "tfm/layers/dropout.hpp"
#include "tfm/layers/linear.hpp"

namespace tfm::inline TFM_ABI {

/// y = x Wᵀ + scaling (dropout(x) Aᵀ) Bᵀ, with the A and B that the batch names for each sequence, or none.
template <Weight W>
struct LoraLinear {
  using weight_type = W;
  Linear<W> base;
  Index slot = -1;  ///< this layer's number in an Adapter

  struct Saved {
    typename Linear<W>::Saved base;
    View x;               ///< after dropout
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
    Arena& home = saved != nullptr ? context.kept : context.scratch;
    float* const xa = home.template take<float>(x.rows * most);
    const bool drops = context.training && drops_any(batch);
    const MutableView dropped = drops ? home.matrix(x.rows, x.cols) : MutableView{};
    for_each_pair(batch, [&](const LoraPair& pair, Index s, Index first, Index count) {
      const Arena::Frame inner(context.scratch);
      View seen = x.slice(first, count);
      if (drops) {
        kernels::dropout(context, seen, dropout_keys(context, batch, s), batch.adapter_of(s)->dropout, dropped.slice(first, count));
        seen = dropped.slice(first, count);
      }
      const MutableView down{xa + first * most, count, pair.rank()}, up = context.scratch.matrix(count, y.cols);
      matmul(context, pair.a, seen, down);
      matmul(context, pair.b, down, up);
      kernels::scale_add(context, pair.scaling, up, y.slice(first, count));
    });
    if (saved != nullptr) {
      saved->x = drops ? View(dropped) : x;
      saved->xa = xa;
      saved->most = most;
    }
  }

  /// With x after dropout: dB += scaling dyᵀ (x Aᵀ), d(x Aᵀ) = scaling dy B, dA += d(x Aᵀ)ᵀ x, dx += dy W + dropout(d(x Aᵀ) A), unless dx is empty
  void backward(Context& context, const Batch& batch, View dy, const Saved& saved, MutableView dx, const Gradients& gradients) const noexcept {
    base.backward(context, batch, dy, saved.base, dx, gradients);
    const bool drops = context.training && drops_any(batch);
    for_each_pair(batch, [&](const LoraPair& pair, Index s, Index first, Index count) {
      const Arena::Frame frame(context.scratch);
      const MutableView scaled = context.scratch.matrix(count, dy.cols), dxa = context.scratch.matrix(count, pair.rank());
      kernels::scale(context, pair.scaling, dy.slice(first, count), scaled);
      accumulate(context, scaled, View{saved.xa + first * saved.most, count, pair.rank()}, gradients[pair.b]);
      fill(dxa, 0);
      matmul_backward(context, pair.b, scaled, dxa);
      accumulate(context, dxa, saved.x.slice(first, count), gradients[pair.a]);
      if (dx.data == nullptr) return;
      if (!drops) return matmul_backward(context, pair.a, dxa, dx.slice(first, count));
      const MutableView through = context.scratch.matrix(count, dx.cols);
      fill(through, 0);
      matmul_backward(context, pair.a, dxa, through);
      kernels::dropout_add(context, through, dropout_keys(context, batch, s), batch.adapter_of(s)->dropout, dx.slice(first, count));
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
        f((*adapter)[slot], s, batch.first(s), batch.length(s));
  }
  Index largest_rank(const Batch& batch) const noexcept {
    Index most = 0;
    for_each_pair(batch, [&](const LoraPair& pair, Index, Index, Index) { most = std::max(most, pair.rank()); });
    return most;
  }
  bool drops_any(const Batch& batch) const noexcept {
    bool any = false;
    for_each_pair(batch, [&](const LoraPair&, Index s, Index, Index) { any = any || batch.adapter_of(s)->dropout > 0; });
    return any;
  }
  // A stream of this layer's own, as Dropout has them.
  const std::uint64_t* dropout_keys(Context& context, const Batch& batch, Index s) const {
    const RandomKey key = Dropout{0, slot}.key(context, batch, s);
    auto* const each = context.scratch.take<std::uint64_t>(batch.length(s));
    for (Index t = 0; t < batch.length(s); ++t) each[t] = key.with(static_cast<std::uint64_t>(batch.position_of(s) + t - batch.padding(s))).seed;
    return each;
  }
};

}  // namespace tfm::inline TFM_ABI
