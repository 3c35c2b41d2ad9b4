// Products of quantised weights and int8 activations, lanes being output rows. Included once for each region that has int8 dot
// products of its own.

// Weights of one block of 32 of a panel (Int8: of all its columns), as dot products want them.
struct BlockQ8 {
  static constexpr bool minimum = false;
  static constexpr Index bytes = 512;
  static TFM_LANES I start(const int* from) { return start_signed(from); }
  template <int T, int P>
  static TFM_LANES void dot(IntSums<T, P>& sums, const std::byte* const* w, const signed char* a, Index row) {
    constexpr int groups = IntSums<T, P>::groups;
    TFM_UNROLL
    for (int g = 0; g < 8; g += groups) {
      Bytes weights[groups][P];
      TFM_UNROLL
      for (int i = 0; i < groups; ++i) {
        TFM_UNROLL
        for (int p = 0; p < P; ++p) weights[i][p] = signed_weights(load_bytes(w[p] + 64 * (g + i)));
      }
      sums.template add<true>(weights, a + 4 * g, row);
    }
  }
};
template <bool Minimum>
struct BlockQ4 {
  static constexpr bool minimum = Minimum;
  static constexpr Index bytes = 256;
  static TFM_LANES I start(const int* from) { return set_int(Minimum ? 0 : *from); }
  template <int T, int P>
  static TFM_LANES void dot(IntSums<T, P>& sums, const std::byte* const* w, const signed char* a, Index row) {
    constexpr int groups = IntSums<T, P>::groups;
    TFM_UNROLL
    for (int g = 0; g < 4; g += groups) {
      Bytes low[groups][P], high[groups][P];
      TFM_UNROLL
      for (int i = 0; i < groups; ++i) {
        TFM_UNROLL
        for (int p = 0; p < P; ++p) {
          const Bytes both = load_bytes(w[p] + 64 * (g + i));
          low[i][p] = low_nibbles(both), high[i][p] = high_nibbles(both);
        }
      }
      sums.template add<false>(low, a + 4 * g, row);
      sums.template add<false>(high, a + 16 + 4 * g, row);
    }
  }
};

// Asks for a line of the caches; any address will do.
TFM_LANES void prefetch(const std::byte* p) { __builtin_prefetch(p, 0, 3); }
inline constexpr Index blocks_ahead = 4;

// sum = fma(integer sum, fl(weight scale x activation scale), sum), then the minimum's part, blocks upwards.
template <class B, int T, int P>
inline void block_tile(const Panels& w, Index panel, const Quantised& x, Index token, float* y, Index y_row, Index last) {
  const Index blocks = x.blocks, size = panel_bytes(w.format, w.cols), header = panel_header_bytes(w.format, w.cols);
  const std::byte* const base = w.data + panel * size;
  F sum[T][P];
  TFM_UNROLL
  for (int t = 0; t < T; ++t) {
    TFM_UNROLL
    for (int p = 0; p < P; ++p) sum[t][p] = x.added ? load_some(y + t * y_row + 16 * p, p == P - 1 ? last : 16) : zero();
  }
  for (Index b = 0; b < blocks; ++b) {
    const std::byte* weights[P];
    TFM_UNROLL
    for (int p = 0; p < P; ++p) weights[p] = base + p * size + header + b * B::bytes;
    if constexpr (T == 1 && B::bytes < 512) {  // decoding: blocks that are this quick leave no time for what is not in the caches yet
      TFM_UNROLL
      for (int p = 0; p < P; ++p) {
        TFM_UNROLL
        for (Index i = 0; i < B::bytes; i += 64) prefetch(weights[p] + blocks_ahead * B::bytes + i);
        prefetch(base + p * size + 32 * (b + 2 * blocks_ahead));
      }
    }
    IntSums<T, P> ints;
    TFM_UNROLL
    for (int t = 0; t < T; ++t) {
      const I start = B::start(x.starts + (token + t) * blocks + b);
      TFM_UNROLL
      for (int p = 0; p < P; ++p) ints.start(t, p, start);
    }
    B::template dot<T, P>(ints, weights, x.q + token * x.cols + 32 * b, x.cols);
    TFM_UNROLL
    for (int p = 0; p < P; ++p) {
      const std::byte* const at = base + p * size;
      const F scale = load_f16(at + 32 * b);
      TFM_UNROLL
      for (int t = 0; t < T; ++t) {
        const Index i = (token + t) * blocks + b;
        sum[t][p] = fma(to_float(ints.of(t, p)), mul(scale, set(x.scales[i])), sum[t][p]);
        if constexpr (B::minimum) sum[t][p] = fma(load_f16(at + 32 * (blocks + b)), set(x.scaled_sums[i]), sum[t][p]);
        hold(sum[t][p]);
      }
    }
  }
  TFM_UNROLL
  for (int t = 0; t < T; ++t) {
    TFM_UNROLL
    for (int p = 0; p < P; ++p) store_some(y + t * y_row + 16 * p, sum[t][p], p == P - 1 ? last : 16);
  }
}

