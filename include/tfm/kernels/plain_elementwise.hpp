#pragma once
// The plain loops that the element-wise kernels equal, to the last bit where the CPU has a fused multiply-add.
#include <algorithm>
#include <cmath>

#include "tfm/core/random.hpp"
#include "tfm/core/view.hpp"

namespace tfm::inline TFM_ABI::kernels::plain {

/// exp(x): n = round(x / ln 2), r = x - n ln 2 with ln 2 in two parts, the series of exp(r) to r^7, times 2^n.
/// 0 below -87.3, exp(88) above 88. Within 2e-7 of the true value, relatively.
inline float exponential(float x) noexcept {
  const float clamped = std::max(std::min(x, 88.f), -87.3f), n = std::nearbyint(clamped * 1.44269504f);
  const float r = std::fma(n, 2.12194440e-4f, std::fma(n, -0.693359375f, clamped));
  float p = 1.f / 5040;
  for (const float c : {1.f / 720, 1.f / 120, 1.f / 24, 1.f / 6, 0.5f, 1.f, 1.f}) p = std::fma(p, r, c);
  return x < -87.3f ? 0.f : std::ldexp(p, static_cast<int>(n));
}

inline float sigmoid(float x) noexcept { return 1.f / (1.f + exponential(0.f - x)); }

/// x P(x²) / Q(x²), x held to 7.9 either way. Within 4e-7 of tanh(x), relatively.
inline float hyperbolic_tangent(float x) noexcept {
  const float c = std::max(std::min(x, 7.9f), -7.9f), s = c * c;
  float p = -2.76076847742355e-16f, q = 1.19825839466702e-6f;
  for (const float a : {2.00018790482477e-13f, -8.60467152213735e-11f, 5.12229709037114e-8f, 1.48572235717979e-5f, 6.37261928875436e-4f, 4.89352455891786e-3f})
    p = std::fma(p, s, a);
  for (const float b : {1.18534705686654e-4f, 2.26843463243900e-3f, 4.89352518554385e-3f}) q = std::fma(q, s, b);
  return c * p / q;
}
inline float soft_capped(float x, float cap) noexcept { return hyperbolic_tangent(x / cap) * cap; }

/// y = cap tanh(x / cap)
inline void soft_cap(View x, float cap, MutableView y) noexcept {
  for (Index i = 0; i < y.size(); ++i) y.data[i] = soft_capped(x.data[i], cap);
}
/// d *= 1 - (y / cap)²
inline void soft_cap_backward(View y, float cap, MutableView d) noexcept {
  for (Index i = 0; i < d.size(); ++i) {
    const float t = y.data[i] / cap;
    d.data[i] *= std::fma(-t, t, 1.f);
  }
}

/// gelu(x) = x sigmoid(z), z = 2 sqrt(2 / pi) (x + 0.044715 x³)
inline float gelu_sigmoid(float x) noexcept { return sigmoid(x * std::fma(x * x, 0.0713548163f, 1.59576912f)); }

/// y = gelu(gate) up
inline void gelu_mul(View gate, View up, MutableView y) noexcept {
  for (Index i = 0; i < y.size(); ++i) y.data[i] = gate.data[i] * gelu_sigmoid(gate.data[i]) * up.data[i];
}
/// dgate += dy up s (1 + gate z' (1 - s)), dup += dy gate s, with s = sigmoid(z)
inline void gelu_mul_backward(View gate, View up, View dy, MutableView dgate, MutableView dup) noexcept {
  for (Index i = 0; i < dy.size(); ++i) {
    const float g = gate.data[i], d = dy.data[i], s = gelu_sigmoid(g);
    const float slope = s * std::fma(g * std::fma(g * g, 0.214064449f, 1.59576912f), 1.f - s, 1.f);
    dgate.data[i] = std::fma(d * up.data[i], slope, dgate.data[i]);
    dup.data[i] = std::fma(d * g, s, dup.data[i]);
  }
}

/// y = silu(gate) up
inline void silu_mul(View gate, View up, MutableView y) noexcept {
  for (Index i = 0; i < y.size(); ++i) y.data[i] = gate.data[i] * sigmoid(gate.data[i]) * up.data[i];
}

/// dgate += dy up s (1 + gate (1 - s)), dup += dy gate s, with s = sigmoid(gate)
inline void silu_mul_backward(View gate, View up, View dy, MutableView dgate, MutableView dup) noexcept {
  for (Index i = 0; i < dy.size(); ++i) {
    const float g = gate.data[i], d = dy.data[i], s = sigmoid(g), slope = s * std::fma(g, 1.f - s, 1.f);
    dgate.data[i] = std::fma(d * up.data[i], slope, dgate.data[i]);
    dup.data[i] = std::fma(d * g, s, dup.data[i]);
  }
}

/// y = max(y + b, 0)
inline void bias_relu(const float* b, MutableView y) noexcept {
  for (Index t = 0; t < y.rows; ++t)
    for (Index k = 0; k < y.cols; ++k) y.row(t)[k] = std::max(y.row(t)[k] + b[k], 0.f);
}

/// db += dy, row by row
inline void add_bias_backward(View dy, float* db) noexcept {
  for (Index t = 0; t < dy.rows; ++t)
    for (Index k = 0; k < dy.cols; ++k) db[k] += dy.row(t)[k];
}

/// dtable[ids[t]] += a dy[t], row by row
inline void gather_backward(float a, View dy, const std::int32_t* ids, MutableView dtable) noexcept {
  for (Index t = 0; t < dy.rows; ++t)
    for (Index k = 0; k < dy.cols; ++k) dtable.row(ids[t])[k] = std::fma(a, dy.row(t)[k], dtable.row(ids[t])[k]);
}

/// y += x factor: 0 where the number of (key, feature) is below the rate, else 1 / (1 - rate)
inline void dropout_add(View x, const std::uint64_t* keys, float rate, MutableView y) noexcept {
  const float kept = 1.f / (1.f - rate);
  for (Index t = 0; t < x.rows; ++t)
    for (Index k = 0; k < x.cols; ++k) {
      const float factor = RandomKey{keys[t]}.uniform(static_cast<std::uint64_t>(k)) < rate ? 0.f : kept;
      y.row(t)[k] = std::fma(x.row(t)[k], factor, y.row(t)[k]);
    }
}

/// Turns the pairs (i, i + half) of every head by the token's angles; sign -1 turns back.
inline void rotate(MutableView x, Index head_dim, View cosine, View sine, float sign) noexcept {
  const Index half = cosine.cols;
  for (Index t = 0; t < x.rows; ++t)
    for (Index h = 0; h < x.cols; h += head_dim)
      for (Index i = 0; i < half; ++i) {
        float &a = x.row(t)[h + i], &b = x.row(t)[h + half + i];
        const float c = cosine.row(t)[i], s = sine.row(t)[i] * sign, turned = std::fma(b, c, a * s);
        a = std::fma(a, c, -(b * s));
        b = turned;
      }
}

}  // namespace tfm::inline TFM_ABI::kernels::plain
