#pragma once
// Root-mean-square and layer normalisation. Sums over features are sixteen partial sums by k mod 16 and one tree.
#include "tfm/kernels/dispatch.hpp"

namespace tfm::inline TFM_ABI::kernels {

/// y = x / rms(x) w, rms(x) = sqrt(mean(x²) + eps): x, y [tokens, dim], w [dim]; inverse [tokens] = 1 / rms, or null.
/// Zhang & Sennrich 2019, arXiv:1910.07467
inline void rms_norm(Context& context, View x, const float* w, float eps, MutableView y, float* inverse = nullptr) noexcept {
  by_rows(context, x.rows, 2 * x.cols, [&](Index first, Index count) {
    Isa ran{};
    for (Index t = first; t < first + count; ++t)
      ran = TFM_ON(context.isa, rms_norm_row(x.row(t), w, eps, y.row(t), inverse == nullptr ? nullptr : inverse + t, x.cols));
    return ran;
  });
}

/// dx += the gradient of rms_norm; dw += Σ dy x inverse, or nothing if dw is null. Tokens are summed in their order.
inline void rms_norm_backward(Context& context, View x, const float* w, const float* inverse, View dy, MutableView dx, float* dw) noexcept {
  by_rows(context, x.rows, 6 * x.cols, [&](Index first, Index count) {
    Isa ran{};
    for (Index t = first; t < first + count; ++t) ran = TFM_ON(context.isa, rms_norm_backward_row(x.row(t), w, inverse[t], dy.row(t), dx.row(t), x.cols));
    return ran;
  });
  if (dw == nullptr) return;
  by_columns(context, x.cols, 3 * x.rows, [&](Index first, Index count) {
    return TFM_ON(context.isa, rms_norm_backward_columns(x.data + first, inverse, dy.data + first, x.cols, x.rows, dw + first, count));
  });
}

/// y = (x - mean) / sqrt(variance + eps) w + b over each row: w, b [dim]; statistics [tokens, 2] (mean, 1 / deviation) or null.
/// Ba et al. 2016, arXiv:1607.06450
inline void layer_norm(Context& context, View x, const float* w, const float* b, float eps, MutableView y, float* statistics = nullptr) noexcept {
  by_rows(context, x.rows, 4 * x.cols, [&](Index first, Index count) {
    Isa ran{};
    for (Index t = first; t < first + count; ++t)
      ran = TFM_ON(context.isa, layer_norm_row(x.row(t), w, b, eps, y.row(t), statistics == nullptr ? nullptr : statistics + 2 * t, x.cols));
    return ran;
  });
}
/// dx += the gradient of layer_norm; dw, db likewise, or neither if dw is null. Tokens are summed in their order.
inline void layer_norm_backward(Context& context, View x, const float* w, const float* statistics, View dy, MutableView dx, float* dw, float* db) noexcept {
  by_rows(context, x.rows, 8 * x.cols, [&](Index first, Index count) {
    Isa ran{};
    for (Index t = first; t < first + count; ++t)
      ran = TFM_ON(context.isa, layer_norm_backward_row(x.row(t), w, statistics + 2 * t, dy.row(t), dx.row(t), x.cols));
    return ran;
  });
  if (dw == nullptr) return;
  by_columns(context, x.cols, 4 * x.rows, [&](Index first, Index count) {
    return TFM_ON(context.isa, layer_norm_backward_columns(x.data + first, statistics, dy.data + first, x.cols, x.rows, dw + first, db + first, count));
  });
}

}  // namespace tfm::inline TFM_ABI::kernels
