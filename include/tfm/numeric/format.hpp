#pragma once
// Format: the number formats that tfm computes with.
#include <array>
#include <string_view>

#include "tfm/core/index.hpp"

namespace tfm::inline TFM_ABI {

/// How the numbers of a weight are stored.
enum class Format : unsigned char {
  f32,   ///< IEEE binary32
  bf16,  ///< the upper half of a binary32
  f16,   ///< IEEE binary16
  q8_0,  ///< blocks of 32 along a row: f16 scale, 32 x int8                           (GGUF type 8)
  q4_0,  ///< blocks of 32: f16 scale, 32 x 4 bit, value = scale (n - 8)               (GGUF type 2)
  q4_1,  ///< blocks of 32: f16 scale, f16 minimum, 32 x 4 bit, value = scale n + min  (GGUF type 3)
  int8,  ///< int8 with one f32 scale a row: LLM.int8() (Dettmers et al. 2022)
};
inline constexpr int format_count = 7;

constexpr std::string_view name(Format format) noexcept {
  constexpr std::array<std::string_view, format_count> names{"F32", "BF16", "F16", "Q8_0", "Q4_0", "Q4_1", "Int8"};
  return names[static_cast<std::size_t>(format)];
}

/// Values in a block of the format's layout; 1 where there are no blocks.
constexpr Index block_size(Format format) noexcept {
  return format == Format::q8_0 || format == Format::q4_0 || format == Format::q4_1 ? 32 : 1;
}

/// Bytes of one block as files have it (Int8's scales are beside it, as a tensor of their own).
constexpr Index block_bytes(Format format) noexcept {
  constexpr std::array<Index, format_count> bytes{4, 2, 2, 34, 18, 20, 1};
  return bytes[static_cast<std::size_t>(format)];
}

}  // namespace tfm::inline TFM_ABI
