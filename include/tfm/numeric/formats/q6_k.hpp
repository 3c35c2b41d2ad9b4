#pragma once
// Q6_K: superblocks of 256 along a row: 128 bytes of the levels' low four bits, 64 of their high two, 16 int8 S, one for each 16 values, and
// a binary16 d; value = d S (level - 32) (ggml's).
#include "tfm/numeric/formats/sixteens.hpp"

namespace tfm::inline TFM_ABI {

// A part's first 16 bytes in panels are nibbles, the eight behind them high bits.
template <>
struct FormatTraits<Format::q6_k> : SixteensBlocks<Format::q6_k, 210, 6, -128, -32> {
  static constexpr const char* name = "Q6_K";
  static constexpr int gguf = 14;
  static constexpr Index high_at = 128, scales_at = 192, d_at = 208;

  static void spread(const std::byte* block, std::byte* head, std::byte* levels) noexcept {
    std::memcpy(head, block + d_at, 2), std::memcpy(head + 2, block + scales_at, groups);
    for (Index c = 0; c < 2; ++c) {
      std::byte* const own = levels + 4 * c * part_bytes;
      for (Index r = 0; r < 2; ++r) {
        const std::byte* const low = block + 64 * c + 32 * r;
        detail::exchange_nibbles(low, low + 16, own + r * part_bytes, own + (r + 2) * part_bytes);
      }
      spread_pairs(block + high_at + 32 * c, own + 16);
    }
  }
  static void join(const std::byte* head, const std::byte* levels, std::byte* block) noexcept {
    std::memcpy(block + d_at, head, 2), std::memcpy(block + scales_at, head + 2, groups);
    for (Index c = 0; c < 2; ++c) {
      const std::byte* const own = levels + 4 * c * part_bytes;
      for (Index r = 0; r < 2; ++r) {
        std::byte* const low = block + 64 * c + 32 * r;
        detail::exchange_nibbles(own + r * part_bytes, own + (r + 2) * part_bytes, low, low + 16);
      }
      join_pairs(own + 16, block + high_at + 32 * c);
    }
  }
  static int level(const BlockWords& words, Index k) noexcept { return (words.nibble(k) | (words.byte(16 + k % 8) >> k / 8 * 2 & 3) << 4) - 32; }
  static void set_level(std::byte* levels, Index k, int level) noexcept {
    levels[k % 16] |= static_cast<std::byte>((level & 15) << (k < 16 ? 0 : 4));
    levels[16 + k % 8] |= static_cast<std::byte>(level >> 4 << k / 8 * 2);
  }
};

}  // namespace tfm::inline TFM_ABI
