#pragma once
// Element-wise kernels: residual sums, scaling, biases, the gate of SwiGLU, the rotation of RoPE, ReLU, dropout, softmax.
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

/// Each row of y += b: b [cols].
inline void add_bias(Context& context, const float* b, MutableView y) noexcept {
  by_rows(context, y.rows, y.cols, [&](Index first, Index count) {
    Isa ran{};
    for (Index t = first; t < first + count; ++t) ran = TFM_ON(context.isa, add_into(b, y.row(t), y.cols));
    return ran;
  });
}
/// Its gradient: db [cols] += the sum of dy's rows, in their order.
inline void add_bias_backward(Context& context, View dy, float* db) noexcept {
  by_columns(context, dy.cols, dy.rows, [&](Index first, Index count) {
    return TFM_ON(context.isa, add_rows(dy.data + first, dy.cols, dy.rows, db + first, count));
  });
}

/// Row t of y += row rows[t] of the table.
inline void gather_add(Context& context, View table, const Index* rows, MutableView y) noexcept {
  by_rows(context, y.rows, y.cols, [&](Index first, Index count) {
    Isa ran{};
    for (Index t = first; t < first + count; ++t) ran = TFM_ON(context.isa, add_into(table.row(rows[t]), y.row(t), y.cols));
    return ran;
  });
}
/// The gradient of y = a table[ids]: row ids[t] of dtable += a dy[t], in the tokens' order.
inline void gather_backward(Context& context, float a, View dy, const std::int32_t* ids, MutableView dtable) noexcept {
  by_columns(context, dy.cols, dy.rows, [&](Index first, Index count) {
    Isa ran{};
    for (Index t = 0; t < dy.rows; ++t) ran = TFM_ON(context.isa, scale_add(a, dy.row(t) + first, dtable.row(ids[t]) + first, count));
    return ran;
  });
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

/// y = max(x, 0); y may be x.
inline void relu(Context& context, View x, MutableView y) noexcept {
  by_rows(context, x.rows, x.cols, [&](Index first, Index count) { return TFM_ON(context.isa, relu(x.row(first), y.row(first), count * x.cols)); });
}
/// y = max(y + b, 0): b [cols] is added to each row.
inline void bias_relu(Context& context, const float* b, MutableView y) noexcept {
  by_rows(context, y.rows, y.cols, [&](Index first, Index count) {
    Isa ran{};
    for (Index t = first; t < first + count; ++t) ran = TFM_ON(context.isa, bias_relu(b, y.row(t), y.cols));
    return ran;
  });
}
/// dx = dy where y, the output of relu, is positive, else 0; dx may be dy.
inline void relu_backward(Context& context, View y, View dy, MutableView dx) noexcept {
  by_rows(context, y.rows, y.cols, [&](Index first, Index count) {
    return TFM_ON(context.isa, relu_backward(y.row(first), dy.row(first), dx.row(first), count * y.cols));
  });
}
/// Row t of y = row t of x times 0 or 1 / (1 - rate), which of them by (keys[t], feature) alone; y may be x. The gradient is the same
/// function of dy.    Srivastava et al. 2014
inline void dropout(Context& context, View x, const std::uint64_t* keys, float rate, MutableView y) noexcept {
  by_rows(context, x.rows, 4 * x.cols, [&](Index first, Index count) {
    Isa ran{};
    for (Index t = first; t < first + count; ++t) ran = TFM_ON(context.isa, dropout_elements(x.row(t), keys[t], rate, y.row(t), x.cols));
    return ran;
  });
}
/// y += x times dropout's factors.
inline void dropout_add(Context& context, View x, const std::uint64_t* keys, float rate, MutableView y) noexcept {
  by_rows(context, x.rows, 4 * x.cols, [&](Index first, Index count) {
    Isa ran{};
    for (Index t = first; t < first + count; ++t) ran = TFM_ON(context.isa, dropout_add(x.row(t), keys[t], rate, y.row(t), x.cols));
    return ran;
  });
}
/// Rows of y = softmax of rows of x; y may be x. statistics [tokens, 2]: the largest and the sum of exp(x - largest), or null.
inline void softmax(Context& context, View x, MutableView y, float* statistics = nullptr) noexcept {
  by_rows(context, x.rows, 16 * x.cols, [&](Index first, Index count) {
    Isa ran{};
    for (Index t = first; t < first + count; ++t)
      ran = TFM_ON(context.isa, softmax_row(x.row(t), y.row(t), statistics == nullptr ? nullptr : statistics + 2 * t, x.cols));
    return ran;
  });
}

}  // namespace tfm::inline TFM_ABI::kernels
