#pragma once
// Q5_K: superblocks of 256 along a row (k_blocks.hpp) with levels of five bits: 32 bytes of which bit g of byte i is the highest of level i of
// the 32 values g, then the other four as in Q4_K (ggml's).
#include "tfm/numeric/formats/five_bits.hpp"
#include "tfm/numeric/formats/k_blocks.hpp"

namespace tfm::inline TFM_ABI {

template <>
struct FormatTraits<Format::q5_k> : KBlocks<Format::q5_k, 176, 5, 31> {
  static constexpr const char* name = "Q5_K";
  static constexpr int gguf = 13;
  static constexpr Index high_at = levels_at, low_at = levels_at + 32;

  static void spread(const std::byte* block, std::byte* head, std::byte* levels) noexcept {
    spread_head(block, head);
    for (Index g = 0; g < groups; g += 2)
      detail::exchange_nibbles(block + low_at + 16 * g, block + low_at + 16 * g + 16, levels + g * part_bytes, levels + (g + 1) * part_bytes);
    for (Index g = 0; g < groups; ++g) detail::spread_bits(block + high_at, g, levels + g * part_bytes + 16);
  }
  static void join(const std::byte* head, const std::byte* levels, std::byte* block) noexcept {
    join_head(head, block);
    for (Index g = 0; g < groups; g += 2)
      detail::exchange_nibbles(levels + g * part_bytes, levels + (g + 1) * part_bytes, block + low_at + 16 * g, block + low_at + 16 * g + 16);
    std::memset(block + high_at, 0, 32);
    for (Index g = 0; g < groups; ++g) detail::join_bits(levels + g * part_bytes + 16, g, block + high_at);
  }
  static int level(const BlockWords& words, Index k) noexcept { return detail::five_bits(words, k); }
  static void set_level(std::byte* levels, Index k, int level) noexcept { detail::set_five_bits(levels, k, level); }
};

}  // namespace tfm::inline TFM_ABI
