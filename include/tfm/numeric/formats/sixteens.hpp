#pragma once
// What ggml's K-quants without minima share (Q3_K, Q6_K): superblocks of 256 values with a binary16 d and an integer S for each 16.
#include <algorithm>

#include "tfm/numeric/formats/nearest.hpp"
#include "tfm/numeric/formats/spread_blocks.hpp"

namespace tfm::inline TFM_ABI {

/// Value = d S level, with S from LeastScale to -LeastScale - 1 and levels from Least to -Least - 1. In panels S are int8. The format has
/// set_level(levels, k, level + -Least) of 32 values' words.
template <Format F, Index Bytes, Index Words, int LeastScale, int Least>
struct SixteensBlocks : SpreadBlocks<F, 256, Bytes, 1, 16, Words> {
  using Base = SpreadBlocks<F, 256, Bytes, 1, 16, Words>;
  using Traits = FormatTraits<F>;
  static constexpr Index group = activation_block / 2, groups = 16;
  static constexpr std::uint64_t pairs = 0x0303030303030303;

  static BlockScale scale_of(const BlockHead& head, Index part) noexcept {
    return {head.half(0), 0, {head.signed_number(2 * part), head.signed_number(2 * part + 1)}};
  }
  /// The scale nearest to each 16 values first; then of the integer ones around it the nearest.
  static void quantise_block(const float* x, std::byte* bytes) noexcept {
    float scales[groups], extreme = 0;
    for (Index g = 0; g < groups; ++g) {
      scales[g] = detail::nearest_scale(x + g * group, group, Least);
      if (std::abs(scales[g]) > std::abs(extreme)) extreme = scales[g];
    }
    std::byte head[Base::head], levels[Base::parts * Base::part_bytes] = {};
    detail::write_u16(head, f16_from_f32(extreme / static_cast<float>(LeastScale)));
    const float d = detail::read_f16(head), per_d = detail::reciprocal(d);
    for (Index g = 0; g < groups; ++g) {
      const float* const own = x + g * group;
      const int scale = detail::nearest_level(scales[g], 0, per_d, LeastScale, -LeastScale - 1);
      float best = 0;
      double lowest = -1;
      for (int s = std::max(scale - 1, LeastScale); s <= std::min(scale + 1, -LeastScale - 1); ++s) {
        const detail::Line line{d * static_cast<float>(s), 0};
        if (const double found = detail::distance(own, group, line, Least, -Least - 1); lowest < 0 || found < lowest)
          lowest = found, best = line.scale, head[2 + g] = static_cast<std::byte>(s);
      }
      const float inverse = detail::reciprocal(best);
      for (Index i = 0; i < group; ++i)
        Traits::set_level(levels + g / 2 * Base::part_bytes, g % 2 * group + i, detail::nearest_level(own[i], 0, inverse, Least, -Least - 1) - Least);
    }
    Traits::join(head, levels, bytes);
  }

 protected:
  // Of 128 values 32 bytes with two bits of each, as a file has them, to the words of four parts (byte j of a part's eight has those of its
  // values j, j + 8, j + 16 and j + 24), and back.
  static void spread_pairs(const std::byte* file, std::byte* to) noexcept {
    for (Index r = 0; r < 4; ++r) {
      std::uint64_t all = 0;
      for (Index f = 0; f < 4; ++f) all |= (eight(file + 8 * f) >> 2 * r & pairs) << 2 * f;
      std::memcpy(to + r * Base::part_bytes, &all, 8);
    }
  }
  static void join_pairs(const std::byte* from, std::byte* file) noexcept {
    for (Index f = 0; f < 4; ++f) {
      std::uint64_t all = 0;
      for (Index r = 0; r < 4; ++r) all |= (eight(from + r * Base::part_bytes) >> 2 * f & pairs) << 2 * r;
      std::memcpy(file + 8 * f, &all, 8);
    }
  }
  static std::uint64_t eight(const std::byte* from) noexcept {
    std::uint64_t u;
    std::memcpy(&u, from, 8);
    return u;
  }
};

}  // namespace tfm::inline TFM_ABI
