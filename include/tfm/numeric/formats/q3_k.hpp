#pragma once
// Q3_K: superblocks of 256 along a row: 32 bytes of the levels' highest bits, bit g of byte i being that of level i of the 32 values g, 64
// bytes of their low two, 12 of sixteen S of six bits, a binary16 d; value = d (S - 32) (level - 4) (ggml's).
#include "tfm/numeric/formats/five_bits.hpp"
#include "tfm/numeric/formats/sixteens.hpp"

namespace tfm::inline TFM_ABI {

// A part's first eight bytes in panels are the low bits, the four behind them the highest.
template <>
struct FormatTraits<Format::q3_k> : SixteensBlocks<Format::q3_k, 110, 3, -32, -4> {
  static constexpr const char* name = "Q3_K";
  static constexpr int gguf = 11;
  static constexpr Index low_at = 32, scales_at = 96, d_at = 108;

  static void spread(const std::byte* block, std::byte* head, std::byte* levels) noexcept {
    std::memcpy(head, block + d_at, 2);
    for (int g = 0; g < groups; ++g) {
      const int low = std::to_integer<int>(block[scales_at + g % 8]) >> g / 8 * 4 & 15;
      const int high = std::to_integer<int>(block[scales_at + 8 + g % 4]) >> g / 4 * 2 & 3;
      head[2 + g] = static_cast<std::byte>((low | high << 4) - 32);
    }
    for (Index c = 0; c < 2; ++c) spread_pairs(block + low_at + 32 * c, levels + 4 * c * part_bytes);
    for (Index p = 0; p < parts; ++p) detail::spread_bits(block, p, levels + p * part_bytes + 8);
  }
  static void join(const std::byte* head, const std::byte* levels, std::byte* block) noexcept {
    std::memset(block, 0, block_bytes), std::memcpy(block + d_at, head, 2);
    for (int g = 0; g < groups; ++g) {
      const int scale = detail::read_i8(head + 2 + g) + 32;
      block[scales_at + g % 8] |= static_cast<std::byte>((scale & 15) << g / 8 * 4);
      block[scales_at + 8 + g % 4] |= static_cast<std::byte>(scale >> 4 << g / 4 * 2);
    }
    for (Index c = 0; c < 2; ++c) join_pairs(levels + 4 * c * part_bytes, block + low_at + 32 * c);
    for (Index p = 0; p < parts; ++p) detail::join_bits(levels + p * part_bytes + 8, p, block);
  }
  static int level(const BlockWords& words, Index k) noexcept {
    return ((words.byte(k % 8) >> k / 8 * 2 & 3) | (words.byte(8 + k % 4) >> k / 4 & 1) << 2) - 4;
  }
  static void set_level(std::byte* levels, Index k, int level) noexcept {
    levels[k % 8] |= static_cast<std::byte>((level & 3) << k / 8 * 2);
    levels[8 + k % 4] |= static_cast<std::byte>(level >> 2 << k / 4);
  }
};

}  // namespace tfm::inline TFM_ABI
