#pragma once
// PositionWiseFFN: the feed-forward layer of the Transformer.    Vaswani et al. 2017, section 3.3
#include "tfm/layers/biased_linear.hpp"
#include "tfm/layers/saved.hpp"

namespace tfm::inline TFM_ABI {

/// y = dense2(relu(dense1 x)): x [tokens, in], inside [tokens, hidden], y [tokens, out]. P names the projections'
/// types: dense1 is its up_proj, dense2 its down_proj.
template <class P>
struct PositionWiseFFN {
  BiasedLinear<typename P::up_proj> dense1;
  BiasedLinear<typename P::down_proj> dense2;

  PositionWiseFFN() = default;
  PositionWiseFFN(Index in, Index hidden, Index out) : dense1(in, hidden), dense2(hidden, out) {}

  struct Saved {
    typename P::up_proj::Saved dense1;
    typename P::down_proj::Saved dense2;
    View inner;  ///< [tokens, hidden], after relu
  };

  void forward(Context& context, const Batch& batch, View x, MutableView y, Saved* saved = nullptr) const noexcept {
    const Arena::Frame frame(context.scratch);
    const MutableView inner =
        (saved != nullptr ? context.kept : context.scratch).matrix(x.rows, dense1.base_weight().rows());
    dense1.base.forward(context, batch, x, inner, part(saved, &Saved::dense1));
    kernels::bias_relu(context, dense1.bias.view().data, inner);
    dense2.forward(context, batch, inner, y, part(saved, &Saved::dense2));
    if (saved != nullptr) saved->inner = inner;
  }

  void backward(Context& context, const Batch& batch, View dy, const Saved& saved, MutableView dx,
                const Gradients& gradients) const noexcept {
    const Arena::Frame frame(context.scratch);
    const MutableView inner = context.scratch.matrix(dy.rows, saved.inner.cols);
    kernels::fill(context, inner, 0);
    dense2.backward(context, batch, dy, saved.dense2, inner, gradients);
    kernels::relu_backward(context, saved.inner, inner, inner);
    dense1.backward(context, batch, inner, saved.dense1, dx, gradients);
  }

  void visit(auto&& f) { visit_parts(*this, f); }
  void visit(auto&& f) const { visit_parts(*this, f); }

 private:
  static void visit_parts(auto& self, auto& f) {
    f("dense1", self.dense1);
    f("dense2", self.dense2);
  }
};

}  // namespace tfm::inline TFM_ABI
