#pragma once
// LoraLinear: a Linear whose sequences may each have an adapter.    Hu et al. 2021, arXiv:2106.09685, section 4.1
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
    forward_together(context, batch, x, Output{*this, y, saved});
  }

  /// x Aᵀ, scaled, and B, whose product is added to y panel by panel; all in scratch.
  std::span<kernels::AdapterTerm> before_product(Context& context, const Batch& batch, View x, Saved* saved) const noexcept {
    const Index most = largest_rank(batch);
    if (most == 0) return {};
    Arena& home = saved != nullptr ? context.kept : context.scratch;
    float *const xa = home.template take<float>(x.rows * most), *const scaled = context.scratch.take<float>(x.rows * most);
    auto* const terms = context.scratch.take<kernels::AdapterTerm>(batch.sequences());
    const bool drops = context.training && drops_any(batch);
    const MutableView dropped = drops ? home.matrix(x.rows, x.cols) : MutableView{};
    std::size_t count = 0;
    for_each_run(batch, [&](const LoraPair& pair, const Run& run) {
      const Index at = run.first * most, rank = pair.rank();
      const MutableView down{xa + at, run.count, rank}, own{scaled + at, run.count, rank};
      {
        const Arena::Frame inner(context.scratch);
        View seen = x.slice(run.first, run.count);
        if (drops) {
          kernels::dropout(context, seen, dropout_keys(context, batch, run), run.adapter->dropout, dropped.slice(run.first, run.count));
          seen = dropped.slice(run.first, run.count);
        }
        matmul(context, pair.a, seen, down);
      }
      kernels::scale(context, pair.scaling, down, own);
      terms[count++] = {pair.b.view().data, own, run.first};
    });
    if (saved != nullptr) {
      saved->x = drops ? View(dropped) : x;
      saved->xa = xa;
      saved->most = most;
    }
    return {terms, count};
  }
  void after_product(Context& context, const Batch& batch, View x, MutableView y, Saved* saved) const noexcept {
    base.after_product(context, batch, x, y, saved != nullptr ? &saved->base : nullptr);
  }

  /// With x after dropout: dB += dyᵀ (scaling x Aᵀ), d(x Aᵀ) = scaling dy B, dA += d(x Aᵀ)ᵀ x, dx += dy W + dropout(d(x Aᵀ) A), unless dx is empty
  void backward(Context& context, const Batch& batch, View dy, const Saved& saved, MutableView dx, const Gradients& gradients) const noexcept {
    base.backward(context, batch, dy, saved.base, dx, gradients);
    const bool drops = context.training && drops_any(batch);
    for_each_run(batch, [&](const LoraPair& pair, const Run& run) {
      const Arena::Frame frame(context.scratch);
      const View own = dy.slice(run.first, run.count);
      const MutableView down = context.scratch.matrix(run.count, pair.rank()), dxa = context.scratch.matrix(run.count, pair.rank());
      kernels::scale(context, pair.scaling, View{saved.xa + run.first * saved.most, run.count, pair.rank()}, down);
      accumulate(context, own, down, gradients[pair.b]);
      kernels::fill(context, dxa, 0);
      matmul_backward(context, pair.b, own, dxa);
      kernels::scale(context, pair.scaling, dxa, dxa);
      accumulate(context, dxa, saved.x.slice(run.first, run.count), gradients[pair.a]);
      if (dx.data == nullptr) return;
      if (!drops) return matmul_backward(context, pair.a, dxa, dx.slice(run.first, run.count));
      const MutableView through = context.scratch.matrix(run.count, dx.cols);
      kernels::fill(context, through, 0);
      matmul_backward(context, pair.a, dxa, through);
      kernels::dropout_add(context, through, dropout_keys(context, batch, run), run.adapter->dropout, dx.slice(run.first, run.count));
    });
  }

  /// Whether the pair's sizes are this layer's: A [rank, in], B [out, rank].
  bool fits(const LoraPair& pair) const noexcept {
    return pair.a.cols() == base.weight.cols() && pair.b.rows() == base.weight.rows() && pair.b.cols() == pair.rank();
  }

  const W& base_weight() const noexcept { return base.weight; }
  W& base_weight() noexcept { return base.weight; }
  Index adapter_slot() const noexcept { return slot; }
  void set_adapter_slot(Index number) noexcept { slot = number; }
  WeightInfo info() const noexcept { return base.info(); }
  void set_size(Index out, Index in, Index rotary_heads = 0) noexcept { base.set_size(out, in, rotary_heads); }
  void visit(auto&& f) { base.visit(f); }
  void visit(auto&& f) const { base.visit(f); }

 private:
  // Neighbouring sequences of one adapter: their products are one.
  struct Run {
    const Adapter* adapter;
    Index sequence, end;  // the first, and behind the last
    Index first, count;   // rows
  };
  void for_each_run(const Batch& batch, auto&& f) const {
    if (batch.adapter.empty()) return;
    for (Index s = 0, end; s < batch.sequences(); s = end) {
      const Adapter* const adapter = batch.adapter_of(s);
      for (end = s + 1; end < batch.sequences() && batch.adapter_of(end) == adapter; ++end) {}
      const Run run{adapter, s, end, batch.first(s), batch.start[to_size(end)] - batch.first(s)};
      if (adapter != nullptr && adapter->touches(slot) && run.count > 0) f((*adapter)[slot], run);
    }
  }
  Index largest_rank(const Batch& batch) const noexcept {
    Index most = 0;
    for_each_run(batch, [&](const LoraPair& pair, const Run&) { most = std::max(most, pair.rank()); });
    return most;
  }
  bool drops_any(const Batch& batch) const noexcept {
    bool any = false;
    for_each_run(batch, [&](const LoraPair&, const Run& run) { any = any || run.adapter->dropout > 0; });
    return any;
  }
  // A stream of this layer's own, as Dropout has them.
  const std::uint64_t* dropout_keys(Context& context, const Batch& batch, const Run& run) const {
    auto* const each = context.scratch.take<std::uint64_t>(run.count);
    for (Index s = run.sequence; s < run.end; ++s) {
      const RandomKey key = Dropout{0, slot}.key(context, batch, s);
      const Index first = batch.first(s) - run.first, position = batch.position_of(s) - batch.padding(s);
      for (Index t = 0; t < batch.length(s); ++t) each[first + t] = key.with(static_cast<std::uint64_t>(position + t)).seed;
    }
    return each;
  }
};

}  // namespace tfm::inline TFM_ABI
