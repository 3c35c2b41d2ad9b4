// The gradient of an Int8 weight's input as products of int8, lanes being columns. Included once for each region that has int8 dot
// products of its own.

// W[from .. from + rows, k .. k + n), n at most 64, rows a multiple of 16: for each sixteen columns a panel [rows / 4][16 columns][4 rows],
// backward_rows x 16 bytes after the one before. What is turned of missing columns nobody reads.
inline void turn_int8(const Panels& w, Index k, Index n, Index from, Index rows, std::byte* panels) {
  const Index size = panel_bytes(w.format, w.cols), header = panel_header_bytes(w.format, w.cols), groups = (n + 15) / 16, there = (n + 3) / 4;
  for (Index r = 0; r < rows; r += 16) {
    const std::byte* const base = w.data + (from + r) / 16 * size + header + k / 4 * 64;
    for (Index g = 0; g < groups; ++g) {
      const std::byte* fours[4];
      for (Index i = 0; i < 4; ++i) fours[i] = base + (4 * g + i < there ? 4 * g + i : 0) * 64;
      turn_bytes(fours, panels + (g * backward_rows + r) * 16);
    }
  }
}

// dx[t][16 p ..] += the product of T tokens with P panels of turn_int8.
struct Int8BackwardTile {
  const std::byte* w;
  QuantisedGradient dy;  // from the first token and the panels' first output row on
  Index rows;            // a multiple of 16, at most backward_rows
  float* dx;
  Index dx_row, last;    // the last panel's valid lanes
};

// A group's sum is exact (below 2^24); dx = fma(sum, scale, dx), groups upwards.
template <int T, int P>
inline void int8_backward_tile(const Int8BackwardTile& a) {
  for (Index from = 0, g = 0; from < a.rows; from += gradient_group, ++g) {
    const Index fours = (a.rows - from < gradient_group ? a.rows - from : gradient_group) / 4;
    const std::byte* const w = a.w + 16 * from;
    const signed char* const q = a.dy.q + from;
    IntSums<T, P> sums;
    TFM_UNROLL
    for (int t = 0; t < T; ++t) {
      const I start = start_signed(a.dy.starts + t * a.dy.groups + g);
      TFM_UNROLL
      for (int p = 0; p < P; ++p) sums.start(t, p, start);
    }
    constexpr int step = IntSums<T, P>::groups;
    for (Index i = 0; i < fours; i += step) {
      Bytes weights[step][P];
      TFM_UNROLL
      for (int j = 0; j < step; ++j) {
        TFM_UNROLL
        for (int p = 0; p < P; ++p) weights[j][p] = load_bytes(w + p * backward_rows * 16 + 64 * (i + j));
      }
      sums.template add<true>(weights, q + 4 * i, a.dy.q_row);
    }
    TFM_UNROLL
    for (int t = 0; t < T; ++t) {
      const F scale = set(a.dy.scales[t * a.dy.groups + g]);
      TFM_UNROLL
      for (int p = 0; p < P; ++p) {
        float* const dx = a.dx + t * a.dx_row + 16 * p;
        const Index n = p == P - 1 ? a.last : 16;
        store_some(dx, fma(to_float(sums.of(t, p)), scale, load_some(dx, n)), n);
      }
    }
  }
}

template <int P>
inline void int8_backward_tokens(Int8BackwardTile a, Index tokens) {
  const auto advance = [&](Index n) {
    a.dy.q += n * a.dy.q_row, a.dy.scales += n * a.dy.groups, a.dy.starts += n * a.dy.groups;
    a.dx += n * a.dx_row;
  };
  Index t = 0;
  for (; t + int8_tile_tokens <= tokens; t += int8_tile_tokens, advance(int8_tile_tokens)) int8_backward_tile<int8_tile_tokens, P>(a);
  if constexpr (int8_tile_tokens > 1)
    for (; t < tokens; ++t, advance(1)) int8_backward_tile<1, P>(a);
}

// dx[:, k .. k + n) += dy W[:, k .. k + n), n at most 64. scratch holds backward_rows x 64 bytes.
inline void int8_backward_chunk(Context&, const BackwardTask& a, Index k, Index n, std::byte* scratch) {
  const Index padded = (a.w.rows + 15) / 16 * 16, last = n - (n - 1) / 16 * 16;
  for (Index from = 0; from < padded; from += backward_rows) {
    const Index rows = padded - from < backward_rows ? padded - from : backward_rows;
    turn_int8(a.w, k, n, from, rows, scratch);
    Int8BackwardTile tile{scratch, a.quantised, rows, a.dx + k, a.w.cols, last};
    tile.dy.q += from, tile.dy.scales += from / gradient_group, tile.dy.starts += from / gradient_group;
    for (Index left = (n + 15) / 16; left > 0;) {
      const Index panels = left >= tile_panels ? tile_panels : 1;
      tile.last = left == panels ? last : 16;
      if (panels == tile_panels) int8_backward_tokens<tile_panels>(tile, a.tokens);
      else int8_backward_tokens<1>(tile, a.tokens);
      tile.w += panels * backward_rows * 16, tile.dx += panels * 16;
      left -= panels;
    }
  }
}
