// Int8 over lanes: one integer sum over all of a row, and what LLM.int8() keeps in floating point.

// Int8: one integer sum over all of k (below 2^31 up to 130,000 columns), y = sum x fl(weight scale x activation scale).
template <int T, int P>
inline void row_tile(const Panels& w, Index panel, const Quantised& x, Index token, float* y, Index y_row, Index last) {
  const Index size = panel_bytes(w.format, w.cols);
  const std::byte* const base = w.data + panel * size;
  IntSums<T, P> sums;
  TFM_UNROLL
  for (int t = 0; t < T; ++t) {
    TFM_UNROLL
    for (int p = 0; p < P; ++p) sums.start(t, p, start_signed(x.starts + token + t));
  }
  constexpr int step = IntSums<T, P>::groups;
  const signed char* const a = x.q + token * x.cols;
  const Index groups = (w.cols + 3) / 4;
  const auto add = [&](Index g, int count) __attribute__((always_inline)) {
    Bytes bytes[step][P];
    TFM_UNROLL
    for (int i = 0; i < step; ++i) {
      TFM_UNROLL
      for (int p = 0; p < P; ++p) bytes[i][p] = i < count ? signed_weights(load_bytes(base + p * size + 64 + 64 * (g + i))) : Bytes{};
    }
    sums.template add<true>(bytes, a + 4 * g, x.cols);
  };
  Index g = 0;
  for (; g + step <= groups; g += step) add(g, step);
  if (step > 1 && g < groups) add(g, 1);  // what the others multiply is 0: rows of x are whole registers
  TFM_UNROLL
  for (int p = 0; p < P; ++p) {
    const F scale = load(reinterpret_cast<const float*>(base + p * size));
    TFM_UNROLL
    for (int t = 0; t < T; ++t)
      store_some(y + t * y_row + 16 * p, mul(to_float(sums.of(t, p)), mul(scale, set(x.scales[token + t]))), p == P - 1 ? last : 16);
  }
}

template <int P>
struct RunRows {
  const Panels& w;
  Index p;
  const Quantised& x;
  float* y;
  Index y_row, last;

  template <int T>
  TFM_LANES void run(Index t) const { row_tile<T, P>(w, p, x, t, y + t * y_row, y_row, last); }
};
struct RowTiles {
  template <int P, bool Many>
  static void run(const Panels& w, Index p, const Quantised& x, Index tokens, float* y, Index y_row, Index last) {
    in_tiles<(Many ? int8_tile_tokens : 1)>(0, tokens, RunRows<P>{w, p, x, y, y_row, last});
  }
};

// y += x_k w_k for the columns k that token t keeps in floating point, upwards: P panels are so many chains of sums.
template <int P>
inline void outlier_tile(const MatmulTask& a, Index panel, Index t, Index last) {
  const Quantised& x = a.quantised;
  const Index size = panel_bytes(a.w.format, a.w.cols);
  const std::byte* const base = a.w.data + panel * size;
  float* const y = a.y + t * a.w.rows + 16 * panel;
  F sum[P], scale[P];
  TFM_UNROLL
  for (int p = 0; p < P; ++p) {
    sum[p] = load_some(y + 16 * p, p == P - 1 ? last : 16);
    scale[p] = load(reinterpret_cast<const float*>(base + p * size));
  }
  for (Index i = 0; i < x.words; ++i)
    for (std::uint64_t bits = x.outliers[t * x.words + i]; bits != 0; bits &= bits - 1) {
      const Index k = 64 * i + __builtin_ctzll(bits);
      const F value = set(a.x[t * a.w.cols + k]);
      TFM_UNROLL
      for (int p = 0; p < P; ++p) {
        sum[p] = fma(value, mul(byte_of_4(base + p * size + 64 + k / 4 * 64, static_cast<int>(k % 4)), scale[p]), sum[p]);
        hold(sum[p]);
      }
    }
  TFM_UNROLL
  for (int p = 0; p < P; ++p) store_some(y + 16 * p, sum[p], p == P - 1 ? last : 16);
}

inline void add_outliers(const MatmulTask& a, Index first, Index count) {
  const auto lanes = [&](Index last_panel) { return a.w.rows - 16 * last_panel < 16 ? a.w.rows - 16 * last_panel : 16; };
  const auto by_tokens = [&](auto tile) {
    for (Index t = 0; t < a.tokens; ++t)
      if (a.quantised.outlier_counts[t] > 0) tile(t);
  };
  Index p = first;
  const Index end = first + count;
  if constexpr (one_token_panels > 1) {
    for (; p + one_token_panels <= end; p += one_token_panels)
      by_tokens([&](Index t) { outlier_tile<one_token_panels>(a, p, t, lanes(p + one_token_panels - 1)); });
    for (; p + 2 <= end; p += 2) by_tokens([&](Index t) { outlier_tile<2>(a, p, t, lanes(p + 1)); });
  }
  for (; p < end; ++p) by_tokens([&](Index t) { outlier_tile<1>(a, p, t, lanes(p)); });
}

template <>
struct FormatLanes<Format::int8> {
  using Tiles = RowTiles;

  static void expand(const std::byte* panel, Index cols, Index from, Index to, float* out) {
    const std::byte* const values = panel + FormatTraits<Format::int8>::header_bytes(cols);
    const F scale = load(reinterpret_cast<const float*>(panel));
    expand_fours(from, to, out, [&](Index k, int j) { return mul(byte_of_4(values + k / 4 * 64, j), scale); });
  }
};
