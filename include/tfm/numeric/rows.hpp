#pragma once
// One row of numbers in the layout that files have, to float32 and back, in plain loops: the reference for every kernel.
// Block layouts as in GGUF (ggml): https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "tfm/numeric/format.hpp"
#include "tfm/numeric/half.hpp"

namespace tfm::inline TFM_ABI {

/// Bytes of one row of `cols` values; cols is a multiple of the block size.
constexpr Index row_bytes(Format format, Index cols) noexcept {
  return cols / block_size(format) * block_bytes(format);
}

namespace detail {

inline std::uint16_t read_u16(const std::byte* p) noexcept {
  std::uint16_t u;
  std::memcpy(&u, p, sizeof u);
  return u;
}
inline void write_u16(std::byte* p, std::uint16_t u) noexcept { std::memcpy(p, &u, sizeof u); }

/// The 4-bit number k of a block's 16 bytes: k below 16 are the low halves, the others the high ones.
constexpr int nibble(const std::byte* bytes, Index k) noexcept {
  const int both = std::to_integer<int>(bytes[k % 16]);
  return k < 16 ? both & 15 : both >> 4;
}

}  // namespace detail

/// row[0 .. cols) from a file's bytes. `scale` is the row's, for Int8.
inline void dequantise_row(Format format, const std::byte* bytes, Index cols, float scale, float* row) noexcept {
  using detail::read_u16;
  switch (format) {
    case Format::f32: std::memcpy(row, bytes, to_size(cols) * sizeof(float)); return;
    case Format::bf16:
      for (Index k = 0; k < cols; ++k) row[k] = f32_from_bf16(read_u16(bytes + 2 * k));
      return;
    case Format::f16:
      for (Index k = 0; k < cols; ++k) row[k] = f32_from_f16(read_u16(bytes + 2 * k));
      return;
    case Format::int8:
      for (Index k = 0; k < cols; ++k) row[k] = static_cast<float>(static_cast<std::int8_t>(bytes[k])) * scale;
      return;
    case Format::q8_0:
      for (Index k = 0; k < cols; ++k) {
        const std::byte* block = bytes + k / 32 * 34;
        row[k] = f32_from_f16(read_u16(block)) * static_cast<float>(static_cast<std::int8_t>(block[2 + k % 32]));
      }
      return;
    case Format::q4_0:
      for (Index k = 0; k < cols; ++k) {
        const std::byte* block = bytes + k / 32 * 18;
        row[k] = f32_from_f16(read_u16(block)) * static_cast<float>(detail::nibble(block + 2, k % 32) - 8);
      }
      return;
    case Format::q4_1:
      for (Index k = 0; k < cols; ++k) {
        const std::byte* block = bytes + k / 32 * 20;
        // the product is exact (11 by 4 bits), so that a contracted multiply-add gives the same bits
        const float product = f32_from_f16(read_u16(block)) * static_cast<float>(detail::nibble(block + 4, k % 32));
        row[k] = product + f32_from_f16(read_u16(block + 2));
      }
      return;
  }
}

namespace detail {

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

// A value that is not finite makes the whole block NaN: its scale is none, or infinite, and every level 0.
inline void quantise_q8_0(const float* x, std::byte* block) noexcept {
  const float scale = absmax(x, 32) / 127.f, inverse = reciprocal(scale);
  const bool finite = scale < 3e36f;  // the largest float / 127 is below it
  write_u16(block, f16_from_f32(scale));
  for (Index k = 0; k < 32; ++k) block[2 + k] = static_cast<std::byte>(static_cast<std::int8_t>(finite ? std::round(x[k] * inverse) : 0.f));
}

inline void quantise_q4_0(const float* x, std::byte* block) noexcept {
  float extreme = 0;  // with its sign: it becomes -8, the one value without a counterpart
  for (Index k = 0; k < 32; ++k)
    if (std::abs(x[k]) > std::abs(extreme)) extreme = x[k];
  const float scale = extreme / -8.f, inverse = reciprocal(scale);
  write_u16(block, f16_from_f32(scale));
  const auto level = [&](Index k) { return std::min(15, static_cast<int>(rounded_product(x[k], inverse) + 8.5f)); };
  for (Index k = 0; k < 16; ++k) block[2 + k] = static_cast<std::byte>(level(k) | level(k + 16) << 4);
}

inline void quantise_q4_1(const float* x, std::byte* block) noexcept {
  const float low = *std::min_element(x, x + 32), high = *std::max_element(x, x + 32);
  const float scale = (high - low) / 15.f, inverse = reciprocal(scale);
  write_u16(block, f16_from_f32(scale));
  write_u16(block + 2, f16_from_f32(low));
  const auto level = [&](Index k) { return std::min(15, static_cast<int>(rounded_product(x[k] - low, inverse) + 0.5f)); };
  for (Index k = 0; k < 16; ++k) block[4 + k] = static_cast<std::byte>(level(k) | level(k + 16) << 4);
}

}  // namespace detail

/// The other way: nearest values, scales as ggml chooses them. For Int8 returns the row's scale, absmax / 127
/// (Dettmers et al. 2022, section 2), and 1 for the others. Values must be finite.
inline float quantise_row(Format format, const float* row, Index cols, std::byte* bytes) noexcept {
  switch (format) {
    case Format::f32: std::memcpy(bytes, row, to_size(cols) * sizeof(float)); return 1;
    case Format::bf16:
      for (Index k = 0; k < cols; ++k) detail::write_u16(bytes + 2 * k, bf16_from_f32(row[k]));
      return 1;
    case Format::f16:
      for (Index k = 0; k < cols; ++k) detail::write_u16(bytes + 2 * k, f16_from_f32(row[k]));
      return 1;
    case Format::int8: {
      const float largest = detail::absmax(row, cols), inverse = detail::int8_factor(largest);
      for (Index k = 0; k < cols; ++k)
        bytes[k] = static_cast<std::byte>(static_cast<std::int8_t>(std::nearbyint(row[k] * inverse)));
      return largest / 127.f;
    }
    case Format::q8_0:
      for (Index b = 0; b < cols / 32; ++b) detail::quantise_q8_0(row + 32 * b, bytes + 34 * b);
      return 1;
    case Format::q4_0:
      for (Index b = 0; b < cols / 32; ++b) detail::quantise_q4_0(row + 32 * b, bytes + 18 * b);
      return 1;
    case Format::q4_1:
      for (Index b = 0; b < cols / 32; ++b) detail::quantise_q4_1(row + 32 * b, bytes + 20 * b);
      return 1;
  }
  return 1;
}

}  // namespace tfm::inline TFM_ABI
