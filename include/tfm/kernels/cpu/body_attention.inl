// Attention of one key/value head over sixteen lanes. Included once for each region.
//
// Scores are a product whose weights are the keys, sixteen positions to a panel; the weighted sum of values is one whose
// k is the position. The softmax runs online (Milakov & Gimelshein 2018) in blocks of 64 positions, counted from the
// sequence's own beginning: so a query's bits do not depend on which others share its tile, chunk or batch.

// Rows of binary16, so many values apart.
struct RowsF16 {
  static TFM_LANES F at(const std::byte* w, Index k, Index stride) { return load_f16(w + k * stride * 2); }
};

// Rows of n floats to rows of `padded`, a multiple of 16, the rest 0.
inline void pad_rows(const float* from, Index from_row, Index rows, Index n, float* to, Index padded) {
  for (Index r = 0; r < rows; ++r, from += from_row, to += padded)
    by_lanes(n, [&](Index d, Index lanes) { store(to + d, load_some(from + d, lanes)); });
}
// Rows of keys or values to panels [position / 16][head_dim][16], missing positions 0.
inline void panel_rows_of(const float* from, Index from_row, Index rows, Index n, float* to) {
  for (Index panel = 0; panel < rows; panel += 16, to += 16 * n) {
    const Index valid = rows - panel < 16 ? rows - panel : 16;
    if (valid < 16)
      for (Index d = 0; d < n; ++d) store(to + 16 * d, zero());
    for (Index i = 0; i < valid; ++i, from += from_row)
      for (Index d = 0; d < n; ++d) to[16 * d + i] = from[d];
  }
}

// How many keys a row sees, and what its scores are multiplied with: 0 where it sees none, so that all keys count alike.
struct Seen {
  Index keys;
  float scale;
};
TFM_LANES Seen seen_by(const AttentionHead& a, Index token) {
  const Index keys = a.visible == nullptr ? a.position + token + 1 : a.visible[token];
  return keys < 0 ? Seen{a.key_count, 0.f} : Seen{keys, a.scale};
}

// scores[row][64] = scale q . k for the block's keys, -infinity beyond what the row sees.
inline void score_block(const AttentionHead& a, Index block, Index keys, const float* q, Index rows, const Seen* seen, float* scores) {
  const Index panels = (keys + 15) / 16, size = a.head_dim * 16 * (a.half ? 2 : 4);
  const FloatTile tile{a.keys + block * (key_block / 16) * size, size, 16, q, a.head_dim, 1, a.head_dim, scores, key_block, 16, false};
  if (a.half) float_panels<PanelF16>(tile, panels, rows);
  else float_panels<PlainF32>(tile, panels, rows);
  for (Index r = 0; r < rows; ++r)
    for (Index p = 0; p < 4; ++p) {
      const Index left = seen[r].keys - block * key_block - 16 * p, n = left < 0 ? 0 : left > 16 ? 16 : left;
      float* const at = scores + r * key_block + 16 * p;
      if (n == 0) store(at, set(-__builtin_inff()));
      else store(at, keep_first(mul(load(at), set(seen[r].scale)), n, set(-__builtin_inff())));
    }
}

// The stream of dropout's numbers for one head.
inline RandomKey dropout_head(const AttentionHead& a, Index head) {
  return RandomKey{a.dropout_key}.with(static_cast<std::uint64_t>(a.first_head + head));
}
// What dropout multiplies the weights of one row and block with: 0 or 1 / (1 - rate), by head, token and key alone.
inline void dropout_row(const AttentionHead& a, RandomKey head, Index token, Index block, Index panels, float* factors) {
  dropout_factors(head.with(static_cast<std::uint64_t>(token)).seed, static_cast<std::uint64_t>(block * key_block), a.dropout, 16 * panels, factors);
}

