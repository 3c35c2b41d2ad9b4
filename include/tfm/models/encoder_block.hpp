#pragma once
// EncoderBlock: one layer of the Transformer's encoder.    Vaswani et al. 2017, section 3.1
#include "tfm/layers/add_norm.hpp"
#include "tfm/layers/multi_head_attention.hpp"
#include "tfm/layers/position_wise_ffn.hpp"

namespace tfm::inline TFM_ABI {

/// y = addnorm1(x, attention(x)); z = addnorm2(y, ffn(y)); or, normalised before, as AddNorm says. Members are named as
/// in d2l's checkpoints.
template <class P, Norm norm = Norm::post>
struct EncoderBlock {
  MultiHeadAttention<P> attention;
  AddNorm<norm> addnorm1;
  PositionWiseFFN<P> ffn;
  AddNorm<norm> addnorm2;

  EncoderBlock() = default;
  template <class S>
  explicit EncoderBlock(const S& shape)
      : attention({shape.dim, shape.dim, shape.dim, shape.dim, shape.heads, shape.attention_bias}, shape.dropout),
        addnorm1(shape.dim, shape.dropout, shape.norm_eps), ffn(shape.dim, shape.ffn, shape.dim),
        addnorm2(shape.dim, shape.dropout, shape.norm_eps) {}

  struct Saved {
    typename MultiHeadAttention<P>::Saved attention;
    typename AddNorm<norm>::Saved addnorm1;
    typename PositionWiseFFN<P>::Saved ffn;
    typename AddNorm<norm>::Saved addnorm2;
  };

  /// x, z [tokens, dim]; z may be x, unless saved is given. Keys at or past a sequence's valid length are not seen.
  void forward(Context& context, const Batch& batch, View x, MutableView z, Saved* saved = nullptr,
               float* const* weights = nullptr) const noexcept {
    const Arena::Frame frame(context.scratch);
    Arena& home = saved != nullptr ? context.kept : context.scratch;
    const MutableView change = home.matrix(x.rows, x.cols), y = saved != nullptr ? home.matrix(x.rows, x.cols) : z;
    const View in = addnorm1.before(context, x, part(saved, &Saved::addnorm1));
    attention.forward(context, batch, batch, {}, in, in, in, change, part(saved, &Saved::attention), weights);
    addnorm1.after(context, batch, x, change, y, part(saved, &Saved::addnorm1));

    const MutableView further = saved != nullptr ? home.matrix(x.rows, x.cols) : change;
    ffn.forward(context, batch, addnorm2.before(context, y, part(saved, &Saved::addnorm2)), further,
                part(saved, &Saved::ffn));
    addnorm2.after(context, batch, y, further, z, part(saved, &Saved::addnorm2));
  }

  /// dx += …
  void backward(Context& context, const Batch& batch, View dz, const Saved& saved, MutableView dx,
                const Gradients& gradients) const noexcept {
    const Arena::Frame frame(context.scratch);
    const MutableView dy = context.scratch.matrix(dz.rows, dz.cols), change = context.scratch.matrix(dz.rows, dz.cols);
    kernels::fill(context, dy, 0);
    addnorm2.after_backward(context, batch, dz, saved.addnorm2, dy, change, gradients);
    MutableView din = addnorm2.inner_gradient(context, dy);
    ffn.backward(context, batch, change, saved.ffn, din, gradients);
    addnorm2.before_backward(context, din, saved.addnorm2, dy, gradients);

    addnorm1.after_backward(context, batch, dy, saved.addnorm1, dx, change, gradients);
    din = addnorm1.inner_gradient(context, dx);
    attention.backward(context, batch, batch, change, saved.attention, din, din, din, gradients);
    addnorm1.before_backward(context, din, saved.addnorm1, dx, gradients);
  }

  void visit(auto&& f) { visit_parts(*this, f); }
  void visit(auto&& f) const { visit_parts(*this, f); }

 private:
  static void visit_parts(auto& self, auto& f) {
    f("attention", self.attention);
    f("addnorm1", self.addnorm1);
    f("ffn", self.ffn);
    f("addnorm2", self.addnorm2);
  }
};

}  // namespace tfm::inline TFM_ABI
