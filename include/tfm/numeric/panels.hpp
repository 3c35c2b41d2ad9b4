#pragma once
// The packed layout of frozen weights: panels of sixteen output rows, interleaved, so that a product loads sixteen rows'
// weights as one vector, broadcasts the activation, and never sums across a register. One layout serves decoding,
// prefill and backward. Each format's file in numeric/formats/ says what its panels are.
//
// The last panel's missing rows are 0. A panel's parts begin at multiples of 64 bytes.
#include "tfm/numeric/rows.hpp"

namespace tfm::inline TFM_ABI {

/// Of what the formats' files say of panels, and of the numbers that quantising gives: raised with either of them, so that panels
/// which were kept in a file are packed anew.
inline constexpr std::uint32_t panel_layout = 1;

/// Bytes of a panel's scales (and minima), which come first.
constexpr Index panel_header_bytes(Format format, Index cols) noexcept {
  switch (format) {
#define TFM_FORMAT(format, ...) case Format::format: return FormatTraits<Format::format>::header_bytes(cols);
    TFM_FORMATS(TFM_FORMAT)
#undef TFM_FORMAT
    default: return 0;
  }
}

/// Bytes of one panel of `cols` columns.
constexpr Index panel_bytes(Format format, Index cols) noexcept {
  switch (format) {
#define TFM_FORMAT(format, ...) case Format::format: return FormatTraits<Format::format>::panel_bytes(cols);
    TFM_FORMATS(TFM_FORMAT)
#undef TFM_FORMAT
    default: return 0;
  }
}

/// Bytes of a packed weight [rows, cols].
constexpr Index packed_bytes(Format format, Index rows, Index cols) noexcept {
  return ceil_div(rows, panel_rows) * panel_bytes(format, cols);
}

/// Packed panels as kernels see them. Owns nothing.
struct Panels {
  const std::byte* data{};
  Index rows{}, cols{};
  Format format{};

  constexpr Index count() const noexcept { return ceil_div(rows, panel_rows); }
  constexpr const std::byte* panel(Index p) const noexcept { return data + p * panel_bytes(format, cols); }
};

/// One row in the layout that files have, as pack_panel() took it. Returns the row's scale (1 but for Int8).
float unpack_row(Panels w, Index row, std::byte* out) noexcept;

/// Value (row, k), dequantised.
float value_at(Panels w, Index row, Index k) noexcept;

/// All values of a row.
void row_values(Panels w, Index row, float* out) noexcept;

}  // namespace tfm::inline TFM_ABI

#if defined(TFM_DEFINITIONS)
#include "tfm/numeric/panels.inl"
#endif
