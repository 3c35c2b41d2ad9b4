#pragma once
// One row of numbers in the layout that files have, to float32 and back, in plain loops: the reference for every kernel.
#include "tfm/numeric/format_table.hpp"

namespace tfm::inline TFM_ABI {

/// row[0 .. cols) from a file's bytes. `scale` is the row's, where has_row_scales().
inline void dequantise_row(Format format, const std::byte* bytes, Index cols, float scale, float* row) noexcept {
  switch (format) {
#define TFM_FORMAT(format, ...) case Format::format: return FormatTraits<Format::format>::dequantise(bytes, cols, scale, row);
    TFM_FORMATS(TFM_FORMAT)
#undef TFM_FORMAT
    default: return;
  }
}

/// The other way: nearest values, scales as ggml chooses them. Gives the row's scale where has_row_scales(), otherwise 1. Values
/// must be finite.
inline float quantise_row(Format format, const float* row, Index cols, std::byte* bytes) noexcept {
  switch (format) {
#define TFM_FORMAT(format, ...) case Format::format: return FormatTraits<Format::format>::quantise(row, cols, bytes);
    TFM_FORMATS(TFM_FORMAT)
#undef TFM_FORMAT
    default: return 1;
  }
}

}  // namespace tfm::inline TFM_ABI
