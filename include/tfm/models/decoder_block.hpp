#pragma once
// DecoderBlock: one layer of the Transformer's decoder.    Vaswani et al. 2017, section 3.1
#include "tfm/layers/add_norm.hpp"
#include "tfm/layers/multi_head_attention.hpp"
#include "tfm/layers/position_wise_ffn.hpp"

namespace tfm::inline TFM_ABI {

/// y = addnorm1(x, attention1(x)), causal; u = addnorm2(y, attention2(y, memory)); z = addnorm3(u, ffn(u)); or,
/// normalised before, as AddNorm says. Members are named as in d2l's checkpoints.
template <class P, Norm norm = Norm::post>
struct DecoderBlock {
  MultiHeadAttention<P> attention1;
  AddNorm<norm> addnorm1;
  MultiHeadAttention<P> attention2;
  AddNorm<norm> addnorm2;
  PositionWiseFFN<P> ffn;
  AddNorm<norm> addnorm3;

  DecoderBlock() = default;
  template <class S>
  explicit DecoderBlock(const S& shape)
      : attention1({shape.dim, shape.dim, shape.dim, shape.dim, shape.heads, shape.attention_bias}, shape.dropout),
        addnorm1(shape.dim, shape.dropout, shape.norm_eps),
        attention2({shape.dim, shape.dim, shape.dim, shape.dim, shape.heads, shape.attention_bias}, shape.dropout),
        addnorm2(shape.dim, shape.dropout, shape.norm_eps), ffn(shape.dim, shape.ffn, shape.dim),
        addnorm3(shape.dim, shape.dropout, shape.norm_eps) {}

  struct Saved {
    typename MultiHeadAttention<P>::Saved attention1;
    typename AddNorm<norm>::Saved addnorm1;
    typename MultiHeadAttention<P>::Saved attention2;
    typename AddNorm<norm>::Saved addnorm2;
    typename PositionWiseFFN<P>::Saved ffn;
    typename AddNorm<norm>::Saved addnorm3;
  };

  /// x, z [tokens, dim], memory [tokens of source, dim]; z may be x, unless saved is given. Each token sees those up to
  /// its own, and all valid ones of its source. own, cross: or null; [sequence] pointers to attention weights.
  void forward(Context& context, const Batch& batch, const Batch& source, View x, View memory, MutableView z,
               Saved* saved = nullptr, float* const* own = nullptr, float* const* cross = nullptr) const noexcept {
    run(
        context, batch, x, z, saved,
        [&](View in, MutableView out) {
          attention1.forward(context, batch, batch, {.causal = true}, in, in, in, out, part(saved, &Saved::attention1),
                             own);
        },
        [&](View in, MutableView out) {
          attention2.forward(context, batch, source, {}, in, memory, memory, out, part(saved, &Saved::attention2),
                             cross);
        });
  }
  /// The same for one further token of each sequence. Its key and value are appended at layer `layer` of `own_keys`, at
  /// the batch's slots and positions; `source`, one query a sequence, names the slots of the memory's keys and the
  /// position of the last of them.
  void forward_cached(Context& context, const Batch& batch, const Batch& source, View x, Index layer, KvCache& own_keys,
                      const KvCache& memory_keys, MutableView z, float* const* own = nullptr,
                      float* const* cross = nullptr) const noexcept {
    run(
        context, batch, x, z, nullptr,
        [&](View in, MutableView out) { attention1.forward_cached(context, batch, in, layer, own_keys, out, own); },
        [&](View in, MutableView out) { attention2.look_up(context, source, in, layer, memory_keys, out, cross); });
  }

  /// dx += …, dmemory += …
  void backward(Context& context, const Batch& batch, const Batch& source, View dz, const Saved& saved, MutableView dx,
                MutableView dmemory, const Gradients& gradients) const noexcept {
    const Arena::Frame frame(context.scratch);
    const MutableView du = context.scratch.matrix(dz.rows, dz.cols), dy = context.scratch.matrix(dz.rows, dz.cols);
    const MutableView change = context.scratch.matrix(dz.rows, dz.cols);
    kernels::fill(context, du, 0), kernels::fill(context, dy, 0);
    addnorm3.after_backward(context, batch, dz, saved.addnorm3, du, change, gradients);
    MutableView din = addnorm3.inner_gradient(context, du);
    ffn.backward(context, batch, change, saved.ffn, din, gradients);
    addnorm3.before_backward(context, din, saved.addnorm3, du, gradients);

    addnorm2.after_backward(context, batch, du, saved.addnorm2, dy, change, gradients);
    din = addnorm2.inner_gradient(context, dy);
    attention2.backward(context, batch, source, change, saved.attention2, din, dmemory, dmemory, gradients);
    addnorm2.before_backward(context, din, saved.addnorm2, dy, gradients);

    addnorm1.after_backward(context, batch, dy, saved.addnorm1, dx, change, gradients);
    din = addnorm1.inner_gradient(context, dx);
    attention1.backward(context, batch, batch, change, saved.attention1, din, din, din, gradients);
    addnorm1.before_backward(context, din, saved.addnorm1, dx, gradients);
  }

  void visit(auto&& f) { visit_parts(*this, f); }
  void visit(auto&& f) const { visit_parts(*this, f); }

 private:
  static void visit_parts(auto& self, auto& f) {
    f("attention1", self.attention1);
    f("addnorm1", self.addnorm1);
    f("attention2", self.attention2);
    f("addnorm2", self.addnorm2);
    f("ffn", self.ffn);
    f("addnorm3", self.addnorm3);
  }

  // The three sublayers; attend_own(in, out) and attend_memory(in, out) are the first two.
  void run(Context& context, const Batch& batch, View x, MutableView z, Saved* saved, auto attend_own,
           auto attend_memory) const noexcept {
    const Arena::Frame frame(context.scratch);
    Arena& home = saved != nullptr ? context.kept : context.scratch;
    const MutableView passing = home.matrix(x.rows, x.cols);
    const auto change = [&] { return saved != nullptr ? home.matrix(x.rows, x.cols) : passing; };
    const auto result = [&] { return saved != nullptr ? home.matrix(x.rows, x.cols) : z; };
    const MutableView y = result(), u = result(), change1 = passing, change2 = change(), change3 = change();
    attend_own(addnorm1.before(context, x, part(saved, &Saved::addnorm1)), change1);
    addnorm1.after(context, batch, x, change1, y, part(saved, &Saved::addnorm1));
    attend_memory(addnorm2.before(context, y, part(saved, &Saved::addnorm2)), change2);
    addnorm2.after(context, batch, y, change2, u, part(saved, &Saved::addnorm2));
    ffn.forward(context, batch, addnorm3.before(context, u, part(saved, &Saved::addnorm3)), change3,
                part(saved, &Saved::ffn));
    addnorm3.after(context, batch, u, change3, z, part(saved, &Saved::addnorm3));
  }
};

}  // namespace tfm::inline TFM_ABI
