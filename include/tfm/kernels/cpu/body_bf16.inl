// Products of bfloat16 weights and activations. Included in the region that has the instruction.

struct BF16Tile {
  const std::byte* w;          // panels [k / 2][16][2]
  Index panel_bytes;
  const unsigned short* x;     // rows of an even number of values
  Index x_row, pairs;
  float* y;
  Index y_row, last;
  bool accumulate;
};

template <int T, int P>
inline void bf16_tile(const BF16Tile& a) {
  F sum[T][P];
  TFM_UNROLL
  for (int t = 0; t < T; ++t) {
    TFM_UNROLL
    for (int p = 0; p < P; ++p) sum[t][p] = a.accumulate ? load_some(a.y + t * a.y_row + 16 * p, p == P - 1 ? a.last : 16) : zero();
  }
  ask_for_next_sums<T, P>(a, a.pairs);
  for (Index k = 0; k < a.pairs; ++k) {
    __m512i w[P];
    TFM_UNROLL
    for (int p = 0; p < P; ++p) w[p] = _mm512_loadu_si512(a.w + p * a.panel_bytes + 64 * k);
    TFM_UNROLL
    for (int t = 0; t < T; ++t) {
      int pair;
      __builtin_memcpy(&pair, a.x + t * a.x_row + 2 * k, 4);
      TFM_UNROLL
      for (int p = 0; p < P; ++p) {
        sum[t][p] = dot_pair(sum[t][p], w[p], _mm512_set1_epi32(pair));
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

// Tokens in tiles of T, and what is left in tiles of four, three, two; of a panel that stands alone, one by one.
template <int T, int P>
inline void bf16_tokens(BF16Tile a, Index tokens) {
  for (; tokens >= T; tokens -= T, a.x += T * a.x_row, a.y += T * a.y_row) bf16_tile<T, P>(a);
  if constexpr (T > 1)
    if (tokens > 0) bf16_tokens<(P == 1 ? 1 : T > 4 ? 4 : T - 1), P>(a, tokens);
}

inline void bf16_panels(BF16Tile a, Index panels, Index tokens) {
  const Index last = a.last;
  while (panels > 0) {
    const Index n = panels >= 4 ? 4 : 1;
    a.last = panels == n ? last : 16;
    if (n == 4) bf16_tokens<6, 4>(a, tokens);
    else bf16_tokens<6, 1>(a, tokens);
    a.w += n * a.panel_bytes;
    a.y += 16 * n;
    panels -= n;
  }
}

// A row as bfloat16, padded with 0 to an even number.
inline void to_bf16_row(const float* x, Index count, unsigned short* out) {
  Index k = 0;
  for (; k + 16 <= count; k += 16) _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + k), _mm512_cvtepi32_epi16(round_bf16(load(x + k))));
  for (; k < count; ++k) out[k] = bf16_from_f32(x[k]);
  if (count % 2 != 0) out[count] = 0;
}
inline void bf16_rows(Context&, View x, unsigned short* out) {
  for (Index t = 0; t < x.rows; ++t) to_bf16_row(x.row(t), x.cols, out + t * (x.cols + x.cols % 2));
}
// [k][16] floats to [k / 2][16][2] bfloat16; an odd last k is padded with 0.
inline void pair_bf16(const float* panel, Index k_count, unsigned short* out) {
  for (Index k = 0; k < k_count; k += 2) {
    const F odd = k + 1 < k_count ? load(panel + (k + 1) * 16) : zero();
    _mm512_storeu_si512(out + k * 16, _mm512_or_si512(round_bf16(load(panel + k * 16)), _mm512_slli_epi32(round_bf16(odd), 16)));
  }
}

// Panels first .. first + count of one product; scratch holds scratch_floats.
inline void bf16_chunk(Context&, const MatmulTask& a, Index first, Index count, float* scratch) {
  const Panels& w = a.w;
  const Index x_row = (w.cols + 1) / 2 * 2;
  for (Index p = first; p < first + count; p += 4) {
    const Index n = first + count - p < 4 ? first + count - p : 4, left = w.rows - 16 * (p + n - 1);
    BF16Tile tile{w.data + p * panel_bytes(w.format, w.cols), panel_bytes(w.format, w.cols), a.x_bf16, x_row, x_row / 2,
                  a.y + 16 * p, w.rows, left < 16 ? left : 16, a.added};
    if (a.row_major == nullptr && has_pairs_of_bf16(w.format)) {
      bf16_panels(tile, n, a.tokens);
      continue;
    }
    unsigned short* const pairs = reinterpret_cast<unsigned short*>(scratch + expand_floats);
    for (Index from = 0; from < w.cols; from += expand_k) {
      const Index to = from + expand_k < w.cols ? from + expand_k : w.cols;
      for (Index i = 0; i < n; ++i) {
        if (a.row_major != nullptr) pack_rows(a.row_major, w.rows, w.cols, p + i, from, to, scratch);
        else expand_panel(w, p + i, from, to, scratch);
        pair_bf16(scratch, to - from, pairs + i * expand_k * 16);
      }
      tile.w = reinterpret_cast<const std::byte*>(pairs);
      tile.panel_bytes = expand_k * 16 * 2;
      tile.x = a.x_bf16 + from;
      tile.pairs = (to - from + 1) / 2;
      tile.accumulate = a.added || from > 0;
      bf16_panels(tile, n, a.tokens);
    }
  }
}

// dx[:, k .. k + n) += dy W[:, k .. k + n), n at most 64, both as bfloat16. scratch holds backward_floats.
inline void bf16_backward_chunk(Context&, const BackwardTask& a, Index k, Index n, float* scratch) {
  const Index groups = (n + 15) / 16, dy_row = (a.w.rows + 1) / 2 * 2;
  alignas(64) float turned[64 * 16] = {};
  unsigned short* const pairs = reinterpret_cast<unsigned short*>(scratch + expand_floats);
  float* const sums = scratch + scratch_floats;
  sum_backward(a, k, n, sums, [&](Index first, Index count) {
    for (Index from = 0; from < a.w.rows; from += backward_rows) {
      const Index rows = a.w.rows - from < backward_rows ? a.w.rows - from : backward_rows;
      turn_weights(a, k, n, from, rows, turned, scratch);
      for (Index g = 0; g < groups; ++g) pair_bf16(scratch + g * backward_rows * 16, rows, pairs + g * backward_rows * 16);
      bf16_panels({reinterpret_cast<const std::byte*>(pairs), backward_rows * sixteen_halves, a.dy_bf16 + first * dy_row + from, dy_row, (rows + 1) / 2,
                   sums, 64, 16, true}, groups, count);
    }
  });
}
