// Matrix products over sixteen lanes, lanes being output rows. Included once for each region. Every output has one sum,
// and k runs upwards: the bits do not depend on tiles, chunks, threads or neighbours.
//
// A tile is T tokens by P panels: T x P sums stay in registers, weights are loaded once for T tokens, an activation is a
// broadcast. To keep multiply-add units busy T x P should reach latency (4) times units (2).

// Where float weights come from: at(panel, k, stride) gives sixteen weights for k. A stride is used by plain floats alone.
struct PlainF32 {
  static TFM_LANES F at(const std::byte* w, Index k, Index stride) { return load(reinterpret_cast<const float*>(w) + k * stride); }
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

// A tile of enough steps asks for the sums of the tile after it, which that one would wait for.
template <int T, int P, class Tile>
TFM_LANES void ask_for_next_sums(const Tile& a, Index steps) {
  if (!a.accumulate || steps < 64) return;
  for (int t = T; t < 2 * T; ++t)
    for (int p = 0; p < P; ++p) __builtin_prefetch(a.y + t * a.y_row + 16 * p, 1);
}

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
  ask_for_next_sums<T, P>(a, a.k_count);
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
    constexpr bool few = requires { R::few_rows; } && P == tile_panels;  // a tile for three and for four: each costs a compiler's second
    constexpr int next = few ? (T > 4 ? 4 : T - 1) : T > 2 ? 2 : 1;
    if (tokens > 0) float_tokens<R, next, P>(a, tokens);
  }
}

// Panels for any number of tokens, or, unless Many, for one. With one token several panels go in step.
template <class R, bool Many = true>
inline void float_panels(FloatTile a, Index panels, Index tokens) {
  const auto advance = [&](Index p) {
    a.w += p * a.panel_bytes;
    a.y += 16 * p;
    panels -= p;
  };
  const Index last = a.last;
  while (panels > 0) {
    constexpr Index wide = tile_panels > 1 ? tile_panels : one_token_panels;
    if (wide > 1 && (tokens < 2 || tile_panels > 1)) {
      while (panels >= wide) {
        a.last = panels == wide ? last : 16;
        if (!Many || tokens < 2) float_tokens<R, 1, wide>(a, tokens);
        else float_tokens<R, Many ? tile_tokens : 1, Many ? tile_panels : wide>(a, tokens);
        advance(wide);
      }
      if (panels == 0) return;
    }
    if constexpr (Many && tile_panels > 2)
      if (tokens > 1 && panels >= 2) {
        a.last = panels == 2 ? last : 16;
        float_tokens<R, tile_tokens, 2>(a, tokens);
        advance(2);
        continue;
      }
    a.last = panels == 1 ? last : 16;
    if (!Many || tokens < 2) float_tokens<R, 1, 1>(a, tokens);
    else float_tokens<R, Many ? tile_tokens : 1, 1>(a, tokens);
    advance(1);
  }
}

// ---- panels to floats

// Stores at(k, k % 4) for k from .. to, four at a time, so that the second is known where it shifts bytes.
template <class At>
inline float* expand_fours(Index from, Index to, float* out, At at) {
  Index k = from;
  for (; k + 4 <= to; k += 4, out += 64) {
    TFM_UNROLL
    for (int j = 0; j < 4; ++j) store(out + 16 * j, at(k + j, j));
  }
  for (int j = 0; k < to; ++k, ++j, out += 16) store(out, at(k, j));
  return out;
}

// body(block, k, end) for the blocks of Block columns, or parts of them, in from .. to.
template <Index Block, class Body>
inline void by_blocks(Index from, Index to, Body body) {
  for (Index k = from; k < to;) {
    const Index b = k / Block, end = Block * (b + 1) < to ? Block * (b + 1) : to;
    body(b, k, end);
    k = end;
  }
}
