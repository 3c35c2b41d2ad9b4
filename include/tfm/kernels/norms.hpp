#pragma once
// Root-mean-square and layer normalisation. Sums over features are sixteen partial sums by k mod 16 and one tree.
#include "tfm/kernels/dispatch.hpp"

namespace tfm::inline TFM_ABI::kernels {

/// y = x / rms(x) w, rms(x) = sqrt(mean(x²) + eps): x, y [tokens, dim], w [dim]; inverse [tokens] = 1 / rms, or null.
/// Zhang & Sennrich 2019, arXiv:1910.07467
inline void rms_norm(Context& context, View x, const float* w, float eps, MutableView y, float* inverse = nullptr) noexcept {
  by_rows(context, x.rows, 2 * x.cols, [&](Index first, Index count) {
    table(context).rms_norm(context, x.slice(first, count), w, eps, y.slice(first, count), inverse == nullptr ? nullptr : inverse + first);
  });
}

/// dx += the gradient of rms_norm; dw += Σ dy x inverse, or nothing if dw is null. Tokens are summed in their order.
inline void rms_norm_backward(Context& context, View x, const float* w, const float* inverse, View dy, MutableView dx, float* dw) noexcept {
  by_rows(context, x.rows, 6 * x.cols, [&](Index first, Index count) {
    training_table(context).rms_norm_backward(context, x.slice(first, count), w, inverse + first, dy.slice(first, count), dx.slice(first, count));
  });
  if (dw == nullptr) return;
  by_columns(context, x.cols, 3 * x.rows, [&](Index first, Index count) {
    training_table(context).rms_norm_backward_columns(context, x, inverse, dy, first, count, dw);
  });
}

/// y = (x - mean) / sqrt(variance + eps) w + b over each row: w, b [dim]; statistics [tokens, 2] (mean, 1 / deviation) or null.
/// Ba et al. 2016, arXiv:1607.06450
inline void layer_norm(Context& context, View x, const float* w, const float* b, float eps, MutableView y, float* statistics = nullptr) noexcept {
  by_rows(context, x.rows, 4 * x.cols, [&](Index first, Index count) {
    table(context).layer_norm(context, x.slice(first, count), w, b, eps, y.slice(first, count), statistics == nullptr ? nullptr : statistics + 2 * first);
  });
}
/// dx += the gradient of layer_norm; dw, db likewise, or neither if dw is null. Tokens are summed in their order.
inline void layer_norm_backward(Context& context, View x, const float* w, const float* statistics, View dy, MutableView dx, float* dw, float* db) noexcept {
  by_rows(context, x.rows, 8 * x.cols, [&](Index first, Index count) {
    training_table(context).layer_norm_backward(context, x.slice(first, count), w, statistics + 2 * first, dy.slice(first, count), dx.slice(first, count));
  });
  if (dw == nullptr) return;
  by_columns(context, x.cols, 4 * x.rows, [&](Index first, Index count) {
    training_table(context).layer_norm_backward_columns(context, x, statistics, dy, first, count, dw, db);
  });
}

}  // namespace tfm::inline TFM_ABI::kernels