// Int8: one integer sum over all of k (below 2^31 up to 130,000 columns), y = sum x fl(weight scale x activation scale).
template <class, int T, int P>
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

struct BlockTiles {
  template <class B, int T, int P>
  static TFM_LANES void run(const Panels& w, Index p, const Quantised& x, Index t, float* y, Index y_row, Index last) { block_tile<B, T, P>(w, p, x, t, y, y_row, last); }
};
struct RowTiles {
  template <class B, int T, int P>
  static TFM_LANES void run(const Panels& w, Index p, const Quantised& x, Index t, float* y, Index y_row, Index last) { row_tile<B, T, P>(w, p, x, t, y, y_row, last); }
};

// Panels first .. first + count for all tokens.
template <class Tiles, class B>
inline void quantised_panels(const Panels& w, Index first, Index count, const Quantised& x, Index tokens, float* y, Index y_row) {
  const auto lanes = [&](Index last_panel) { return w.rows - 16 * last_panel < 16 ? w.rows - 16 * last_panel : 16; };
  Index p = first;
  const Index end = first + count;
  if (tokens == 1) {
    if constexpr (one_token_panels > 1)
      for (; p + one_token_panels <= end; p += one_token_panels)
        Tiles::template run<B, 1, one_token_panels>(w, p, x, 0, y + 16 * p, y_row, lanes(p + one_token_panels - 1));
    if constexpr (one_token_panels > 2)
      for (; p + 2 <= end; p += 2) Tiles::template run<B, 1, 2>(w, p, x, 0, y + 16 * p, y_row, lanes(p + 1));
    for (; p < end; ++p) Tiles::template run<B, 1, 1>(w, p, x, 0, y + 16 * p, y_row, lanes(p));
    return;
  }
  constexpr int wide = tile_panels > 1 ? 2 : 1;
  for (; p < end; p += wide) {
    const bool pair = wide == 2 && p + 2 <= end;
    Index t = 0;
    for (; t + int8_tile_tokens <= tokens; t += int8_tile_tokens) {
      if (pair) Tiles::template run<B, int8_tile_tokens, wide>(w, p, x, t, y + t * y_row + 16 * p, y_row, lanes(p + wide - 1));
      else Tiles::template run<B, int8_tile_tokens, 1>(w, p, x, t, y + t * y_row + 16 * p, y_row, lanes(p));
    }
    for (; t < tokens; ++t) {
      if (pair) Tiles::template run<B, 1, wide>(w, p, x, t, y + t * y_row + 16 * p, y_row, lanes(p + wide - 1));
      else Tiles::template run<B, 1, 1>(w, p, x, t, y + t * y_row + 16 * p, y_row, lanes(p));
    }
  }
}

inline void fast_panels(const Panels& w, Index first, Index count, const Quantised& x, Index tokens, float* y, Index y_row) {
  switch (w.format) {
    case Format::q8_0: return quantised_panels<BlockTiles, BlockQ8>(w, first, count, x, tokens, y, y_row);
    case Format::q4_0: return quantised_panels<BlockTiles, BlockQ4<false>>(w, first, count, x, tokens, y, y_row);
    case Format::q4_1: return quantised_panels<BlockTiles, BlockQ4<true>>(w, first, count, x, tokens, y, y_row);
    case Format::int8: return quantised_panels<RowTiles, BlockQ8>(w, first, count, x, tokens, y, y_row);
    default: return;
  }
}

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

// Panels first .. first + count of one product.
inline void int8_chunk(Context&, const MatmulTask& a, Index first, Index count) {
  fast_panels(a.w, first, count, a.quantised, a.tokens, a.y, a.w.rows);
  if (a.quantised.outliers != nullptr) add_outliers(a, first, count);
  if (a.rest.q != nullptr) fast_panels(a.w, first, count, a.rest, a.tokens, a.y, a.w.rows);
}
