#pragma once
// What the files of formats share: numbers in bytes, and the scales of int8.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "tfm/core/index.hpp"
#include "tfm/numeric/half.hpp"

namespace tfm::inline TFM_ABI::detail {

inline std::uint16_t read_u16(const std::byte* p) noexcept {
  std::uint16_t u;
  std::memcpy(&u, p, sizeof u);
  return u;
}
inline void write_u16(std::byte* p, std::uint16_t u) noexcept { std::memcpy(p, &u, sizeof u); }
inline float read_f16(const std::byte* p) noexcept { return f32_from_f16(read_u16(p)); }
inline int read_i8(const std::byte* p) noexcept { return static_cast<std::int8_t>(*p); }

/// The largest magnitude; NaN if there is one.
inline float absmax(const float* x, Index n) noexcept {
  float largest = 0;
  for (Index k = 0; k < n; ++k) {
    const float a = std::abs(x[k]);
    if (a > largest || a != a) largest = a;  // a NaN stays: nothing is larger
  }
  return largest;
}

/// What a row with this largest magnitude is multiplied with to become int8: 127 times the reciprocal, each rounded, as
/// PyTorch computes 127 / absmax (values in binary16 often lie on the edge between two levels). 0 where that would overflow.
inline float int8_factor(float largest) noexcept { return largest > 0x1p-119f ? 1.f / largest * 127.f : 0.f; }

/// 1 / scale; 0, and so every level is the lowest, where that would overflow: such a scale is 0 in binary16 anyway.
inline float reciprocal(float scale) noexcept { return std::abs(scale) >= 0x1p-126f ? 1.f / scale : 0.f; }

}  // namespace tfm::inline TFM_ABI::detail
