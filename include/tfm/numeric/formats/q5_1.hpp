#pragma once
// Q5_1: blocks of 32 along a row: a binary16 scale d and minimum m, the levels as in Q5_0; value = d level + m (ggml's).
#include "tfm/numeric/formats/five_bits.hpp"
#include "tfm/numeric/formats/nearest.hpp"

namespace tfm::inline TFM_ABI {

template <>
struct FormatTraits<Format::q5_1> : detail::FiveBitBlocks<Format::q5_1, 2> {
  static constexpr const char* name = "Q5_1";
  static constexpr int gguf = 7;
  static constexpr bool minimum = true;

  static BlockScale scale_of(const BlockHead& head, Index) noexcept { return {head.half(0), head.half(1)}; }
  static int level(const BlockWords& words, Index k) noexcept { return detail::five_bits(words, k); }
  static void quantise_block(const float* x, std::byte* bytes) noexcept {
    const detail::Line line = detail::nearest_line(x, block, 31, false);
    std::byte head[4], levels[part_bytes] = {};
    detail::write_u16(head, f16_from_f32(line.scale)), detail::write_u16(head + 2, f16_from_f32(line.minimum));
    const float inverse = detail::reciprocal(detail::read_f16(head)), low = detail::read_f16(head + 2);
    for (Index k = 0; k < block; ++k) detail::set_five_bits(levels, k, detail::nearest_level(x[k], low, inverse, 0, 31));
    join(head, levels, bytes);
  }
};

}  // namespace tfm::inline TFM_ABI
