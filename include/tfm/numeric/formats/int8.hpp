#pragma once
// Int8: int8 with one float32 scale a row, absmax / 127: LLM.int8() (Dettmers et al. 2022, section 2). Files have the scales beside it.
//
//   panel: [16 scales f32] then [k / 4][16 rows][4 k] int8, columns filled up with 0 to a multiple of 4
#include "tfm/numeric/bytes.hpp"
#include "tfm/numeric/gather.hpp"

namespace tfm::inline TFM_ABI {

template <>
struct FormatTraits<Format::int8> : FormatDefaults<Format::int8> {
  static constexpr const char* name = "Int8";
  static constexpr Format stored_as = Format::i8;
  static constexpr Index block = 1, block_bytes = 1;
  static constexpr Activations activations = Activations::rows;

  static void dequantise(const std::byte* bytes, Index cols, float scale, float* row) noexcept {
    for (Index k = 0; k < cols; ++k) row[k] = static_cast<float>(detail::read_i8(bytes + k)) * scale;
  }
  static float quantise(const float* row, Index cols, std::byte* bytes) noexcept {
    const float largest = detail::absmax(row, cols), inverse = detail::int8_factor(largest);
    for (Index k = 0; k < cols; ++k) bytes[k] = static_cast<std::byte>(static_cast<std::int8_t>(std::nearbyint(row[k] * inverse)));
    return largest / 127.f;
  }

  static constexpr Index header_bytes(Index) noexcept { return panel_rows * 4; }
  static constexpr Index panel_bytes(Index cols) noexcept { return header_bytes(cols) + round_up(cols, 4) * panel_rows; }
  static constexpr Index offset(Index r, Index k) noexcept { return panel_rows * 4 + (k / 4 * panel_rows + r) * 4 + k % 4; }
  static float scale_of(const std::byte* panel, Index r) noexcept {
    float scale;
    std::memcpy(&scale, panel + 4 * r, 4);
    return scale;
  }
  static void pack(const std::byte* const* rows, Index count, Index cols, const float* scales, std::byte* panel) noexcept {
    std::memcpy(panel, scales, to_size(4 * count));
    detail::gather_row_words(rows, count, cols, panel + header_bytes(cols));
  }
  static float unpack(const std::byte* panel, Index cols, Index r, std::byte* bytes) noexcept {
    for (Index k = 0; k < cols; ++k) bytes[k] = panel[offset(r, k)];
    return scale_of(panel, r);
  }
  static float value_at(const std::byte* panel, Index, Index r, Index k) noexcept {
    return scale_of(panel, r) * static_cast<float>(detail::read_i8(panel + offset(r, k)));
  }
};

}  // namespace tfm::inline TFM_ABI
