#pragma once
// Q4_K: superblocks of 256 along a row (k_blocks.hpp) with levels of four bits; of each 64 values the first 32 are the low halves of 32
// bytes (ggml's).
#include "tfm/numeric/formats/k_blocks.hpp"

namespace tfm::inline TFM_ABI {

template <>
struct FormatTraits<Format::q4_k> : KBlocks<Format::q4_k, 144, 4, 15> {
  static constexpr const char* name = "Q4_K";
  static constexpr int gguf = 12;

  static void spread(const std::byte* block, std::byte* head, std::byte* levels) noexcept {
    spread_head(block, head);
    for (Index i = 0; i < 128; i += 32) detail::exchange_nibbles(block + levels_at + i, block + levels_at + i + 16, levels + i, levels + i + 16);
  }
  static void join(const std::byte* head, const std::byte* levels, std::byte* block) noexcept {
    join_head(head, block);
    for (Index i = 0; i < 128; i += 32) detail::exchange_nibbles(levels + i, levels + i + 16, block + levels_at + i, block + levels_at + i + 16);
  }
  static int level(const BlockWords& words, Index k) noexcept { return words.nibble(k); }
  static void set_level(std::byte* levels, Index k, int level) noexcept { levels[k % 16] |= static_cast<std::byte>(level << (k < 16 ? 0 : 4)); }
};

}  // namespace tfm::inline TFM_ABI
