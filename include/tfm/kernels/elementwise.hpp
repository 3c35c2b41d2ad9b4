#pragma once
// Element-wise kernels: residual sums, scaling, biases, the gates of SwiGLU and GeGLU, soft caps, the rotation of RoPE, ReLU, dropout, softmax.
#include "tfm/kernels/dispatch.hpp"

namespace tfm::inline TFM_ABI::kernels {

/// y += x
inline void add(Context& context, View x, MutableView y) noexcept {
  by_rows(context, x.rows, x.cols, [&](Index first, Index count) { table(context).add_into(context, x.slice(first, count), y.slice(first, count)); });
}
/// y += a x
inline void scale_add(Context& context, float a, View x, MutableView y) noexcept {
  by_rows(context, x.rows, x.cols, [&](Index first, Index count) { table(context).scale_add(context, a, x.slice(first, count), y.slice(first, count)); });
}
/// y = a x
inline void scale(Context& context, float a, View x, MutableView y) noexcept {
  by_rows(context, x.rows, x.cols, [&](Index first, Index count) { table(context).scale(context, a, x.slice(first, count), y.slice(first, count)); });
}

/// Each row of y += b: b [cols].
inline void add_bias(Context& context, const float* b, MutableView y) noexcept {
  by_rows(context, y.rows, y.cols, [&](Index first, Index count) { table(context).add_bias(context, b, y.slice(first, count)); });
}
/// Its gradient: db [cols] += the sum of dy's rows, in their order.
inline void add_bias_backward(Context& context, View dy, float* db) noexcept {
  by_columns(context, dy.cols, dy.rows, [&](Index first, Index count) { training_table(context).add_bias_backward(context, dy, first, count, db); });
}

/// Row t of y += row rows[t] of the table.
inline void gather_add(Context& context, View table, const Index* rows, MutableView y) noexcept {
  by_rows(context, y.rows, y.cols, [&](Index first, Index count) {
    kernels::table(context).gather_add(context, table, rows + first, y.slice(first, count));
  });
}
/// The gradient of y = a table[ids]: row ids[t] of dtable += a dy[t], in the tokens' order.
inline void gather_backward(Context& context, float a, View dy, const std::int32_t* ids, MutableView dtable) noexcept {
  by_columns(context, dy.cols, dy.rows, [&](Index first, Index count) {
    training_table(context).gather_backward(context, a, dy, ids, first, count, dtable);
  });
}

/// y = silu(gate) up, silu(x) = x / (1 + exp(-x)); y may be gate.    Shazeer 2020, arXiv:2002.05202
inline void silu_mul(Context& context, View gate, View up, MutableView y) noexcept {
  by_rows(context, gate.rows, 16 * gate.cols, [&](Index first, Index count) {
    table(context).silu_mul(context, gate.slice(first, count), up.slice(first, count), y.slice(first, count));
  });
}
/// dgate += dy up silu'(gate), dup += dy silu(gate)
inline void silu_mul_backward(Context& context, View gate, View up, View dy, MutableView dgate, MutableView dup) noexcept {
  by_rows(context, gate.rows, 20 * gate.cols, [&](Index first, Index count) {
    training_table(context).silu_mul_backward(context, gate.slice(first, count), up.slice(first, count), dy.slice(first, count),
                                              dgate.slice(first, count), dup.slice(first, count));
  });
}
/// y = gelu(gate) up, gelu(x) = x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x³))) / 2; y may be gate.    Shazeer 2020; Hendrycks & Gimpel
/// 2016, arXiv:1606.08415
inline void gelu_mul(Context& context, View gate, View up, MutableView y) noexcept {
  by_rows(context, gate.rows, 16 * gate.cols, [&](Index first, Index count) {
    table(context).gelu_mul(context, gate.slice(first, count), up.slice(first, count), y.slice(first, count));
  });
}
/// dgate += dy up gelu'(gate), dup += dy gelu(gate)
inline void gelu_mul_backward(Context& context, View gate, View up, View dy, MutableView dgate, MutableView dup) noexcept {
  by_rows(context, gate.rows, 20 * gate.cols, [&](Index first, Index count) {
    training_table(context).gelu_mul_backward(context, gate.slice(first, count), up.slice(first, count), dy.slice(first, count),
                                              dgate.slice(first, count), dup.slice(first, count));
  });
}

/// y = cap tanh(x / cap); y may be x.    Gemma team 2024, arXiv:2408.00118, section 2
inline void soft_cap(Context& context, View x, float cap, MutableView y) noexcept {
  by_rows(context, x.rows, 16 * x.cols, [&](Index first, Index count) { table(context).soft_cap(context, x.slice(first, count), cap, y.slice(first, count)); });
}
/// d *= 1 - (y / cap)²: from the gradient of y, the output of soft_cap, to that of its input.
inline void soft_cap_backward(Context& context, View y, float cap, MutableView d) noexcept {
  by_rows(context, y.rows, 4 * y.cols, [&](Index first, Index count) {
    training_table(context).soft_cap_backward(context, y.slice(first, count), cap, d.slice(first, count));
  });
}

/// Row t of cosine, sine [tokens, head_dim / 2] = those of the angles of position + t: (position + t) frequencies[i].
inline void rotary_angles(Context& context, Index position, const float* frequencies, MutableView cosine, MutableView sine) noexcept {
  by_rows(context, cosine.rows, 64 * cosine.cols, [&](Index first, Index count) {
    table(context).rotary_angles(context, position + first, frequencies, cosine.slice(first, count), sine.slice(first, count));
  });
}
/// Turns every head of x [tokens, heads x head_dim] by its token's angles, in place: pairs are (i, i + pairs) of cosine, sine
/// [tokens, pairs]; what a head has behind them stays. head_dim 0: 2 pairs. sign -1 turns back: the gradient.    Su et al. 2021, arXiv:2104.09864
inline void rotate(Context& context, MutableView x, View cosine, View sine, float sign = 1, Index head_dim = 0) noexcept {
  by_rows(context, x.rows, 2 * x.cols, [&](Index first, Index count) {
    table(context).rotate(context, x.slice(first, count), head_dim == 0 ? 2 * cosine.cols : head_dim, cosine.slice(first, count), sine.slice(first, count), sign);
  });
}

/// y = max(x, 0); y may be x.
inline void relu(Context& context, View x, MutableView y) noexcept {
  by_rows(context, x.rows, x.cols, [&](Index first, Index count) { table(context).relu(context, x.slice(first, count), y.slice(first, count)); });
}
/// y = max(y + b, 0): b [cols] is added to each row.
inline void bias_relu(Context& context, const float* b, MutableView y) noexcept {
  by_rows(context, y.rows, y.cols, [&](Index first, Index count) { table(context).bias_relu(context, b, y.slice(first, count)); });
}
/// dx = dy where y, the output of relu, is positive, else 0; dx may be dy.
inline void relu_backward(Context& context, View y, View dy, MutableView dx) noexcept {
  by_rows(context, y.rows, y.cols, [&](Index first, Index count) {
    training_table(context).relu_backward(context, y.slice(first, count), dy.slice(first, count), dx.slice(first, count));
  });
}
/// Row t of y = row t of x times 0 or 1 / (1 - rate), which of them by (keys[t], feature) alone; y may be x. The gradient is the same
/// function of dy.    Srivastava et al. 2014
inline void dropout(Context& context, View x, const std::uint64_t* keys, float rate, MutableView y) noexcept {
  by_rows(context, x.rows, 4 * x.cols, [&](Index first, Index count) {
    table(context).dropout(context, x.slice(first, count), keys + first, rate, y.slice(first, count));
  });
}
/// y += x times dropout's factors.
inline void dropout_add(Context& context, View x, const std::uint64_t* keys, float rate, MutableView y) noexcept {
  by_rows(context, x.rows, 4 * x.cols, [&](Index first, Index count) {
    table(context).dropout_add(context, x.slice(first, count), keys + first, rate, y.slice(first, count));
  });
}
/// Rows of y = softmax of rows of x; y may be x. statistics [tokens, 2]: the largest and the sum of exp(x - largest), or null.
inline void softmax(Context& context, View x, MutableView y, float* statistics = nullptr) noexcept {
  by_rows(context, x.rows, 16 * x.cols, [&](Index first, Index count) {
    table(context).softmax(context, x.slice(first, count), y.slice(first, count), statistics == nullptr ? nullptr : statistics + 2 * first);
  });
}

}  // namespace tfm::inline TFM_ABI::kernels
