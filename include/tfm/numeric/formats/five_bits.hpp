#pragma once
// Levels of five bits in panels: 16 bytes of nibbles, then a word whose byte j has the highest bits of levels j, j + 4, j + 8 …, upwards.
#include "tfm/numeric/formats/spread_blocks.hpp"

namespace tfm::inline TFM_ABI::detail {

inline constexpr std::uint32_t ones = 0x01010101;
inline std::uint32_t four(const std::byte* from) noexcept {
  std::uint32_t u;
  std::memcpy(&u, from, 4);
  return u;
}
/// Of 32 bytes bit `part` of each, as K-quants have the highest bits of 32 values, to such a word, and back into bytes that are 0 there.
inline void spread_bits(const std::byte* file, Index part, std::byte* word) noexcept {
  std::uint32_t bits = 0;
  for (Index k = 0; k < activation_block; k += 4) bits |= (four(file + k) >> part & ones) << k / 4;
  std::memcpy(word, &bits, 4);
}
inline void join_bits(const std::byte* word, Index part, std::byte* file) noexcept {
  for (Index k = 0; k < activation_block; k += 4) {
    const std::uint32_t bits = four(file + k) | (four(word) >> k / 4 & ones) << part;
    std::memcpy(file + k, &bits, 4);
  }
}
inline int five_bits(const BlockWords& words, Index k) noexcept { return words.nibble(k) | (words.byte(16 + k % 4) >> k / 4 & 1) << 4; }
inline void set_five_bits(std::byte* levels, Index k, int level) noexcept {
  levels[k % 16] |= static_cast<std::byte>((level & 15) << (k < 16 ? 0 : 4));
  levels[16 + k % 4] |= static_cast<std::byte>(level >> 4 << k / 4);
}

/// Blocks of 32 as Q5_0 and Q5_1 have them: `Halves` binary16 numbers, 4 bytes of which bit k is the highest of level k, then 16 of nibbles.
template <Format F, Index Halves>
struct FiveBitBlocks : SpreadBlocks<F, activation_block, 2 * Halves + 20, Halves, 0, 5> {
  using Base = SpreadBlocks<F, activation_block, 2 * Halves + 20, Halves, 0, 5>;

  static void spread(const std::byte* block, std::byte* head, std::byte* levels) noexcept {
    std::memcpy(head, block, 2 * Halves), std::memcpy(levels, block + Base::head + 4, 16);
    const std::uint32_t high = four(block + Base::head);
    std::uint32_t bits = 0;
    for (Index k = 0; k < activation_block; ++k) bits |= (high >> k & 1) << (k % 4 * 8 + k / 4);
    std::memcpy(levels + 16, &bits, 4);
  }
  static void join(const std::byte* head, const std::byte* levels, std::byte* block) noexcept {
    std::memcpy(block, head, 2 * Halves), std::memcpy(block + Base::head + 4, levels, 16);
    const std::uint32_t bits = four(levels + 16);
    std::uint32_t high = 0;
    for (Index k = 0; k < activation_block; ++k) high |= (bits >> (k % 4 * 8 + k / 4) & 1) << k;
    std::memcpy(block + Base::head, &high, 4);
  }
};

}  // namespace tfm::inline TFM_ABI::detail
