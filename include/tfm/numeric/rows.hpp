#pragma once
// One row of numbers in the layout that files have, to float32 and back, in plain loops: the reference for every kernel.
#include "tfm/numeric/format_table.hpp"

namespace tfm::inline TFM_ABI {

/// row[0 .. cols) from a file's bytes. `scale` is the row's, where has_row_scales().
void dequantise_row(Format format, const std::byte* bytes, Index cols, float scale, float* row) noexcept;

/// The other way: nearest values, scales as ggml chooses them. Gives the row's scale where has_row_scales(), otherwise 1. Values
/// must be finite.
float quantise_row(Format format, const float* row, Index cols, std::byte* bytes) noexcept;

}  // namespace tfm::inline TFM_ABI

#if defined(TFM_DEFINITIONS)
#include "tfm/numeric/rows.inl"
#endif
