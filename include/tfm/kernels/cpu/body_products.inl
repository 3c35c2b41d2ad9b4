// The chunks of matmul, matmul_backward and accumulate that one worker runs. Included once for each region.

// Rows p 16 .. of row-major floats to a panel [k][16], missing rows 0.
inline void pack_rows(const float* rows, Index row_count, Index cols, Index panel, Index from, Index to, float* out) {
  const float* const own = rows + 16 * panel * cols;
  const Index valid = row_count - 16 * panel;
  Index k = from;
  alignas(64) float rows_of[16 * 16] = {};  // where some are missing
  for (; k + 16 <= to; k += 16) {
    for (Index r = 0; r < valid && valid < 16; ++r) store(rows_of + 16 * r, load(own + r * cols + k));
    turn(valid < 16 ? rows_of : own + k, valid < 16 ? 16 : cols, out + (k - from) * 16, 16);
  }
  for (; k < to; ++k)
    for (Index r = 0; r < 16; ++r) out[(k - from) * 16 + r] = r < valid ? own[r * cols + k] : 0.f;
}

// out[k - from][16] = the panel's sixteen weights for k in from .. to, as value_at() gives them; from is a multiple of 4.
inline void expand_panel(const Panels& w, Index panel, Index from, Index to, float* out) {
  switch (w.format) {
#define TFM_FORMAT(format, ...) case Format::format: return FormatLanes<Format::format>::expand(w.panel(panel), w.cols, from, to, out);
    TFM_FORMATS(TFM_FORMAT)
#undef TFM_FORMAT
    default: return;
  }
}

// Multiplies panels of floats as they lie; false where they are to be expanded.
template <Format Own>
inline bool multiply_as_they_lie(const FloatTile& tile, Index panels, Index tokens) {
  if constexpr (requires { typename FormatLanes<Own>::Floats; }) {
    using Lanes = FormatLanes<Own>;
    if (Lanes::many_tokens || tokens == 1) {
      float_panels<typename Lanes::Floats, Lanes::many_tokens>(tile, panels, tokens);
      return true;
    }
  }
  return false;
}
inline bool multiply_as_they_lie(Format own, const FloatTile& tile, Index panels, Index tokens) {
  switch (own) {
#define TFM_FORMAT(format, ...) case Format::format: return multiply_as_they_lie<Format::format>(tile, panels, tokens);
    TFM_FORMATS(TFM_FORMAT)
#undef TFM_FORMAT
    default: return false;
  }
}

// Whether a format's panels are pairs of bfloat16, as the instruction for them reads.
inline bool has_pairs_of_bf16(Format own) {
  switch (own) {
#define TFM_FORMAT(format, ...) case Format::format: return pairs_of_bf16<Format::format>;
    TFM_FORMATS(TFM_FORMAT)
#undef TFM_FORMAT
    default: return false;
  }
}

// Panels first .. first + count of one product of float32 activations; scratch holds scratch_floats.
inline void matmul_chunk(Context&, const MatmulTask& a, Index first, Index count, float* scratch) {
  const Panels& w = a.w;
  const auto tile = [&](Index panel, Index n) {
    const Index left = w.rows - 16 * (panel + n - 1);
    return FloatTile{w.data + panel * panel_bytes(w.format, w.cols), panel_bytes(w.format, w.cols), 16, a.x, w.cols, 1, w.cols,
                     a.y + 16 * panel, w.rows, left < 16 ? left : 16, a.added};
  };
  if (a.row_major == nullptr && multiply_as_they_lie(w.format, tile(first, count), count, a.tokens)) return;
  for (Index p = first; p < first + count; p += 4) {
    const Index n = first + count - p < 4 ? first + count - p : 4;
    const Index columns = expand_k * (4 / n);  // few panels leave room for more: rows of x are then read in longer pieces
    for (Index from = 0; from < w.cols; from += columns) {
      const Index to = from + columns < w.cols ? from + columns : w.cols;
      for (Index i = 0; i < n; ++i) {
        float* const out = scratch + i * columns * 16;
        if (a.row_major != nullptr) pack_rows(a.row_major, w.rows, w.cols, p + i, from, to, out);
        else expand_panel(w, p + i, from, to, out);
      }
      FloatTile t = tile(p, n);
      t.w = reinterpret_cast<const std::byte*>(scratch);
      t.panel_bytes = columns * 16 * 4;
      t.x += from;
      t.k_count = to - from;
      t.accumulate = a.added || from > 0;
      float_panels<PlainF32>(t, n, a.tokens);
    }
  }
}

