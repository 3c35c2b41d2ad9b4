// What pack_panel.hpp declares.

namespace tfm::inline TFM_ABI {

TFM_INLINE void pack_panel(Format format, const std::byte* const* rows, Index count, Index cols, const float* scales, std::byte* panel) noexcept {
  std::memset(panel, 0, to_size(count < panel_rows ? panel_bytes(format, cols) : panel_header_bytes(format, cols)));
  switch (format) {
#define TFM_FORMAT(format, ...) case Format::format: return FormatTraits<Format::format>::pack(rows, count, cols, scales, panel);
    TFM_FORMATS(TFM_FORMAT)
#undef TFM_FORMAT
    default: return;
  }
}

}  // namespace tfm::inline TFM_ABI
