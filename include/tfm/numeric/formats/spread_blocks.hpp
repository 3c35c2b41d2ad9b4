#pragma once
// Panels of formats whose blocks are taken apart when they are packed: what belongs to 32 values stands together then, wherever a file
// has its bits.
#include "tfm/numeric/formats/block_format.hpp"

namespace tfm::inline TFM_ABI {

/// What a block has beside its levels: binary16 numbers, then small integers, `apart` bytes from one of them to the next.
struct BlockHead {
  const std::byte *halves, *numbers;
  Index apart;

  float half(Index i) const noexcept { return detail::read_f16(halves + 2 * apart * i); }
  int number(Index i) const noexcept { return std::to_integer<int>(numbers[apart * i]); }
  int signed_number(Index i) const noexcept { return detail::read_i8(numbers + apart * i); }
};

/// Bytes of the levels of activation_block values, in words of four that lie `apart` bytes from each other.
struct BlockWords {
  const std::byte* words;
  Index apart;

  int byte(Index i) const noexcept { return std::to_integer<int>(words[i / 4 * apart + i % 4]); }
  /// Level k where bytes 0 .. 15 hold two: k below 16 are the low halves.
  int nibble(Index k) const noexcept { return byte(k % 16) >> (k < 16 ? 0 : 4) & 15; }
};

/// `Block` values in `Bytes` bytes of a file, which become `Halves` binary16 numbers, `Numbers` bytes, and for each activation_block of
/// them `Words` words of levels. The format has
///
///   spread(block, head, levels)   a file's block apart: head [2 Halves + Numbers], levels [part][4 Words]
///   join(head, levels, block)     the exact inverse
///   scale_of(head, part)          BlockScale of the values `part`
///   level(words, k)               level k of them
///
///   panel: [block]([Halves][16 rows] binary16, [Numbers][16 rows] bytes), filled up to 64 bytes, then [block][part][Words][16 rows][4 bytes]
template <Format F, Index Block, Index Bytes, Index Halves, Index Numbers, Index Words>
struct SpreadBlocks : BlockRows<F> {
  using Traits = FormatTraits<F>;
  static constexpr Index block = Block, block_bytes = Bytes, parts = Block / activation_block;
  static constexpr Index head = 2 * Halves + Numbers, words = Words, part_bytes = 4 * Words, numbers_at = 2 * Halves * panel_rows;

  static constexpr Index header_bytes(Index cols) noexcept { return round_up(cols / block * head * panel_rows, 64); }
  static constexpr Index panel_bytes(Index cols) noexcept { return header_bytes(cols) + cols / activation_block * part_bytes * panel_rows; }

  static void pack(const std::byte* const* rows, Index count, Index cols, const float*, std::byte* panel) noexcept {
    std::byte heads[panel_rows][head], levels[panel_rows][parts * part_bytes];
    const std::byte *of_heads[panel_rows], *of_levels[panel_rows];
    for (Index r = 0; r < count; ++r) of_heads[r] = heads[r], of_levels[r] = levels[r];
    std::byte *to_head = panel, *to_levels = panel + header_bytes(cols);
    for (Index b = 0; b < cols / block; ++b, to_head += head * panel_rows, to_levels += parts * part_bytes * panel_rows) {
      for (Index r = 0; r < count; ++r) Traits::spread(rows[r] + b * block_bytes, heads[r], levels[r]);
      for (Index i = 0; i < Halves; ++i) detail::gather<2>(of_heads, count, 2 * i, to_head + 2 * i * panel_rows);
      for (Index i = 2 * Halves; i < head; ++i) detail::gather<1>(of_heads, count, i, to_head + i * panel_rows);
      detail::gather_words(of_levels, count, 0, parts * words, to_levels);
    }
  }
  static float unpack(const std::byte* panel, Index cols, Index r, std::byte* bytes) noexcept {
    for (Index b = 0; b < cols / block; ++b, bytes += block_bytes) {
      std::byte own[head], levels[parts * part_bytes];
      const std::byte* const from = panel + b * head * panel_rows;
      for (Index i = 0; i < Halves; ++i) std::memcpy(own + 2 * i, from + 2 * (i * panel_rows + r), 2);
      for (Index i = 2 * Halves; i < head; ++i) own[i] = from[i * panel_rows + r];
      for (Index w = 0; w < parts * words; ++w) std::memcpy(levels + 4 * w, words_of(panel, cols, r, b * parts) + 4 * panel_rows * w, 4);
      Traits::join(own, levels, bytes);
    }
    return 1;
  }
  static BlockLevels levels(const std::byte* bytes, Index part) noexcept {
    std::byte own[head], spread[parts * part_bytes];
    Traits::spread(bytes, own, spread);
    BlockLevels found{Traits::scale_of({own, own + 2 * Halves, 1}, part)};
    for (Index k = 0; k < activation_block; ++k) found.level[k] = Traits::level({spread + part * part_bytes, 4}, k);
    return found;
  }
  static float value_at(const std::byte* panel, Index cols, Index r, Index k) noexcept {
    const std::byte* const own = panel + k / block * head * panel_rows;
    const BlockScale scale = Traits::scale_of({own + 2 * r, own + numbers_at + r, panel_rows}, k % block / activation_block);
    const Index in_part = k % activation_block;
    const int level = Traits::level({words_of(panel, cols, r, k / activation_block), 4 * panel_rows}, in_part);
    const float product = scale.of_half(in_part) * static_cast<float>(level);  // exact
    if constexpr (Traits::minimum) return product + scale.minimum;
    else return product;
  }

 private:
  static constexpr const std::byte* words_of(const std::byte* panel, Index cols, Index r, Index part) noexcept {
    return panel + header_bytes(cols) + part * part_bytes * panel_rows + 4 * r;
  }
};

namespace detail {

/// low[i] has the low halves of a[i] and b[i], high[i] the high ones, for i below 16; it is its own inverse.
inline void exchange_nibbles(const std::byte* a, const std::byte* b, std::byte* low, std::byte* high) noexcept {
  for (Index i = 0; i < 16; i += 8) {
    std::uint64_t x, y;
    std::memcpy(&x, a + i, 8), std::memcpy(&y, b + i, 8);
    constexpr std::uint64_t halves = 0x0f0f0f0f0f0f0f0f;
    const std::uint64_t both_low = (x & halves) | (y & halves) << 4, both_high = (x >> 4 & halves) | (y & ~halves);
    std::memcpy(low + i, &both_low, 8), std::memcpy(high + i, &both_high, 8);
  }
}

}  // namespace detail

}  // namespace tfm::inline TFM_ABI
