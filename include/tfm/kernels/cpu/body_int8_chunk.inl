// Products of int8 activations with weights of any format that wants them. Included once for each region that has int8 dot products of its
// own, after the formats.

template <Format Own>
inline void fast_panels_of(const Panels& w, Index first, Index count, const Quantised& x, Index tokens, float* y, Index y_row) {
  if constexpr (requires { typename FormatLanes<Own>::Tiles; })
    quantised_panels<typename FormatLanes<Own>::Tiles>(w, first, count, x, tokens, y, y_row);
}
template <Format Own>
inline Expander expander_of() {
  if constexpr (requires { FormatLanes<Own>::expander; }) return FormatLanes<Own>::expander;
  else return nullptr;
}
inline Expander expander_of(Format format) {
  switch (format) {
#define TFM_FORMAT(format, ...) case Format::format: return expander_of<Format::format>();
    TFM_FORMATS(TFM_FORMAT)
#undef TFM_FORMAT
    default: return nullptr;
  }
}
[[gnu::noinline]] inline void fast_panels(const Panels& w, Index first, Index count, const Quantised& x, Index tokens, float* y, Index y_row) {
  switch (w.format) {
#define TFM_FORMAT(format, ...) case Format::format: return fast_panels_of<Format::format>(w, first, count, x, tokens, y, y_row);
    TFM_FORMATS(TFM_FORMAT)
#undef TFM_FORMAT
    default: return;
  }
}

// Panels first .. first + count of one product.
inline void int8_chunk(Context&, const MatmulTask& a, Index first, Index count) {
  fast_panels(a.w, first, count, a.quantised, a.tokens, a.y, a.w.rows);
  if (a.quantised.outliers != nullptr) add_outliers(a, first, count);
  if (a.rest.q != nullptr) fast_panels(a.w, first, count, a.rest, a.tokens, a.y, a.w.rows);
}
