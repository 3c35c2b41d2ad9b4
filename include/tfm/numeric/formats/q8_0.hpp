#pragma once
// Q8_0: blocks of 32 along a row: a binary16 scale d, then 32 int8; value = d q (ggml's, quantised as there).
// In panels of cached keys, whose columns may be any number, the last block is shorter and filled up to a multiple of 4 columns.
#include "tfm/numeric/formats/block_format.hpp"

namespace tfm::inline TFM_ABI {

template <>
struct FormatTraits<Format::q8_0> : BlocksOf32<Format::q8_0, 1, 32> {
  static constexpr const char* name = "Q8_0";
  static constexpr int gguf = 8;
  static constexpr Index cached = 1;

  static BlockLevels levels(const std::byte* bytes, Index) noexcept {
    BlockLevels own{{detail::read_f16(bytes), 0}};
    for (Index k = 0; k < block; ++k) own.level[k] = detail::read_i8(bytes + head + k);
    return own;
  }
  // A value that is not finite makes the whole block NaN: its scale is none, or infinite, and every level 0.
  static void quantise_block(const float* x, std::byte* bytes) noexcept {
    const float scale = detail::absmax(x, block) / 127.f, inverse = detail::reciprocal(scale);
    const bool finite = scale < 3e36f;  // the largest float / 127 is below it
    detail::write_u16(bytes, f16_from_f32(scale));
    for (Index k = 0; k < block; ++k)
      bytes[head + k] = static_cast<std::byte>(static_cast<std::int8_t>(finite ? std::round(x[k] * inverse) : 0.f));
  }
  static float value_at(const std::byte* panel, Index cols, Index r, Index k) noexcept {
    return half_at(panel, cols, r, k) * static_cast<float>(detail::read_i8(panel + level_offset(cols, r, k / block, k % block)));
  }
};

}  // namespace tfm::inline TFM_ABI
