#pragma once
// Element-wise kernels: residual sums, scaling, the gate of SwiGLU, the rotation of RoPE.
#include "tfm/kernels/dispatch.hpp"

namespace tfm::inline TFM_ABI::kernels {

/// y += x
inline void add(Context& context, View x, MutableView y) noexcept {
  by_rows(context, x.rows, x.cols, [&](Index first, Index count) { return TFM_ON(context.isa, add_into(x.row(first), y.row(first), count * x.cols)); });
}
/// y += a x
inline void scale_add(Context& context, float a, View x, MutableView y) noexcept {
  by_rows(context, x.rows, x.cols, [&](Index first, Index count) { return TFM_ON(context.isa, scale_add(a, x.row(first), y.row(first), count * x.cols)); });
}
/// y = a x
inline void scale(Context& context, float a, View x, MutableView y) noexcept {
  by_rows(context, x.rows, x.cols, [&](Index first, Index count) { return TFM_ON(context.isa, scale(a, x.row(first), y.row(first), count * x.cols)); });
}

/// y = silu(gate) up, silu(x) = x / (1 + exp(-x)); y may be gate.    Shazeer 2020, arXiv:2002.05202
inline void silu_mul(Context& context, View gate, View up, MutableView y) noexcept {
  by_rows(context, gate.rows, 16 * gate.cols, [&](Index first, Index count) {
    return TFM_ON(context.isa, silu_mul(gate.row(first), up.row(first), y.row(first), count * gate.cols));
  });
}
/// dgate += dy up silu'(gate), dup += dy silu(gate)
inline void silu_mul_backward(Context& context, View gate, View up, View dy, MutableView dgate, MutableView dup) noexcept {
  by_rows(context, gate.rows, 20 * gate.cols, [&](Index first, Index count) {
    return TFM_ON(context.isa, silu_mul_backward(gate.row(first), up.row(first), dy.row(first), dgate.row(first), dup.row(first), count * gate.cols));
  });
}

/// Turns every head of x [tokens, heads x head_dim] by its token's angles, in place: pairs are (i, i + head_dim / 2);
/// cosine, sine [tokens, head_dim / 2]. sign -1 turns back: the gradient.    Su et al. 2021, arXiv:2104.09864
inline void rotate(Context& context, MutableView x, View cosine, View sine, float sign = 1) noexcept {
  const Index half = cosine.cols;
  by_rows(context, x.rows, 2 * x.cols, [&](Index first, Index count) {
    Isa ran{};
    for (Index t = first; t < first + count; ++t)
      for (Index h = 0; h < x.cols; h += 2 * half) ran = TFM_ON(context.isa, rotate_head(x.row(t) + h, cosine.row(t), sine.row(t), sign, half));
    return ran;
  });
}

}  // namespace tfm::inline TFM_ABI::kernels
