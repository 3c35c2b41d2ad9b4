// What rows.hpp declares.

namespace tfm::inline TFM_ABI {

TFM_INLINE void dequantise_row(Format format, const std::byte* bytes, Index cols, float scale, float* row) noexcept {
  switch (format) {
#define TFM_FORMAT(format, ...) case Format::format: return FormatTraits<Format::format>::dequantise(bytes, cols, scale, row);
    TFM_FORMATS(TFM_FORMAT)
#undef TFM_FORMAT
    default: return;
  }
}

TFM_INLINE float quantise_row(Format format, const float* row, Index cols, std::byte* bytes) noexcept {
  switch (format) {
#define TFM_FORMAT(format, ...) case Format::format: return FormatTraits<Format::format>::quantise(row, cols, bytes);
    TFM_FORMATS(TFM_FORMAT)
#undef TFM_FORMAT
    default: return 1;
  }
}

}  // namespace tfm::inline TFM_ABI
