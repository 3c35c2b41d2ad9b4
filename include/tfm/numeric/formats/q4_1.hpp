#pragma once
// Q4_1: blocks of 32 along a row: a binary16 scale d and minimum m, then 16 bytes of levels as in Q4_0; value = d level + m (ggml's,
// quantised as there).
#include <algorithm>

#include "tfm/numeric/formats/block_format.hpp"

namespace tfm::inline TFM_ABI {

template <>
struct FormatTraits<Format::q4_1> : BlocksOf32<Format::q4_1, 2, 16> {
  static constexpr const char* name = "Q4_1";
  static constexpr int gguf = 3;
  static constexpr bool minimum = true;

  static BlockLevels levels(const std::byte* bytes, Index) noexcept {
    BlockLevels own{{detail::read_f16(bytes), detail::read_f16(bytes + 2)}};
    for (Index k = 0; k < block; ++k) own.level[k] = nibble(bytes + head, k);
    return own;
  }
  static void quantise_block(const float* x, std::byte* bytes) noexcept {
    const float low = *std::min_element(x, x + block), high = *std::max_element(x, x + block);
    const float scale = (high - low) / 15.f, inverse = detail::reciprocal(scale);
    detail::write_u16(bytes, f16_from_f32(scale));
    detail::write_u16(bytes + 2, f16_from_f32(low));
    const auto level = [&](Index k) { return std::min(15, static_cast<int>(rounded_product(x[k] - low, inverse) + 0.5f)); };
    for (Index k = 0; k < 16; ++k) bytes[head + k] = static_cast<std::byte>(level(k) | level(k + 16) << 4);
  }
  static float value_at(const std::byte* panel, Index cols, Index r, Index k) noexcept {
    const float product = half_at(panel, cols, r, k) * static_cast<float>(nibble_at(panel, cols, r, k));
    return product + half_at(panel, cols, r, k, 1);
  }
};

}  // namespace tfm::inline TFM_ABI
