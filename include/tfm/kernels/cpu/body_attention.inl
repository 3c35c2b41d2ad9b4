// Attention of one key/value head over sixteen lanes. Included once for each region.
//
// Scores are a product whose weights are the keys, sixteen positions to a panel; the weighted sum of values is one whose
// k is the position. The softmax runs online (Milakov & Gimelshein 2018) in blocks of 64 positions, and begins anew every
// 256; the pieces are joined in their order (docs/decisions/0012-attention-in-pieces.md). Both are counted from the
// sequence's own beginning: so a query's bits do not depend on which others share its tile, chunk or batch.

// Keys as panels, values as rows, of binary16; what lies a block ahead is asked for: memory answers late, and a core that
// waits for one block before it asks for the next gets half of what it could read. A stride is the head's dim, or a row's.
struct KeysF16 {
  static constexpr bool few_rows = true;  // the heads of a group
  static TFM_LANES F at(const std::byte* w, Index k, Index stride) {
    __builtin_prefetch(w + (k + key_block / 16 * stride) * sixteen_halves);
    return load_f16(w + k * sixteen_halves);
  }
};
struct RowsF16 {
  static constexpr bool few_rows = true;
  static TFM_LANES F at(const std::byte* w, Index k, Index stride) {
    __builtin_prefetch(w + (k + key_block) * stride * 2);
    return load_f16(w + k * stride * 2);
  }
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

// A row sees keys first .. keys, and its scores are multiplied with scale: 0 where it sees none, so that all keys count alike.
struct Seen {
  Index first, keys;
  float scale;

  // Whether the row begins behind the block: it begins with the block of its first key, whatever its neighbours see.
  constexpr bool behind(Index block) const { return first >= (block + 1) * key_block; }
};
TFM_LANES Seen seen_by(const AttentionHead& a, Index token) {
  const Index keys = a.visible == nullptr ? a.position + token + 1 : a.visible[token];
  return keys < 0 ? Seen{0, a.key_count, 0.f} : Seen{a.window == 0 || keys < a.window ? 0 : keys - a.window, keys, a.scale};
}

// Q8_0 keys to panels of floats, values to rows of floats: scale times level, which is exact.
inline void expand_keys(const std::byte* from, Index panels, Index head_dim, float* to) {
  const Index header = panel_header_bytes(Format::q8_0, head_dim), panel = key_panel_bytes(Format::q8_0, head_dim);
  for (Index p = 0; p < panels; ++p, from += panel)
    for (Index block = 0; block < head_dim; block += cache_block) {
      const Index end = head_dim - block < cache_block ? head_dim : block + cache_block;
      const F scale = load_f16(from + block);
      for (Index d = block; d < end; d += 4) __builtin_prefetch(from + key_block / 16 * panel + header + d * 16);
      for (Index d = block; d < end; ++d, to += 16) store(to, mul(byte_of_4(from + header + d / 4 * 64, static_cast<int>(d % 4)), scale));
    }
}
inline void expand_values(const std::byte* from, Index rows, Index head_dim, float* to) {
  const Index header = panel_header_bytes(Format::q8_0, head_dim), row = round_up(head_dim, 16), panel = value_panel_bytes(Format::q8_0, head_dim);
  for (; rows > 0; rows -= 16, from += panel, to += 16 * row) {
    const Index valid = rows < 16 ? rows : 16;
    const signed char* const levels = reinterpret_cast<const signed char*>(from + header);
    for (Index block = 0; block < row; block += cache_block) {
      const Index end = row - block < cache_block ? row : block + cache_block;
      alignas(64) float scales[16];
      store(scales, load_f16(from + block));
      for (Index r = 0; r < valid; ++r) {
        __builtin_prefetch(levels + key_block / 16 * panel + r * row + block);
        for (Index d = block; d < end; d += 16) store(to + r * row + d, mul(to_float(load_int8(levels + r * row + d)), set(scales[r])));
      }
    }
  }
}

// A block of keys and values as products read them: where they lie, or, of Q8_0, as floats in scratch, key_block (head_dim + value_row).
struct CachedBlock {
  bool half;
  Index key_panel;  // bytes
  const std::byte *keys, *values;
};
inline CachedBlock cached_block(const AttentionHead& a, Index block, Index keys, float* scratch) {
  constexpr Index panels = key_block / 16;
  const Index key_panel = key_panel_bytes(a.format, a.head_dim);
  const std::byte* const k = a.keys + block * panels * key_panel;
  const std::byte* const v = a.values + block * panels * value_panel_bytes(a.format, a.head_dim);
  if (!is_quantised(a.format)) return {cached_bytes(a.format) == 2, key_panel, k, v};
  float* const rows = scratch + key_block * a.head_dim;
  expand_keys(k, (keys + 15) / 16, a.head_dim, scratch);
  expand_values(v, keys, a.head_dim, rows);
  return {false, key_panel_bytes(Format::f32, a.head_dim), reinterpret_cast<const std::byte*>(scratch), reinterpret_cast<const std::byte*>(rows)};
}

// A tile of query rows: row r is head (first + r) % group of token (first + r) / group. What is known of a row's softmax stands in
// part_floats: of the piece in hand in `part`, of the pieces before it in `whole`.
struct QueryTile {
  Index first, rows, least, most;  // any row sees keys least .. most
  float *q, *part, *whole;  // [query_tile][head_dim], [query_tile][part_floats] twice
  Seen seen[query_tile];