// Query rows first .. first + rows, at most query_tile: row r is head r % group of token r / group.
// scratch holds attention_floats.
inline void attend_tile(const AttentionHead& a, Index first, Index rows, float* scratch) {
  float* const q = scratch;
  float* const out = q + query_tile * a.head_dim;
  float* const scores = out + query_tile * a.value_row;
  F sum[query_tile];
  float largest[query_tile];
  Seen seen[query_tile];
  RandomKey head_key = a.dropout > 0 ? dropout_head(a, 0) : RandomKey{};
  Index most = 0;
  for (Index r = 0; r < rows; ++r) {
    const Index token = (first + r) / a.group, head = (first + r) % a.group;
    by_lanes(a.head_dim, [&](Index d, Index n) { store_some(q + r * a.head_dim + d, load_some(a.q + token * a.q_row + head * a.head_dim + d, n), n); });
    for (Index d = 0; d < a.value_row; d += 16) store(out + r * a.value_row + d, zero());
    sum[r] = zero();
    largest[r] = -__builtin_inff();
    seen[r] = seen_by(a, token);
    most = seen[r].keys > most ? seen[r].keys : most;
  }
  const Index blocks = (most + key_block - 1) / key_block;
  for (Index b = 0; b < blocks; ++b) {
    const Index keys = most - b * key_block < key_block ? most - b * key_block : key_block;
    const Index panels = (keys + 15) / 16;  // behind them nobody sees anything, and adds nothing
    score_block(a, b, keys, q, rows, seen, scores);
    for (Index r = 0; r < rows; ++r) {
      float* const s = scores + r * key_block;
      F most_of_lanes = load(s);
      for (Index p = 1; p < panels; ++p) most_of_lanes = max(most_of_lanes, load(s + 16 * p));
      const float block_largest = reduce_max(most_of_lanes);
      const float now = block_largest > largest[r] ? block_largest : largest[r];
      const F correction = b == 0 ? zero() : exponential(set(largest[r] - now));  // 1 where the largest stays
      F block_sum = zero();
      for (Index p = 0; p < panels; ++p) {
        const F e = exponential(sub(load(s + 16 * p), set(now)));
        store(s + 16 * p, e);
        block_sum = add(block_sum, e);
      }
      sum[r] = fma(sum[r], correction, block_sum);
      largest[r] = now;
      if (a.dropout > 0) {
        float factors[key_block];
        if (a.group > 1) head_key = dropout_head(a, (first + r) % a.group);
        dropout_row(a, head_key, (first + r) / a.group, b, panels, factors);
        for (Index p = 0; p < panels; ++p) store(s + 16 * p, mul(load(s + 16 * p), load(factors + 16 * p)));
      }
      for (Index d = 0; d < a.value_row; d += 16) store(out + r * a.value_row + d, mul(load(out + r * a.value_row + d), correction));
    }
    const Index bytes = a.half ? 2 : 4;
    const FloatTile tile{a.values + b * key_block * a.value_row * bytes, 16 * bytes, a.value_row, scores, key_block, 1, keys, out, a.value_row, 16, true};
    if (a.half) float_panels<RowsF16>(tile, a.value_row / 16, rows);
    else float_panels<PlainF32>(tile, a.value_row / 16, rows);
  }
  for (Index r = 0; r < rows; ++r) {
    const Index token = (first + r) / a.group, head = (first + r) % a.group;
    const float row_sum = reduce_add(sum[r]);
    const F total = set(row_sum);
    if (a.softmax != nullptr) {
      a.softmax[2 * (first + r)] = largest[r];
      a.softmax[2 * (first + r) + 1] = row_sum;
    }
    by_lanes(a.head_dim, [&](Index d, Index n) {
      store_some(a.out + token * a.out_row + head * a.head_dim + d, div(load(out + r * a.value_row + d), total), n);
    });
  }
  if (a.weights == nullptr) return;
  for (Index b = 0; b < blocks; ++b) {
    const Index keys = most - b * key_block < key_block ? most - b * key_block : key_block;
    score_block(a, b, keys, q, rows, seen, scores);
    for (Index r = 0; r < rows; ++r) {
      const F total = set(reduce_add(sum[r]));
      float* const to = a.weights + ((first + r) % a.group * a.weights_tokens + (first + r) / a.group) * a.weights_row + b * key_block;
      const Index room = a.weights_row - b * key_block < key_block ? a.weights_row - b * key_block : key_block;
      by_lanes(room, [&](Index i, Index n) {
        store_some(to + i, div(exponential(sub(load(scores + r * key_block + i), set(largest[r]))), total), n);
      });
    }
  }
}

// Tokens first .. first + count of one head.
TFM_KERNEL Isa attention_chunk(const AttentionHead& a, Index first, Index count, float* scratch) {
  const Index end = (first + count) * a.group;
  for (Index r = first * a.group; r < end; r += query_tile) attend_tile(a, r, end - r < query_tile ? end - r : query_tile, scratch);
  return this_isa;
}
// All tokens of one head whose k and v are rows, kv_row apart, in place of a.keys and a.values. scratch holds attention_rows_floats.
TFM_KERNEL Isa attention_rows_chunk(AttentionHead a, Index tokens, const float* k, const float* v, Index kv_row, float* scratch) {
  const Index room = round_up(a.key_count, key_block);
  float *const panels = scratch, *const rows = panels + room * a.head_dim;
  panel_rows_of(k, kv_row, a.key_count, a.head_dim, panels);
  pad_rows(v, kv_row, a.key_count, a.head_dim, rows, a.value_row);
  a.keys = reinterpret_cast<const std::byte*>(panels);
  a.values = reinterpret_cast<const std::byte*>(rows);
  return attention_chunk(a, 0, tokens, rows + room * a.value_row);
}