// W[from .. from + rows, k .. k + n), n at most 64, expanded and turned sixteen by sixteen: panels [backward_rows][16 k] of a product
// whose k is the output row. `turned` holds 64 x 16 floats; what is turned of missing columns and rows nobody reads.
inline void turn_weights(const BackwardTask& a, Index k, Index n, Index from, Index rows, float* turned, float* panels) {
  const Panels& w = a.w;
  const Index groups = (n + 15) / 16, last = n - 16 * (groups - 1);
  if (a.row_major != nullptr) {
    for (Index r = 0; r < rows; ++r)
      for (Index g = 0; g < groups; ++g)
        store(panels + (g * backward_rows + r) * 16, load_some(a.row_major + (from + r) * w.cols + k + 16 * g, g == groups - 1 ? last : 16));
    return;
  }
  for (Index r = 0; r < rows; r += 16) {
    expand_panel(w, (from + r) / 16, k, k + n, turned);
    for (Index g = 0; g < groups; ++g) turn(turned + g * 256, 16, panels + (g * backward_rows + r) * 16, 16);
  }
}

// Calls step(first token, count, [count][64] of dx[:, k .. k + n)) for all tokens, some at a time: sums that a walk over all output rows
// comes back to again and again lie together, for a power of two apart they would fall on the same lines of the cache.
template <class Step>
inline void sum_backward(const BackwardTask& a, Index k, Index n, float* sums, Step step) {
  for (Index t = 0; t < a.tokens; t += backward_tokens) {
    const Index count = a.tokens - t < backward_tokens ? a.tokens - t : backward_tokens;
    float* const dx = a.dx + t * a.w.cols + k;
    for (Index i = 0; i < count; ++i)
      by_lanes(n, [&](Index d, Index lanes) { store(sums + 64 * i + d, load_some(dx + i * a.w.cols + d, lanes)); });
    step(t, count);
    for (Index i = 0; i < count; ++i)
      by_lanes(n, [&](Index d, Index lanes) { store_some(dx + i * a.w.cols + d, load(sums + 64 * i + d), lanes); });
  }
}

// dx[:, k .. k + n) += dy W[:, k .. k + n), n at most 64. scratch holds backward_floats.
inline void backward_chunk(Context&, const BackwardTask& a, Index k, Index n, float* scratch) {
  const Index groups = (n + 15) / 16;
  float* const sums = scratch + scratch_floats;
  alignas(64) float turned[64 * 16] = {};
  sum_backward(a, k, n, sums, [&](Index first, Index count) {
    for (Index from = 0; from < a.w.rows; from += backward_rows) {
      const Index rows = a.w.rows - from < backward_rows ? a.w.rows - from : backward_rows;
      turn_weights(a, k, n, from, rows, turned, scratch);
      float_panels<PlainF32>({reinterpret_cast<const std::byte*>(scratch), backward_rows * 64, 16, a.dy + first * a.w.rows + from, a.w.rows, 1, rows,
                              sums, 64, 16, true}, groups, count);
    }
  });
}

// Panels first .. first + count of sixteen columns of x [tokens, in]: [token][16], missing columns 0.
inline void pack_columns(Context&, View x, Index first, Index count, float* panels) {
  for (Index t = 0; t < x.rows; ++t)
    for (Index p = first; p < first + count; ++p)
      store(panels + (p * x.rows + t) * 16, load_some(x.row(t) + 16 * p, x.cols - 16 * p < 16 ? x.cols - 16 * p : 16));
}

// dw[row .. row + n) += dy[:, row .. row + n)ᵀ x in panels first .. first + count of columns: tokens are the k of a product whose weights
// are x's columns. Long rows of dy are first brought together: a power of two apart they would fall on the same lines of the cache.
// n is at most accumulate_rows, scratch holds accumulate_floats.
inline void accumulate_chunk(Context&, const AccumulateTask& a, Index row, Index n, Index first, Index count, float* scratch) {
  const bool copies = a.out > short_row;
  const Index left = a.in - 16 * (first + count - 1), last = left < 16 ? left : 16;
  for (Index from = 0; from < a.tokens; from += accumulate_tokens) {
    const Index tokens = a.tokens - from < accumulate_tokens ? a.tokens - from : accumulate_tokens;
    const float* const dy = a.dy + from * a.out + row;
    if (copies)  // to [token][n]
      for (Index t = 0; t < tokens; ++t)
        by_lanes(n, [&](Index i, Index lanes) { store_some(scratch + t * n + i, load_some(dy + t * a.out + i, lanes), lanes); });
    float_panels<PlainF32>({reinterpret_cast<const std::byte*>(a.x + first * a.panel + from * a.stride), a.panel * 4, a.stride,
                            copies ? scratch : dy, 1, copies ? n : a.out, tokens, a.dw + row * a.in + 16 * first, a.in, last, true}, count, n);
  }
}