  Index keys(Index block) const { return most - block * key_block < key_block ? most - block * key_block : key_block; }
};
inline void begin_tile(const AttentionHead& a, Index first, Index rows, float* q, float* part, float* whole, QueryTile& t) {
  t.first = first, t.rows = rows, t.most = 0;
  t.least = seen_by(a, first / a.group).first;
  t.q = q, t.part = part, t.whole = whole;
  for (Index r = 0; r < rows; ++r) {
    const Index token = (first + r) / a.group, head = (first + r) % a.group;
    by_lanes(a.head_dim, [&](Index d, Index n) { store_some(t.q + r * a.head_dim + d, load_some(a.q + token * a.q_row + head * a.head_dim + d, n), n); });
    t.seen[r] = seen_by(a, token);
    t.most = t.seen[r].keys > t.most ? t.seen[r].keys : t.most;
    t.least = t.seen[r].first < t.least ? t.seen[r].first : t.least;
  }
}
inline void begin_piece(const AttentionHead& a, QueryTile& t) {
  const Index row = part_floats(a.head_dim);
  for (Index r = 0; r < t.rows; ++r)
    for (Index d = 0; d < row; d += 16) store(t.part + r * row + d, d == row - 16 ? set(-__builtin_inff()) : zero());
}
// Joins what a row knows of a piece to what it knows of all before it.
inline void join_part(const float* part, float* whole, Index floats) {
  const Index last = floats - 16;
  const F here = load(part + last), before = load(whole + last), now = max(here, before);
  F keeps_adds[2] = {sub(before, now), sub(here, now)};
  for (int i = 0; i < 2; ++i) keeps_adds[i] = exponential(keeps_adds[i]);  // in a loop: the baseline's exponential is large
  for (Index d = 0; d < last; d += 16) store(whole + d, fma(load(part + d), keeps_adds[1], mul(load(whole + d), keeps_adds[0])));
  store(whole + last, now);
}
// After a piece's last block: a row that sees none of its keys has nothing to join, and one that begins with it nothing to join it to.
inline void end_piece(const AttentionHead& a, QueryTile& t, Index piece) {
  const Index row = part_floats(a.head_dim);
  if (piece == 0) {
    float* const part = t.part;
    t.part = t.whole, t.whole = part;
    return;
  }
  for (Index r = 0; r < t.rows; ++r) {
    const Index begins = t.seen[r].first / piece_keys;
    float *const part = t.part + r * row, *const whole = t.whole + r * row;
    if (begins == piece)
      for (Index d = 0; d < row; d += 16) store(whole + d, load(part + d));
    else if (begins < piece && t.seen[r].keys > piece * piece_keys)
      join_part(part, whole, row);
  }
}

// scores[row][64] = scale q . k for the block's keys, capped, -infinity before and beyond what the row sees.
inline void score_block(const AttentionHead& a, const QueryTile& t, Index block, const CachedBlock& cached, float* scores) {
  const Index panels = (t.keys(block) + 15) / 16;
  const FloatTile tile{cached.keys, cached.key_panel, cached.half ? a.head_dim : 16, t.q, a.head_dim, 1, a.head_dim, scores, key_block, 16, false};
  if (cached.half) float_panels<KeysF16>(tile, panels, t.rows);
  else float_panels<PlainF32>(tile, panels, t.rows);
  for (Index r = 0; r < t.rows; ++r)
    for (Index p = 0; p < 4; ++p) {
      const Index left = t.seen[r].keys - block * key_block - 16 * p, n = left < 0 ? 0 : left > 16 ? 16 : left;
      const Index before = t.seen[r].first - block * key_block - 16 * p;
      float* const at = scores + r * key_block + 16 * p;
      if (n == 0 || before >= 16) {
        store(at, set(-__builtin_inff()));
        continue;
      }
      F score = mul(load(at), set(t.seen[r].scale));
      if (a.cap != 0) score = soft_capped(score, a.cap);
      if (before > 0) score = keep_first(set(-__builtin_inff()), before, score);
      store(at, keep_first(score, n, set(-__builtin_inff())));
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

// Adds a block's keys and values to a tile's piece; scores holds query_tile x key_block.
inline void attend_block(const AttentionHead& a, QueryTile& t, Index b, const CachedBlock& cached, float* scores) {
  const Index keys = t.keys(b), panels = (keys + 15) / 16;  // behind them nobody sees anything, and adds nothing
  const Index row = part_floats(a.head_dim);
  RandomKey head_key = a.dropout > 0 ? dropout_head(a, 0) : RandomKey{};
  score_block(a, t, b, cached, scores);
  for (Index r = 0; r < t.rows; ++r) {
    float *const s = scores + r * key_block, *const out = t.part + r * row, *const sum = out + a.value_row, *const largest = sum + 16;
    if (t.seen[r].behind(b)) {
      for (Index p = 0; p < panels; ++p) store(s + 16 * p, zero());
      continue;
    }
    F most_of_lanes = load(s);
    for (Index p = 1; p < panels; ++p) most_of_lanes = max(most_of_lanes, load(s + 16 * p));
    const float block_largest = reduce_max(most_of_lanes);
    const float now = block_largest > *largest ? block_largest : *largest;
    const F correction = b * key_block % piece_keys == 0 ? zero() : exponential(set(*largest - now));  // 1 where the largest stays
    F block_sum = zero();
    for (Index p = 0; p < panels; ++p) {
      const F e = exponential(sub(load(s + 16 * p), set(now)));
      store(s + 16 * p, e);
      block_sum = add(block_sum, e);
    }
    store(sum, fma(load(sum), correction, block_sum));
    store(largest, set(now));
    if (a.dropout > 0) {
      float factors[key_block];
      if (a.group > 1) head_key = dropout_head(a, (t.first + r) % a.group);
      dropout_row(a, head_key, (t.first + r) / a.group, b, panels, factors);
      for (Index p = 0; p < panels; ++p) store(s + 16 * p, mul(load(s + 16 * p), load(factors + 16 * p)));
    }
    for (Index d = 0; d < a.value_row; d += 16) store(out + d, mul(load(out + d), correction));
  }
  const Index bytes = cached.half ? 2 : 4;
  const FloatTile tile{cached.values, 16 * bytes, a.value_row, scores, key_block, 1, keys, t.part, row, 16, true};
  if (cached.half) float_panels<RowsF16>(tile, a.value_row / 16, t.rows);
  else float_panels<PlainF32>(tile, a.value_row / 16, t.rows);
}

// Writes the output of query row i, of which `known` says all.
inline void finish_row(const AttentionHead& a, Index i, const float* known) {
  const Index token = i / a.group, head = i % a.group;
  const float row_sum = reduce_add(load(known + a.value_row));
  const F total = set(row_sum);
  if (a.softmax != nullptr) {
    a.softmax[2 * i] = known[a.value_row + 16];
    a.softmax[2 * i + 1] = row_sum;
  }
  by_lanes(a.head_dim, [&](Index d, Index n) { store_some(a.out + token * a.out_row + head * a.head_dim + d, div(load(known + d), total), n); });
}

// What a finished tile gave to a block's keys.
inline void tell_weights(const AttentionHead& a, const QueryTile& t, Index b, const CachedBlock& cached, float* scores) {
  score_block(a, t, b, cached, scores);
  for (Index r = 0; r < t.rows; ++r) {
    const float* const known = t.whole + r * part_floats(a.head_dim) + a.value_row;
    const F total = set(reduce_add(load(known))), largest = load(known + 16);
    float* const to = a.weights + ((t.first + r) % a.group * a.weights_tokens + (t.first + r) / a.group) * a.weights_row + b * key_block;
    const Index room = a.weights_row - b * key_block < key_block ? a.weights_row - b * key_block : key_block;
    by_lanes(room, [&](Index i, Index n) { store_some(to + i, div(exponential(sub(load(scores + r * key_block + i), largest)), total), n); });
  }
}

// Some tiles that walk through keys and values side by side, and one worker's scratch.
struct TilesTogether {
  QueryTile tiles[most_tiles];
  Index count = 0, least = 0, most = 0;  // any row sees keys least .. most
  float *expanded, *scores, *own;

  TilesTogether(const AttentionHead& a, float* scratch) : expanded(scratch), scores(scratch + (is_quantised(a.format) ? key_block * (a.head_dim + a.value_row) : 0)),
        own(scores + query_tile * key_block) {}

  // Query rows first .. first + rows; `parts`: or null, where they are to be told what they know of a piece.
  void begin(const AttentionHead& a, Index first, Index rows, float* parts) {
    const Index row = part_floats(a.head_dim);
    for (Index r = 0; r < rows; ++count) {
      const Index left = rows - r, n = left <= query_tile ? left : left < 2 * query_tile ? (left + 1) / 2 : query_tile;
      float* const whole = own + query_tile * a.head_dim;
      begin_tile(a, first + r, n, own, parts == nullptr ? whole + query_tile * row : parts + r * row, whole, tiles[count]);
      own += query_tile * (a.head_dim + 2 * row);
      most = tiles[count].most > most ? tiles[count].most : most;
      least = count == 0 || tiles[count].least < least ? tiles[count].least : least;
      r += n;
    }
  }
  // Calls step(tile, block, the block's keys and values) for all that a tile sees of keys from .. to, blocks in order.
  template <class Step>
  void walk(const AttentionHead& a, Index from, Index to, Step step) {
    for (Index b = (from < least ? least : from) / key_block; b * key_block < to; ++b) {
      const Index left = to - b * key_block;
      const CachedBlock cached = cached_block(a, b, left < key_block ? left : key_block, expanded);
      for (Index i = 0; i < count; ++i)
        if (b * key_block < tiles[i].most && tiles[i].least < (b + 1) * key_block) step(tiles[i], b, cached);
    }
  }
  void attend(const AttentionHead& a, Index piece) {
    const Index from = piece * piece_keys, to = most - from < piece_keys ? most : from + piece_keys;
    for (Index i = 0; i < count; ++i) begin_piece(a, tiles[i]);
    walk(a, from, to, [&](QueryTile& t, Index b, const CachedBlock& cached) { attend_block(a, t, b, cached, scores); });
  }
};

// Query rows first .. first + rows, tiles_together x query_tile at most. scratch holds attention_floats.
inline void attend_tiles(const AttentionHead& a, Index first, Index rows, float* scratch) {
  TilesTogether together(a, scratch);
  together.begin(a, first, rows, nullptr);
  for (Index piece = together.least / piece_keys; piece * piece_keys < together.most; ++piece) {
    together.attend(a, piece);
    for (Index i = 0; i < together.count; ++i) end_piece(a, together.tiles[i], piece);
  }
  for (Index i = 0; i < together.count; ++i)
    for (Index r = 0; r < together.tiles[i].rows; ++r) finish_row(a, together.tiles[i].first + r, together.tiles[i].whole + r * part_floats(a.head_dim));
  if (a.weights != nullptr)
    together.walk(a, 0, together.most, [&](const QueryTile& t, Index b, const CachedBlock& cached) { tell_weights(a, t, b, cached, together.scores); });
}

// Tokens first .. first + count of one head.
inline void attend_tokens(const AttentionHead& a, Index first, Index count, float* scratch) {
  const Index end = (first + count) * a.group, each = tiles_together(a.format) * query_tile;
  for (Index r = first * a.group; r < end; r += each) attend_tiles(a, r, end - r < each ? end - r : each, scratch);
}
inline void attention_chunk(Context&, const AttentionHead& a, Index first, Index count, float* scratch) { attend_tokens(a, first, count, scratch); }
// What the query rows of one token know of pieces first .. first + count of those that it sees: parts [piece][group][part_floats].
inline void attention_pieces(Context&, const AttentionHead& a, Index first, Index count, float* parts, float* scratch) {
  const Index each = tiles_together(a.format) * query_tile, row = part_floats(a.head_dim), begins = seen_by(a, 0).first / piece_keys;
  for (Index piece = first; piece < first + count; ++piece)
    for (Index r = 0; r < a.group; r += each) {
      TilesTogether together(a, scratch);
      together.begin(a, r, a.group - r < each ? a.group - r : each, parts + (piece * a.group + r) * row);
      together.attend(a, begins + piece);
    }
}
// Joins all of them, in the first's place, and writes the outputs.
inline void attention_joined(Context&, const AttentionHead& a, Index pieces, float* parts) {
  const Index row = part_floats(a.head_dim);
  for (Index r = 0; r < a.group; ++r) {
    for (Index piece = 1; piece < pieces; ++piece) join_part(parts + (piece * a.group + r) * row, parts + r * row, row);
    finish_row(a, r, parts + r * row);
  }
}
// All tokens of one head whose k and v are rows, kv_row apart, in place of a.keys and a.values. scratch holds attention_rows_floats.
inline void attention_rows(Context&, const AttentionHead& head, Index tokens, const float* k, const float* v, Index kv_row, float* scratch) {
  AttentionHead a = head;
  const Index room = round_up(a.key_count, key_block);
  float *const panels = scratch, *const rows = panels + room * a.head_dim;
  panel_rows_of(k, kv_row, a.key_count, a.head_dim, panels);
  pad_rows(v, kv_row, a.key_count, a.head_dim, rows, a.value_row);
  a.keys = reinterpret_cast<const std::byte*>(panels);
  a.values = reinterpret_cast<const std::byte*>(rows);
  attend_tokens(a, 0, tokens, rows + room * a.value_row);
}
