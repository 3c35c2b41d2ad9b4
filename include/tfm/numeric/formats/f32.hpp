#pragma once
// F32: IEEE binary32.
//
//   panel: [k][16 rows] float
#include "tfm/numeric/bytes.hpp"
#include "tfm/numeric/gather.hpp"

namespace tfm::inline TFM_ABI {

template <>
struct FormatTraits<Format::f32> : FormatDefaults<Format::f32> {
  static constexpr const char *name = "F32", *torch = "float32";
  static constexpr int gguf = 0;
  static constexpr bool safetensors = true;
  static constexpr Index block = 1, block_bytes = 4, cached = 4;
  static constexpr Activations activations = Activations::floats;

  static void dequantise(const std::byte* bytes, Index cols, float, float* row) noexcept {
    std::memcpy(row, bytes, to_size(cols) * sizeof(float));
  }
  static float quantise(const float* row, Index cols, std::byte* bytes) noexcept {
    std::memcpy(bytes, row, to_size(cols) * sizeof(float));
    return 1;
  }

  static constexpr Index header_bytes(Index) noexcept { return 0; }
  static constexpr Index panel_bytes(Index cols) noexcept { return cols * panel_rows * 4; }
  static void pack(const std::byte* const* rows, Index count, Index cols, const float*, std::byte* panel) noexcept {
    detail::gather_row_words(rows, count, 4 * cols, panel);
  }
  static float unpack(const std::byte* panel, Index cols, Index r, std::byte* bytes) noexcept {
    for (Index k = 0; k < cols; ++k) std::memcpy(bytes + 4 * k, panel + (k * panel_rows + r) * 4, 4);
    return 1;
  }
  static float value_at(const std::byte* panel, Index, Index r, Index k) noexcept {
    float value;
    std::memcpy(&value, panel + (k * panel_rows + r) * 4, 4);
    return value;
  }
};

}  // namespace tfm::inline TFM_ABI
