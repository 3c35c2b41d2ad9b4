#pragma once
// F16: IEEE binary16.
//
//   panel: [k][16 rows] binary16
#include "tfm/numeric/bytes.hpp"
#include "tfm/numeric/gather.hpp"

namespace tfm::inline TFM_ABI {

template <>
struct FormatTraits<Format::f16> : FormatDefaults<Format::f16> {
  static constexpr const char *name = "F16", *torch = "float16";
  static constexpr int gguf = 1;
  static constexpr bool safetensors = true;
  static constexpr Index block = 1, block_bytes = 2, cached = 2;
  static constexpr Activations activations = Activations::floats;

  static void dequantise(const std::byte* bytes, Index cols, float, float* row) noexcept {
    for (Index k = 0; k < cols; ++k) row[k] = detail::read_f16(bytes + 2 * k);
  }
  static float quantise(const float* row, Index cols, std::byte* bytes) noexcept {
    for (Index k = 0; k < cols; ++k) detail::write_u16(bytes + 2 * k, f16_from_f32(row[k]));
    return 1;
  }

  static constexpr Index header_bytes(Index) noexcept { return 0; }
  static constexpr Index panel_bytes(Index cols) noexcept { return round_up(cols * panel_rows * 2, 64); }
  static void pack(const std::byte* const* rows, Index count, Index cols, const float*, std::byte* panel) noexcept {
    std::memset(panel + panel_bytes(cols) - 64, 0, 64);
    detail::gather_halves(rows, count, cols, panel);
  }
  static float unpack(const std::byte* panel, Index cols, Index r, std::byte* bytes) noexcept {
    for (Index k = 0; k < cols; ++k) std::memcpy(bytes + 2 * k, panel + (k * panel_rows + r) * 2, 2);
    return 1;
  }
  static float value_at(const std::byte* panel, Index, Index r, Index k) noexcept {
    return detail::read_f16(panel + (k * panel_rows + r) * 2);
  }
};

}  // namespace tfm::inline TFM_ABI
