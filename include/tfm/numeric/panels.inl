// What panels.hpp declares.

namespace tfm::inline TFM_ABI {

TFM_INLINE float unpack_row(Panels w, Index row, std::byte* out) noexcept {
  const std::byte* const panel = w.panel(row / panel_rows);
  switch (w.format) {
#define TFM_FORMAT(format, ...) case Format::format: return FormatTraits<Format::format>::unpack(panel, w.cols, row % panel_rows, out);
    TFM_FORMATS(TFM_FORMAT)
#undef TFM_FORMAT
    default: return 1;
  }
}

TFM_INLINE float value_at(Panels w, Index row, Index k) noexcept {
  const std::byte* const panel = w.panel(row / panel_rows);
  switch (w.format) {
#define TFM_FORMAT(format, ...) case Format::format: return FormatTraits<Format::format>::value_at(panel, w.cols, row % panel_rows, k);
    TFM_FORMATS(TFM_FORMAT)
#undef TFM_FORMAT
    default: return 0;
  }
}

TFM_INLINE void row_values(Panels w, Index row, float* out) noexcept {
  for (Index k = 0; k < w.cols; ++k) out[k] = value_at(w, row, k);
}

}  // namespace tfm::inline TFM_ABI
