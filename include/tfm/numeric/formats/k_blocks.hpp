#pragma once
// What ggml's K-quants with minima share (Q4_K, Q5_K): superblocks of 256 values, in which each 32 have a scale and a minimum of six bits.
#include <array>

#include "tfm/numeric/formats/nearest.hpp"
#include "tfm/numeric/formats/spread_blocks.hpp"

namespace tfm::inline TFM_ABI {

/// A superblock: binary16 d and dmin, 12 bytes of eight scales S and eight minima M, then levels; value = d S level - dmin M.
/// In panels dmin has the other sign, so that it is added, and S and M are bytes.
template <Format F, Index Bytes, Index Words, int MostLevel>
struct KBlocks : SpreadBlocks<F, 256, Bytes, 2, 16, Words> {
  using Traits = FormatTraits<F>;
  using Base = SpreadBlocks<F, 256, Bytes, 2, 16, Words>;
  static constexpr bool minimum = true;
  static constexpr Index groups = Base::parts, levels_at = 16;  // where a file's block has them

  static BlockScale scale_of(const BlockHead& head, Index part) noexcept {
    return {head.half(0) * static_cast<float>(head.number(part)), head.half(1) * static_cast<float>(head.number(groups + part))};
  }
  /// The first 16 bytes of a file's block to the head of a row's, and back.
  static void spread_head(const std::byte* block, std::byte* head) noexcept {
    std::memcpy(head, block, 4), head[3] ^= std::byte{0x80};
    const std::byte* const from = block + 4;
    const auto six = [](std::byte b) { return b & std::byte{63}; };
    const auto top = [](std::byte b) { return b >> 6 << 4; };
    for (Index g = 0; g < 4; ++g) {
      head[4 + g] = six(from[g]), head[12 + g] = six(from[g + 4]);
      head[8 + g] = (from[g + 8] & std::byte{15}) | top(from[g]), head[16 + g] = from[g + 8] >> 4 | top(from[g + 4]);
    }
  }
  static void join_head(const std::byte* head, std::byte* block) noexcept {
    std::memcpy(block, head, 4), block[3] ^= std::byte{0x80};
    std::byte* const to = block + 4;
    for (Index g = 0; g < 4; ++g) {
      to[g] = head[4 + g] | head[8 + g] >> 4 << 6, to[g + 4] = head[12 + g] | head[16 + g] >> 4 << 6;
      to[g + 8] = (head[8 + g] & std::byte{15}) | head[16 + g] << 4;
    }
  }
  /// Scales and minima nearest to each 32 values first; then of the six-bit ones around them the nearest.
  static void quantise_block(const float* x, std::byte* bytes) noexcept {
    std::array<detail::Line, groups> lines;
    float most_scale = 0, most_minimum = 0;
    for (Index g = 0; g < groups; ++g) {
      lines[to_size(g)] = detail::nearest_line(x + g * activation_block, activation_block, MostLevel, true);
      most_scale = std::max(most_scale, lines[to_size(g)].scale), most_minimum = std::max(most_minimum, -lines[to_size(g)].minimum);
    }
    std::byte head[Base::head], levels[groups * Base::part_bytes] = {};
    detail::write_u16(head, f16_from_f32(most_scale / 63.f));
    detail::write_u16(head + 2, f16_from_f32(-most_minimum / 63.f));
    const float d = detail::read_f16(head), m = detail::read_f16(head + 2), per_d = detail::reciprocal(d), per_m = detail::reciprocal(m);
    for (Index g = 0; g < groups; ++g) {
      const float* const own = x + g * activation_block;
      const auto sixth = [](float of, float per) { return detail::nearest_level(of, 0, per, 0, 63); };
      const int scale = sixth(lines[to_size(g)].scale, per_d), low = sixth(lines[to_size(g)].minimum, per_m);
      detail::Line best;
      double lowest = -1;
      for (int s = std::max(scale - 1, 0); s <= std::min(scale + 1, 63); ++s)
        for (int l = std::max(low - 1, 0); l <= std::min(low + 1, 63); ++l) {
          const detail::Line line{d * static_cast<float>(s), m * static_cast<float>(l)};
          if (const double found = detail::distance(own, activation_block, line, 0, MostLevel); lowest < 0 || found < lowest) {
            lowest = found, best = line;
            head[4 + g] = static_cast<std::byte>(s), head[12 + g] = static_cast<std::byte>(l);
          }
        }
      const float inverse = detail::reciprocal(best.scale);
      for (Index k = 0; k < activation_block; ++k)
        Traits::set_level(levels + g * Base::part_bytes, k, detail::nearest_level(own[k], best.minimum, inverse, 0, MostLevel));
    }
    Traits::join(head, levels, bytes);
  }
};

}  // namespace tfm::inline TFM_ABI
