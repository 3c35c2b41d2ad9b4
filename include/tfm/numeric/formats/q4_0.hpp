#pragma once
// Q4_0: blocks of 32 along a row: a binary16 scale d, then 16 bytes, of which byte i has level i in its low half and level i + 16 in its
// high one; value = d (level - 8) (ggml's, quantised as there).
#include <algorithm>

#include "tfm/numeric/formats/block_format.hpp"

namespace tfm::inline TFM_ABI {

template <>
struct FormatTraits<Format::q4_0> : BlocksOf32<Format::q4_0, 1, 16> {
  static constexpr const char* name = "Q4_0";
  static constexpr int gguf = 2;

  static BlockLevels levels(const std::byte* bytes, Index) noexcept {
    BlockLevels own{{detail::read_f16(bytes), 0}};
    for (Index k = 0; k < block; ++k) own.level[k] = nibble(bytes + head, k) - 8;
    return own;
  }
  static void quantise_block(const float* x, std::byte* bytes) noexcept {
    float extreme = 0;  // with its sign: it becomes -8, the one value without a counterpart
    for (Index k = 0; k < block; ++k)
      if (std::abs(x[k]) > std::abs(extreme)) extreme = x[k];
    const float scale = extreme / -8.f, inverse = detail::reciprocal(scale);
    detail::write_u16(bytes, f16_from_f32(scale));
    const auto level = [&](Index k) { return std::min(15, static_cast<int>(rounded_product(x[k], inverse) + 8.5f)); };
    for (Index k = 0; k < 16; ++k) bytes[head + k] = static_cast<std::byte>(level(k) | level(k + 16) << 4);
  }
  static float value_at(const std::byte* panel, Index cols, Index r, Index k) noexcept {
    return half_at(panel, cols, r, k) * static_cast<float>(nibble_at(panel, cols, r, k) - 8);
  }
};

}  // namespace tfm::inline TFM_ABI
