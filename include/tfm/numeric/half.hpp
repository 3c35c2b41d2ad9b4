#pragma once
// The two 16-bit floats: IEEE binary16 and bfloat16, converted in plain integer arithmetic, rounding to nearest even.
#include <bit>
#include <cstdint>

#include "tfm/core/config.hpp"

namespace tfm::inline TFM_ABI {

/// A product that is rounded before anything is added to it, whatever multiply-adds the file's flags allow.
template <class T>
inline T rounded_product(T a, T b) noexcept {
  T product = a * b;
#if defined(__x86_64__)
  asm("" : "+x"(product));
#elif defined(__aarch64__)
  asm("" : "+w"(product));
#endif
  return product;
}

inline float f32_from_bf16(std::uint16_t h) noexcept { return std::bit_cast<float>(static_cast<std::uint32_t>(h) << 16); }

inline std::uint16_t bf16_from_f32(float f) noexcept {
  const auto u = std::bit_cast<std::uint32_t>(f);
  if ((u & 0x7fffffffu) > 0x7f800000u) return static_cast<std::uint16_t>((u >> 16) | 0x40u);  // NaN stays NaN
  return static_cast<std::uint16_t>((u + 0x7fffu + ((u >> 16) & 1u)) >> 16);
}

inline float f32_from_f16(std::uint16_t h) noexcept {
  const std::uint32_t sign = static_cast<std::uint32_t>(h & 0x8000u) << 16, rest = h & 0x7fffu;
  if (rest >= 0x7c00u) {  // infinity, NaN (made quiet, as the conversion instructions do)
    const std::uint32_t quiet = rest > 0x7c00u ? 0x400000u : 0u;
    return std::bit_cast<float>(sign | 0x7f800000u | quiet | (rest & 0x3ffu) << 13);
  }
  if (rest >= 0x400u) return std::bit_cast<float>(sign | ((rest << 13) + (112u << 23)));
  const float subnormal = static_cast<float>(rest) * 0x1p-24f;
  return std::bit_cast<float>(sign | std::bit_cast<std::uint32_t>(subnormal));
}

inline std::uint16_t f16_from_f32(float f) noexcept {
  const auto u = std::bit_cast<std::uint32_t>(f);
  const auto sign = static_cast<std::uint16_t>(u >> 16 & 0x8000u);
  const std::uint32_t rest = u & 0x7fffffffu;
  if (rest > 0x7f800000u) return static_cast<std::uint16_t>(sign | 0x7e00u | (rest >> 13 & 0x1ffu));
  if (rest >= 0x477ff000u) return static_cast<std::uint16_t>(sign | 0x7c00u);  // rounds beyond 65504: infinity
  std::uint32_t mantissa = 0, shift = 13;
  if (rest >= 0x38800000u) {
    mantissa = rest - (112u << 23);
  } else {  // subnormal: count in units of 2^-24
    const std::uint32_t exponent = rest >> 23;
    if (exponent < 102u) return sign;  // below half of the smallest
    mantissa = (rest & 0x7fffffu) | 0x800000u;
    shift = 126u - exponent;
  }
  const std::uint32_t half = (1u << (shift - 1)) - 1u, odd = mantissa >> shift & 1u;
  return static_cast<std::uint16_t>(sign | (mantissa + half + odd) >> shift);
}

}  // namespace tfm::inline TFM_ABI
