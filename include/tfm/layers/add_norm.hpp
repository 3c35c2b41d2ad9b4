#pragma once
// AddNorm: the residual sum and the normalisation around a sublayer, after it as in the paper or before it.
#include "tfm/layers/dropout.hpp"
#include "tfm/layers/layer_norm.hpp"

namespace tfm::inline TFM_ABI {

/// Where a block normalises.
enum class Norm : unsigned char {
  post,  ///< LayerNorm(x + dropout(sublayer(x))): Vaswani et al. 2017, section 5.4
  pre,   ///< x + dropout(sublayer(LayerNorm(x))): Xiong et al. 2020, arXiv:2002.04745
};

/// A sublayer is run between before() and after(), and its backward between their backwards:
///   in = before(x); out = sublayer(in); z = after(x, out)
///   dout = after_backward(dz, dx); din = inner_gradient(dx); sublayer's backward(dout, din); before_backward(din, dx)
/// All of [tokens, dim]. d2l's AddNorm(x, y) is after() of Norm::post.
template <Norm norm = Norm::post>
struct AddNorm {
  LayerNorm ln;
  Dropout dropout;

  AddNorm() = default;
  explicit AddNorm(Index dim, float rate = 0, float eps = 1e-5f) : ln(dim, eps), dropout{rate} {}

  struct Saved {
    LayerNorm::Saved ln;
  };

  /// The sublayer's input: x itself, or, normalised before, a matrix of context.kept or context.scratch.
  View before(Context& context, View x, Saved* saved) const {
    if constexpr (norm == Norm::post) return x;
    const MutableView in = (saved != nullptr ? context.kept : context.scratch).matrix(x.rows, x.cols);
    ln.forward(context, x, in, saved != nullptr ? &saved->ln : nullptr);
    return in;
  }
  /// z from x and the sublayer's output y. y is overwritten, and where something is saved it must outlive the step. z
  /// may be x, unless saved is given.
  void after(Context& context, const Batch& batch, View x, MutableView y, MutableView z, Saved* saved) const noexcept {
    if constexpr (norm == Norm::post) {
      dropout.forward(context, batch, y);
      kernels::add(context, x, y);
      ln.forward(context, y, z, saved != nullptr ? &saved->ln : nullptr);
    } else {
      if (z.data != x.data) kernels::copy(context, x, z);
      dropout.add(context, batch, y, z);
    }
  }

  /// dx += what reaches x beside the sublayer; dy, the gradient of the sublayer's output, is overwritten.
  void after_backward(Context& context, const Batch& batch, View dz, const Saved& saved, MutableView dx, MutableView dy,
                      const Gradients& gradients) const noexcept {
    if constexpr (norm == Norm::post) {
      kernels::fill(context, dy, 0);
      ln.backward(context, dz, saved.ln, dy, gradients);
    } else {
      kernels::copy(context, dz, dy);
    }
    kernels::add(context, dy, dx);
    dropout.forward(context, batch, dy);
  }
  /// Where the sublayer's backward adds: dx itself, or zeros of context.scratch.
  MutableView inner_gradient(Context& context, MutableView dx) const {
    if constexpr (norm == Norm::post) return dx;
    const MutableView din = context.scratch.matrix(dx.rows, dx.cols);
    kernels::fill(context, din, 0);
    return din;
  }
  void before_backward(Context& context, View din, const Saved& saved, MutableView dx,
                       const Gradients& gradients) const noexcept {
    if constexpr (norm == Norm::pre) ln.backward(context, din, saved.ln, dx, gradients);
  }

  void visit(auto&& f) { visit_parts(*this, f); }
  void visit(auto&& f) const { visit_parts(*this, f); }

 private:
  static void visit_parts(auto& self, auto& f) {
    f("dropout", self.dropout);
    f("ln", self.ln);
  }
};

}  // namespace tfm::inline TFM_ABI
