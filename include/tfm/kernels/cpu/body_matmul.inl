// Matrix products over sixteen lanes, lanes being output rows. Included once for each region. Every output has one sum,
// and k runs upwards: the bits do not depend on tiles, chunks, threads or neighbours.
//
// A tile is T tokens by P panels: T x P sums stay in registers, weights are loaded once for T tokens, an activation is a
// broadcast. To keep multiply-add units busy T x P should reach latency (4) times units (2).

// Where float weights come from: at(panel, k, stride) gives sixteen weights for k. A stride is used by plain floats alone.
struct PlainF32 {
  static TFM_LANES F at(const std::byte* w, Index k, Index stride) { return load(reinterpret_cast<const float*>(w) + k * stride); }
};
struct PanelF16 {
  static TFM_LANES F at(const std::byte* w, Index k, Index) { return load_f16(w + k * 32); }
};
struct PanelBF16 {
  static TFM_LANES F at(const std::byte* w, Index k, Index) { return k % 2 == 0 ? even_bf16(w + k * 32) : odd_bf16(w + (k - 1) * 32); }
};

// y[t][16 p ..] (+)= sum over k of x[t x_row + k x_k] w_p(k). The last panel has `last` valid lanes.
struct FloatTile {
  const std::byte* w;
  Index panel_bytes, stride;
  const float* x;
  Index x_row, x_k, k_count;
  float* y;
  Index y_row, last;
  bool accumulate;
};

template <class R, int T, int P>
inline void float_tile(const FloatTile& a) {
  F sum[T][P];
  TFM_UNROLL
  for (int t = 0; t < T; ++t) {
    TFM_UNROLL
    for (int p = 0; p < P; ++p) {
      const Index n = p == P - 1 ? a.last : 16;
      sum[t][p] = a.accumulate ? load_some(a.y + t * a.y_row + 16 * p, n) : zero();
    }
  }
  for (Index k = 0; k < a.k_count; ++k) {
    F w[P];
    TFM_UNROLL
    for (int p = 0; p < P; ++p) w[p] = R::at(a.w + p * a.panel_bytes, k, a.stride);
    TFM_UNROLL
    for (int t = 0; t < T; ++t) {
      const F x = set(a.x[t * a.x_row + k * a.x_k]);
      TFM_UNROLL
      for (int p = 0; p < P; ++p) {
        sum[t][p] = fma(x, w[p], sum[t][p]);
        hold(sum[t][p]);
      }
    }
  }
  TFM_UNROLL
  for (int t = 0; t < T; ++t) {
    TFM_UNROLL
    for (int p = 0; p < P; ++p) store_some(a.y + t * a.y_row + 16 * p, sum[t][p], p == P - 1 ? a.last : 16);
  }
}

// All tokens of a tile call, in steps of T.
template <class R, int T, int P>
inline void float_tokens(FloatTile a, Index tokens) {
  while (tokens >= T) {
    float_tile<R, T, P>(a);
    a.x += T * a.x_row;
    a.y += T * a.y_row;
    tokens -= T;
  }
  if constexpr (T > 1) {
    if (tokens > 0) float_tokens<R, (T > 2 ? 2 : 1), P>(a, tokens);
  }
}

// One to four panels for any number of tokens. With one token several panels go in step: memory wants several streams.
template <class R>
inline void float_panels(FloatTile a, Index panels, Index tokens) {
  const auto advance = [&](Index p) {
    a.w += p * a.panel_bytes;
    a.y += 16 * p;
    panels -= p;
  };
  const Index last = a.last;
  while (panels > 0) {
    constexpr Index wide = tile_panels > 1 ? tile_panels : 4;
    if (tokens < 2 || tile_panels > 1) {
      while (panels >= wide) {
        a.last = panels == wide ? last : 16;
        if (tokens < 2) float_tokens<R, 1, wide>(a, tokens);
        else float_tokens<R, tile_tokens, tile_panels>(a, tokens);
        advance(wide);
      }
      if (panels == 0) return;
    }
    a.last = panels == 1 ? last : 16;
    if (tokens < 2) float_tokens<R, 1, 1>(a, tokens);
    else float_tokens<R, tile_tokens, 1>(a, tokens);
    advance(1);
  }
}

// ---- quantised weights with int8 activations

// Weights of one block of 32 of a panel (Int8: of all its columns), as dot products want them.
struct BlockQ8 {
  static constexpr bool minimum = false;
  static constexpr Index bytes = 512;
  static TFM_LANES I start(int sum) { return start_signed(sum); }
  template <int T>
  static TFM_LANES void dot(I* sums, const std::byte* w, const signed char* const* a) {
    TFM_UNROLL
    for (int g = 0; g < 8; ++g) {
      const Bytes weights = signed_weights(load_bytes(w + 64 * g));
      TFM_UNROLL
      for (int t = 0; t < T; ++t) sums[t] = dot_signed(sums[t], weights, broadcast4(a[t] + 4 * g));
    }
  }
};
template <bool Minimum>
struct BlockQ4 {
  static constexpr bool minimum = Minimum;
  static constexpr Index bytes = 256;
  static TFM_LANES I start(int sum) { return set_int(Minimum ? 0 : -8 * sum); }
  template <int T>
  static TFM_LANES void dot(I* sums, const std::byte* w, const signed char* const* a) {
    TFM_UNROLL
    for (int g = 0; g < 4; ++g) {
      const Bytes both = load_bytes(w + 64 * g), low = low_nibbles(both), high = high_nibbles(both);
      TFM_UNROLL
      for (int t = 0; t < T; ++t)
        sums[t] = dot_unsigned(dot_unsigned(sums[t], low, broadcast4(a[t] + 4 * g)), high, broadcast4(a[t] + 16 + 4 * g));
    }
  }
};

