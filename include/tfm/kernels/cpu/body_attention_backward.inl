// The gradient of attention, tile by tile: weights are computed again from the row's largest score and sum, so that no
// tokens x tokens matrix exists (Dao et al. 2022, arXiv:2205.14135, appendix B.2). Included once for each region.
//
//   P = softmax(S), S = scale Q Kᵀ, capped as c tanh(S / c); O = (P . M) V with dropout's factors M
//   dV += (P . M)ᵀ dO;  dP = (dO Vᵀ) . M;  dS = P . (dP - D), D = rowsum(dO . O);  dQ += scale dS K;  dK += scale dSᵀ Q,
//   where dS is 1 - (S / c)² times that of a cap
// Each gradient has one sum: over heads of the group, then queries, for keys; over keys for queries.

struct BackwardScratch {
  float *key_panels, *value_panels, *key_rows, *dk, *dv;          // of all keys
  float *q, *dout, *q_rows, *dout_rows, *dq, *weights, *dscores;  // of a tile of queries
};

// weights = P . M and dscores = scale dS of one block of keys, in place of scores and dO Vᵀ.
inline void softmax_backward(const AttentionHead& a, RandomKey head_key, Index block, Index panels, Index head, Index token, const Seen& seen, float inner, float* weights,
                             float* dscores) {
  const float* const saved = a.softmax + 2 * (token * a.group + head);
  float factors[key_block];
  if (a.dropout > 0) dropout_row(a, head_key, token, block, panels, factors);
  for (Index p = 0; p < panels; ++p) {
    const Index left = seen.keys - block * key_block - 16 * p, n = left < 0 ? 0 : left > 16 ? 16 : left;
    F score = mul(load(weights + 16 * p), set(seen.scale)), slope = set(seen.scale);
    hold(score);  // rounded as the forward pass has it, or a compiler fuses it with the subtraction below
    if (a.cap != 0) {
      score = soft_capped(score, a.cap);
      slope = mul(slope, soft_cap_slope(score, a.cap));
    }
    F probability = keep_first(div(exponential(sub(score, set(saved[0]))), set(saved[1])), n, zero());
    if (const Index before = seen.first - block * key_block - 16 * p; before > 0) probability = keep_first(zero(), before < 16 ? before : 16, probability);
    const F factor = a.dropout > 0 ? load(factors + 16 * p) : set(1.f);
    const F change = fma(load(dscores + 16 * p), factor, set(-inner));
    store(weights + 16 * p, mul(probability, factor));
    store(dscores + 16 * p, mul(mul(probability, change), slope));
  }
}

// Queries first .. first + rows of one head of the group.
inline void attention_backward_tile(const AttentionBackward& a, Index head, Index first, Index rows, const BackwardScratch& s) {
  const AttentionHead& f = a.forward;
  const Index dim = f.head_dim, padded = round_up(dim, 16), size = dim * 64;
  Seen seen[backward_tile];
  float inner[backward_tile];
  const RandomKey head_key = dropout_head(f, head);
  Index least = seen_by(f, first).first, most = 0;
  for (Index r = 0; r < rows; ++r) {
    const float* const q = f.q + (first + r) * f.q_row + head * dim;
    const float* const dout = a.dout + (first + r) * f.out_row + head * dim;
    by_lanes(dim, [&](Index d, Index n) {
      store_some(s.q + r * dim + d, load_some(q + d, n), n);
      store_some(s.dout + r * dim + d, load_some(dout + d, n), n);
    });
    inner[r] = sum_of_products(dout, f.out + (first + r) * f.out_row + head * dim, dim);
    seen[r] = seen_by(f, first + r);
    most = seen[r].keys > most ? seen[r].keys : most;
    least = seen[r].first < least ? seen[r].first : least;
  }
  pad_rows(s.q, dim, rows, dim, s.q_rows, padded);
  pad_rows(s.dout, dim, rows, dim, s.dout_rows, padded);
  for (Index i = 0; i < rows * padded; i += 16) store(s.dq + i, zero());

  const auto bytes = [](const float* p) { return reinterpret_cast<const std::byte*>(p); };
  for (Index b = least / key_block; b * key_block < most; ++b) {
    const Index keys = most - b * key_block < key_block ? most - b * key_block : key_block, at = b * key_block, panels = (keys + 15) / 16;
    float_panels<PlainF32>({bytes(s.key_panels + at * dim), size, 16, s.q, dim, 1, dim, s.weights, key_block, 16, false}, panels, rows);
    float_panels<PlainF32>({bytes(s.value_panels + at * dim), size, 16, s.dout, dim, 1, dim, s.dscores, key_block, 16, false}, panels, rows);
    for (Index r = 0; r < rows; ++r) softmax_backward(f, head_key, b, panels, head, first + r, seen[r], inner[r], s.weights + r * key_block, s.dscores + r * key_block);
    float_panels<PlainF32>({bytes(s.dout_rows), 64, padded, s.weights, 1, key_block, rows, s.dv + at * padded, padded, 16, true}, padded / 16, keys);
    float_panels<PlainF32>({bytes(s.q_rows), 64, padded, s.dscores, 1, key_block, rows, s.dk + at * padded, padded, 16, true}, padded / 16, keys);
    float_panels<PlainF32>({bytes(s.key_rows + at * padded), 64, padded, s.dscores, key_block, 1, keys, s.dq, padded, 16, true}, padded / 16, rows);
  }
  for (Index r = 0; r < rows; ++r) add_lanes(s.dq + r * padded, a.dq + (first + r) * f.q_row + head * dim, dim);
}

// scratch holds attention_backward_floats.
inline void attention_backward(Context&, const AttentionBackward& a, float* scratch) {
  const Index dim = a.forward.head_dim, padded = round_up(dim, 16), keys = a.forward.key_count, room = round_up(keys, key_block);
  BackwardScratch s;
  float* free = scratch;
  const auto take = [&](Index n) {
    float* const at = free;
    free += n;
    return at;
  };
  s.key_panels = take(room * dim), s.value_panels = take(room * dim);
  s.key_rows = take(room * padded), s.dk = take(room * padded), s.dv = take(room * padded);
  s.q = take(backward_tile * dim), s.dout = take(backward_tile * dim);
  s.q_rows = take(backward_tile * padded), s.dout_rows = take(backward_tile * padded), s.dq = take(backward_tile * padded);
  s.weights = take(backward_tile * key_block), s.dscores = take(backward_tile * key_block);
  panel_rows_of(a.k, a.kv_row, keys, dim, s.key_panels);
  panel_rows_of(a.v, a.kv_row, keys, dim, s.value_panels);
  pad_rows(a.k, a.kv_row, keys, dim, s.key_rows, padded);
  for (Index i = 0; i < keys * padded; i += 16) {
    store(s.dk + i, zero());
    store(s.dv + i, zero());
  }
  for (Index head = 0; head < a.forward.group; ++head)
    for (Index first = 0; first < a.tokens; first += backward_tile)
      attention_backward_tile(a, head, first, a.tokens - first < backward_tile ? a.tokens - first : backward_tile, s);
  for (Index j = 0; j < keys; ++j) {
    add_lanes(s.dk + j * padded, a.dk + j * a.kv_row, dim);
    add_lanes(s.dv + j * padded, a.dv + j * a.kv_row, dim);
  }
}
