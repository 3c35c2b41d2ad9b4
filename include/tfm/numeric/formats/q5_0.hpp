#pragma once
// Q5_0: blocks of 32 along a row: a binary16 scale d, the levels' highest bits, their nibbles as in Q4_0; value = d (level - 16) (ggml's).
#include "tfm/numeric/formats/five_bits.hpp"
#include "tfm/numeric/formats/nearest.hpp"

namespace tfm::inline TFM_ABI {

template <>
struct FormatTraits<Format::q5_0> : detail::FiveBitBlocks<Format::q5_0, 1> {
  static constexpr const char* name = "Q5_0";
  static constexpr int gguf = 6;

  static BlockScale scale_of(const BlockHead& head, Index) noexcept { return {head.half(0), 0}; }
  static int level(const BlockWords& words, Index k) noexcept { return detail::five_bits(words, k) - 16; }
  static void quantise_block(const float* x, std::byte* bytes) noexcept {
    std::byte head[2], levels[part_bytes] = {};
    detail::write_u16(head, f16_from_f32(detail::nearest_scale(x, block, -16)));
    const float inverse = detail::reciprocal(detail::read_f16(head));
    for (Index k = 0; k < block; ++k) detail::set_five_bits(levels, k, detail::nearest_level(x[k], 0, inverse, -16, 15) + 16);
    join(head, levels, bytes);
  }
};

}  // namespace tfm::inline TFM_ABI
