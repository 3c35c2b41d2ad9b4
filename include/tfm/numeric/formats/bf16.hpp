#pragma once
// BF16: bfloat16, the upper half of a binary32.
//
//   panel: [k / 2][16 rows][2 k] bfloat16, an odd last column filled up with 0
#include "tfm/numeric/bytes.hpp"
#include "tfm/numeric/gather.hpp"

namespace tfm::inline TFM_ABI {

template <>
struct FormatTraits<Format::bf16> : FormatDefaults<Format::bf16> {
  static constexpr const char *name = "BF16", *torch = "bfloat16";
  static constexpr int gguf = 30;
  static constexpr bool safetensors = true;
  static constexpr Index block = 1, block_bytes = 2;
  static constexpr Activations activations = Activations::floats;

  static void dequantise(const std::byte* bytes, Index cols, float, float* row) noexcept {
    for (Index k = 0; k < cols; ++k) row[k] = f32_from_bf16(detail::read_u16(bytes + 2 * k));
  }
  static float quantise(const float* row, Index cols, std::byte* bytes) noexcept {
    for (Index k = 0; k < cols; ++k) detail::write_u16(bytes + 2 * k, bf16_from_f32(row[k]));
    return 1;
  }

  static constexpr Index header_bytes(Index) noexcept { return 0; }
  static constexpr Index panel_bytes(Index cols) noexcept { return round_up(cols, 2) * panel_rows * 2; }
  static constexpr Index offset(Index r, Index k) noexcept { return (k / 2 * panel_rows + r) * 4 + k % 2 * 2; }
  static void pack(const std::byte* const* rows, Index count, Index cols, const float*, std::byte* panel) noexcept {
    detail::gather_row_words(rows, count, 2 * cols, panel);
  }
  static float unpack(const std::byte* panel, Index cols, Index r, std::byte* bytes) noexcept {
    for (Index k = 0; k < cols; ++k) std::memcpy(bytes + 2 * k, panel + offset(r, k), 2);
    return 1;
  }
  static float value_at(const std::byte* panel, Index, Index r, Index k) noexcept {
    return f32_from_bf16(detail::read_u16(panel + offset(r, k)));
  }
};

}  // namespace tfm::inline TFM_ABI
