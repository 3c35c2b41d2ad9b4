#pragma once
// Q6_K: superblocks of 256 along a row: 128 bytes of the levels' low four bits, 64 of their high two, 16 int8 S, one for each 16 values, and
// a binary16 d; value = d S (level - 32) (ggml's).
#include "tfm/numeric/formats/nearest.hpp"
#include "tfm/numeric/formats/spread_blocks.hpp"

namespace tfm::inline TFM_ABI {

template <>
struct FormatTraits<Format::q6_k> : SpreadBlocks<Format::q6_k, 256, 210, 1, 16, 6> {
  static constexpr const char* name = "Q6_K";
  static constexpr int gguf = 14;
  static constexpr Index high_at = 128, scales_at = 192, d_at = 208, group = 16;

  // A part's first 16 bytes are nibbles; byte j of the eight behind them has the high bits of levels j, j + 8, j + 16 and j + 24.
  static void spread(const std::byte* block, std::byte* head, std::byte* levels) noexcept {
    std::memcpy(head, block + d_at, 2), std::memcpy(head + 2, block + scales_at, 16);
    for (Index c = 0; c < 2; ++c)
      for (Index r = 0; r < 4; ++r) {
        std::byte* const own = levels + (4 * c + r) * part_bytes;
        const std::byte* const low = block + 64 * c + 32 * (r % 2);
        if (r < 2) detail::exchange_nibbles(low, low + 16, own, own + 2 * part_bytes);
        std::uint64_t high = 0;
        for (Index f = 0; f < 4; ++f) high |= (eight(block + high_at + 32 * c + 8 * f) >> 2 * r & pairs) << 2 * f;
        std::memcpy(own + 16, &high, 8);
      }
  }
  static void join(const std::byte* head, const std::byte* levels, std::byte* block) noexcept {
    std::memcpy(block + d_at, head, 2), std::memcpy(block + scales_at, head + 2, 16);
    for (Index c = 0; c < 2; ++c) {
      const std::byte* const own = levels + 4 * c * part_bytes;
      for (Index r = 0; r < 2; ++r)
        detail::exchange_nibbles(own + r * part_bytes, own + (r + 2) * part_bytes, block + 64 * c + 32 * r, block + 64 * c + 32 * r + 16);
      for (Index f = 0; f < 4; ++f) {
        std::uint64_t high = 0;
        for (Index r = 0; r < 4; ++r) high |= (eight(own + r * part_bytes + 16) >> 2 * f & pairs) << 2 * r;
        std::memcpy(block + high_at + 32 * c + 8 * f, &high, 8);
      }
    }
  }
  static BlockScale scale_of(const BlockHead& head, Index part) noexcept {
    return {head.half(0), 0, {head.signed_number(2 * part), head.signed_number(2 * part + 1)}};
  }
  static int level(const BlockWords& words, Index k) noexcept { return (words.nibble(k) | (words.byte(16 + k % 8) >> k / 8 * 2 & 3) << 4) - 32; }

  /// The scale nearest to each 16 values first; then of the int8 ones around it the nearest.
  static void quantise_block(const float* x, std::byte* bytes) noexcept {
    float scales[16], extreme = 0;
    for (Index g = 0; g < 16; ++g) {
      scales[g] = detail::nearest_scale(x + g * group, group, -32);
      if (std::abs(scales[g]) > std::abs(extreme)) extreme = scales[g];
    }
    std::byte head[18], levels[parts * part_bytes] = {};
    detail::write_u16(head, f16_from_f32(extreme / -128.f));
    const float d = detail::read_f16(head), per_d = detail::reciprocal(d);
    for (Index g = 0; g < 16; ++g) {
      const float* const own = x + g * group;
      const int scale = detail::nearest_level(scales[g], 0, per_d, -128, 127);
      float best = 0;
      double lowest = -1;
      for (int s = std::max(scale - 1, -128); s <= std::min(scale + 1, 127); ++s) {
        const detail::Line line{d * static_cast<float>(s), 0};
        if (const double found = detail::distance(own, group, line, -32, 31); lowest < 0 || found < lowest)
          lowest = found, best = line.scale, head[2 + g] = static_cast<std::byte>(s);
      }
      const float inverse = detail::reciprocal(best);
      for (Index i = 0; i < group; ++i) {
        const int level = detail::nearest_level(own[i], 0, inverse, -32, 31) + 32;
        std::byte* const part = levels + g / 2 * part_bytes;
        const Index k = g % 2 * group + i;
        part[i] |= static_cast<std::byte>((level & 15) << (k < 16 ? 0 : 4));
        part[16 + k % 8] |= static_cast<std::byte>(level >> 4 << k / 8 * 2);
      }
    }
    join(head, levels, bytes);
  }

 private:
  static constexpr std::uint64_t pairs = 0x0303030303030303;
  static std::uint64_t eight(const std::byte* from) noexcept {
    std::uint64_t u;
    std::memcpy(&u, from, 8);
    return u;
  }
};

}  // namespace tfm::inline TFM_ABI
