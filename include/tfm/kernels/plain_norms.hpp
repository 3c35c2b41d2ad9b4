#pragma once
// The plain loops that the norms equal, to the last bit where the CPU has a fused multiply-add.
#include <cmath>

#include "tfm/core/view.hpp"

namespace tfm::inline TFM_ABI::kernels::plain {

/// How every reduction sums: term k goes to partial sum k mod 16; then i and i + 8 become one, i and i + 4, 2, 1.
struct SixteenSums {
  float lane[16] = {};

  float total() const noexcept {
    float sum[16];
    for (int i = 0; i < 16; ++i) sum[i] = lane[i];
    for (int half = 8; half > 0; half /= 2)
      for (int i = 0; i < half; ++i) sum[i] += sum[i + half];
    return sum[0];
  }
};

/// y = x / rms(x) w, rms(x) = sqrt(mean(x²) + eps); inverse [tokens] = 1 / rms.
inline void rms_norm(View x, const float* w, float eps, MutableView y, float* inverse) noexcept {
  for (Index t = 0; t < x.rows; ++t) {
    SixteenSums squares;
    for (Index k = 0; k < x.cols; ++k) squares.lane[k % 16] = std::fma(x.row(t)[k], x.row(t)[k], squares.lane[k % 16]);
    inverse[t] = 1.f / std::sqrt(squares.total() / static_cast<float>(x.cols) + eps);
    for (Index k = 0; k < x.cols; ++k) y.row(t)[k] = x.row(t)[k] * inverse[t] * w[k];
  }
}

/// With r = 1 / rms and h = dy w: dx += r h - x r³ mean(h x); dw += dy x r, tokens upwards.
inline void rms_norm_backward(View x, const float* w, const float* inverse, View dy, MutableView dx,
                              float* dw) noexcept {
  for (Index t = 0; t < x.rows; ++t) {
    const float *const v = x.row(t), *const d = dy.row(t), r = inverse[t];
    SixteenSums sums;
    for (Index k = 0; k < x.cols; ++k) sums.lane[k % 16] = std::fma(d[k] * w[k], v[k], sums.lane[k % 16]);
    const float back = -(r * r) * (r * (sums.total() / static_cast<float>(x.cols)));
    for (Index k = 0; k < x.cols; ++k) {
      const float change = std::fma(v[k], back, d[k] * w[k] * r);
      dx.row(t)[k] += change;
      dw[k] = std::fma(d[k] * v[k], r, dw[k]);
    }
  }
}

/// With n = (x - mean) r and h = dy w: dx += r (h - mean(h) - n mean(h n)); dw += dy n, db += dy, tokens upwards.
inline void layer_norm_backward(View x, const float* w, const float* statistics, View dy, MutableView dx, float* dw, float* db) noexcept {
  const float count = static_cast<float>(x.cols);
  for (Index t = 0; t < x.rows; ++t) {
    const float *const v = x.row(t), *const d = dy.row(t), mean = statistics[2 * t], r = statistics[2 * t + 1];
    SixteenSums h, hn;
    for (Index k = 0; k < x.cols; ++k) {
      const float scaled = d[k] * w[k], normed = (v[k] - mean) * r;
      h.lane[k % 16] += scaled;
      hn.lane[k % 16] = std::fma(scaled, normed, hn.lane[k % 16]);
    }
    const float mean_h = h.total() / count, mean_hn = hn.total() / count;
    for (Index k = 0; k < x.cols; ++k) {
      const float normed = (v[k] - mean) * r, inner = std::fma(normed, -mean_hn, std::fma(d[k], w[k], -mean_h));
      dx.row(t)[k] = std::fma(inner, r, dx.row(t)[k]);
      dw[k] = std::fma(d[k], normed, dw[k]);
      db[k] += d[k];
    }
  }
}

}  // namespace tfm::inline TFM_ABI::kernels::plain
