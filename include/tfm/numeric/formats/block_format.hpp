#pragma once
// What formats of blocks share: rows block by block, and the panels of those whose blocks are 32 values behind one or two binary16 numbers.
#include "tfm/numeric/bytes.hpp"
#include "tfm/numeric/gather.hpp"

namespace tfm::inline TFM_ABI {

/// Rows of blocks, by the format's levels() and quantise_block(x, block).
template <Format F>
struct BlockRows : FormatDefaults<F> {
  using Traits = FormatTraits<F>;
  static constexpr Activations activations = Activations::blocks;

  static void dequantise(const std::byte* bytes, Index cols, float, float* row) noexcept {
    for (Index at = 0; at < cols; at += Traits::block, bytes += Traits::block_bytes)
      for (Index part = 0; part < Traits::block / activation_block; ++part) {
        const BlockLevels own = Traits::levels(bytes, part);
        float* const out = row + at + part * activation_block;
        for (Index k = 0; k < activation_block; ++k) {
          out[k] = own.of_half(k) * static_cast<float>(own.level[k]);  // exact, so that a contracted multiply-add gives the same bits
          if constexpr (Traits::minimum) out[k] += own.minimum;
        }
      }
  }
  static float quantise(const float* row, Index cols, std::byte* bytes) noexcept {
    for (Index b = 0; b < cols / Traits::block; ++b) Traits::quantise_block(row + b * Traits::block, bytes + b * Traits::block_bytes);
    return 1;
  }
};

/// Blocks of 32 values in a file: `Halves` binary16 numbers, then `Bytes` of levels.
///
///   panel: [halves][block][16 rows] binary16, filled up to 64 bytes, then [block][Bytes / 4][16 rows][4 bytes]
template <Format F, Index Halves, Index Bytes>
struct BlocksOf32 : BlockRows<F> {
  static constexpr Index block = 32, head = 2 * Halves, block_bytes = head + Bytes;

  static constexpr Index header_bytes(Index cols) noexcept { return round_up(ceil_div(cols, block) * panel_rows * head, 64); }
  static constexpr Index panel_bytes(Index cols) noexcept { return header_bytes(cols) + round_up(cols, 4) * panel_rows * Bytes / block; }
  /// From a panel's beginning to half number `which` of a block of row r, and to byte i of its levels.
  static constexpr Index half_offset(Index cols, Index r, Index b, Index which = 0) noexcept {
    return ((which * (cols / block) + b) * panel_rows + r) * 2;
  }
  static constexpr Index level_offset(Index cols, Index r, Index b, Index i) noexcept {
    return header_bytes(cols) + (b * Bytes + i / 4 * 4) * panel_rows + r * 4 + i % 4;
  }

  static void pack(const std::byte* const* rows, Index count, Index cols, const float*, std::byte* panel) noexcept {
    const Index blocks = cols / block;
    for (Index which = 0; which < Halves; ++which)
      for (Index b = 0; b < blocks; ++b)
        detail::gather<2>(rows, count, b * block_bytes + 2 * which, panel + half_offset(cols, 0, b, which));
    detail::gather_blocks(rows, count, blocks, block_bytes, head, Bytes / 4, panel + header_bytes(cols));
  }
  static float unpack(const std::byte* panel, Index cols, Index r, std::byte* bytes) noexcept {
    for (Index b = 0; b < cols / block; ++b, bytes += block_bytes) {
      for (Index which = 0; which < Halves; ++which) std::memcpy(bytes + 2 * which, panel + half_offset(cols, r, b, which), 2);
      for (Index i = 0; i < Bytes; i += 4) std::memcpy(bytes + head + i, panel + level_offset(cols, r, b, i), 4);
    }
    return 1;
  }

 protected:
  /// Level k where two share a byte: k below 16 are the low halves, the others the high ones.
  static constexpr int nibble(const std::byte* bytes, Index k) noexcept { return half_of(bytes[k % 16], k); }
  static int nibble_at(const std::byte* panel, Index cols, Index r, Index k) noexcept {
    return half_of(panel[level_offset(cols, r, k / block, k % 16)], k % block);
  }
  static float half_at(const std::byte* panel, Index cols, Index r, Index k, Index which = 0) noexcept {
    return detail::read_f16(panel + half_offset(cols, r, k / block, which));
  }

 private:
  static constexpr int half_of(std::byte both, Index k) noexcept {
    return k < 16 ? std::to_integer<int>(both) & 15 : std::to_integer<int>(both) >> 4;
  }
};

}  // namespace tfm::inline TFM_ABI