// sum = fma(integer sum, fl(weight scale x activation scale), sum), then the minimum's part, blocks upwards.
template <class B, int T, int P>
inline void block_tile(const Panels& w, Index panel, const Quantised& x, Index token, float* y, Index y_row, Index last) {
  const Index blocks = x.blocks, size = panel_bytes(w.format, w.cols), header = panel_header_bytes(w.format, w.cols);
  const std::byte* const base = w.data + panel * size;
  F sum[T][P];
  TFM_UNROLL
  for (int t = 0; t < T; ++t) {
    TFM_UNROLL
    for (int p = 0; p < P; ++p) sum[t][p] = zero();
  }
  for (Index b = 0; b < blocks; ++b) {
    const signed char* a[T];
    TFM_UNROLL
    for (int t = 0; t < T; ++t) a[t] = x.q + (token + t) * x.cols + 32 * b;
    TFM_UNROLL
    for (int p = 0; p < P; ++p) {
      const std::byte* const at = base + p * size;
      I ints[T];
      TFM_UNROLL
      for (int t = 0; t < T; ++t) ints[t] = B::start(x.sums[(token + t) * blocks + b]);
      B::template dot<T>(ints, at + header + b * B::bytes, a);
      const F scale = load_f16(at + 32 * b);
      TFM_UNROLL
      for (int t = 0; t < T; ++t) {
        const Index i = (token + t) * blocks + b;
        sum[t][p] = fma(to_float(ints[t]), mul(scale, set(x.scales[i])), sum[t][p]);
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
  I sum[T][P];
  TFM_UNROLL
  for (int t = 0; t < T; ++t) {
    TFM_UNROLL
    for (int p = 0; p < P; ++p) sum[t][p] = start_signed(x.sums[token + t]);
  }
  for (Index g = 0; g < (w.cols + 3) / 4; ++g) {
    Bytes bytes[P];
    TFM_UNROLL
    for (int p = 0; p < P; ++p) bytes[p] = signed_weights(load_bytes(base + p * size + 64 + 64 * g));
    TFM_UNROLL
    for (int t = 0; t < T; ++t) {
      const Bytes a = broadcast4(x.q + (token + t) * x.cols + 4 * g);
      TFM_UNROLL
      for (int p = 0; p < P; ++p) {
        sum[t][p] = dot_signed(sum[t][p], bytes[p], a);
        hold(sum[t][p]);
      }
    }
  }
  TFM_UNROLL
  for (int p = 0; p < P; ++p) {
    const F scale = load(reinterpret_cast<const float*>(base + p * size));
    TFM_UNROLL
    for (int t = 0; t < T; ++t)
      store_some(y + t * y_row + 16 * p, mul(to_float(sum[t][p]), mul(scale, set(x.scales[token + t]))), p == P - 1 ? last : 16);
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
    for (; p + 4 <= end; p += 4) Tiles::template run<B, 1, 4>(w, p, x, 0, y + 16 * p, y_row, lanes(p + 3));
    for (; p < end; ++p) Tiles::template run<B, 1, 1>(w, p, x, 0, y + 16 * p, y_row, lanes(p));
    return;
  }
  constexpr int wide = tile_panels > 1 ? 2 : 1;
  for (; p < end; p += wide) {
    const bool pair = wide == 2 && p + 2 <= end;
    Index t = 0;
    for (; t + tile_tokens <= tokens; t += tile_tokens) {
      if (pair) Tiles::template run<B, tile_tokens, wide>(w, p, x, t, y + t * y_row + 16 * p, y_row, lanes(p + wide - 1));
      else Tiles::template run<B, tile_tokens, 1>(w, p, x, t, y + t * y_row + 16 * p, y_row, lanes(p));
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

// ---- panels to floats

// out[k - from][16] = the panel's sixteen weights for k in from .. to, as value_at() gives them.
inline void expand_panel(const Panels& w, Index panel, Index from, Index to, float* out) {
  const std::byte* const base = w.data + panel * panel_bytes(w.format, w.cols);
  const std::byte* const values = base + panel_header_bytes(w.format, w.cols);
  for (Index k = from; k < to; ++k, out += 16) {
    const Index b = k / 32, blocks = w.cols / 32, in_block = k % 32;
    switch (w.format) {
      case Format::f32: store(out, PlainF32::at(base, k, 16)); break;
      case Format::f16: store(out, PanelF16::at(base, k, 0)); break;
      case Format::bf16: store(out, PanelBF16::at(base, k, 0)); break;
      case Format::int8: store(out, mul(byte_of_4(values + k / 4 * 64, static_cast<int>(k % 4)), load(reinterpret_cast<const float*>(base)))); break;
      case Format::q8_0: store(out, mul(byte_of_4(values + k / 4 * 64, static_cast<int>(k % 4)), load_f16(base + 32 * b))); break;
      case Format::q4_0:
      case Format::q4_1: {
        const F level = nibble_of_8(values + b * 256 + in_block % 16 / 4 * 64, static_cast<int>(in_block % 4 + (in_block < 16 ? 0 : 4)));
        if (w.format == Format::q4_0) store(out, mul(sub(level, set(8.f)), load_f16(base + 32 * b)));
        else store(out, fma(level, load_f16(base + 32 * b), load_f16(base + 32 * (blocks + b))));  // the product is exact
        break;
      }
    }
  }
}
