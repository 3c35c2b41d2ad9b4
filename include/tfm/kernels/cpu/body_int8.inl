// Products of quantised weights and int8 activations, lanes being output rows. Included once for each region that has int8 dot
// products of its own.

// A block of a panel: activation_block columns of sixteen rows, as dot products want them.
//
//   minimum, bytes                    whether there is an offset beside the scale; bytes of its levels
//   scale, offset (scales, blocks, b) of block b, where a panel's scales begin
//   start(from)                       what a sum begins with, from what Quantised has for it
//   dot<T, P>(sums, w, a, row)        adds the products of P panels' levels with T tokens' activations
//   is_signed, to_bytes(from, to)     where levels are less than bytes: the same as bytes [8][16 rows][4 columns], for ExpandedBlocks

// Scales and minima in binary16 at the panel's beginning: [block][16], and behind all scales the minima.
template <bool Minimum>
struct HalfScales {
  static constexpr bool minimum = Minimum;
  static TFM_LANES F scale(const std::byte* scales, Index, Index b) { return load_f16(scales + b * sixteen_halves); }
  static TFM_LANES F offset(const std::byte* scales, Index blocks, Index b) { return load_f16(scales + (blocks + b) * sixteen_halves); }
};
inline constexpr Index byte_block = activation_block * 16;
TFM_LANES void store_bytes(std::byte* to, const Bytes& bytes) { __builtin_memcpy(to, &bytes, sizeof bytes); }

// Weights that are bytes: int8, or, unless Signed, at most 127 and 8 too large where there is no minimum.
template <bool Signed, bool Minimum>
struct ByteLevels {
  static constexpr Index bytes = byte_block;
  static TFM_LANES I start(const int* from) { return Signed ? start_signed(from) : set_int(Minimum ? 0 : *from); }
  template <int T, int P>
  static TFM_LANES void dot(IntSums<T, P>& sums, const std::byte* const* w, const signed char* a, Index row) {
    constexpr int groups = IntSums<T, P>::groups;
    TFM_UNROLL
    for (int g = 0; g < 8; g += groups) {
      Bytes weights[groups][P];
      TFM_UNROLL
      for (int i = 0; i < groups; ++i) {
        TFM_UNROLL
        for (int p = 0; p < P; ++p) {
          weights[i][p] = load_bytes(w[p] + 64 * (g + i));
          if constexpr (Signed) weights[i][p] = signed_weights(weights[i][p]);
        }
      }
      sums.template add<Signed>(weights, a + 4 * g, row);
    }
  }
};
struct ByteBlocks : HalfScales<false>, ByteLevels<true, false> {};

// 4-bit weights, which are 8 too large unless there is a minimum: the low halves are the first sixteen columns.
template <bool Minimum>
struct NibbleBlocks : HalfScales<Minimum> {
  static constexpr Index bytes = byte_block / 2;
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
  static constexpr bool is_signed = false;
  static void to_bytes(const std::byte* from, std::byte* to) {
    for (Index i = 0; i < bytes; i += 64) {
      const Bytes both = load_bytes(from + i);
      store_bytes(to + i, low_nibbles(both)), store_bytes(to + bytes + i, high_nibbles(both));
    }
  }
};

// Asks for a line of the caches; any address will do.
TFM_LANES void prefetch(const std::byte* p) { __builtin_prefetch(p, 0, 3); }
inline constexpr Index blocks_ahead = 4;

// What a tile multiplies: blocks of panels, from the first panel on, with blocks of activations.
struct BlockTile {
  const std::byte *levels, *scales;
  Index levels_step, scales_step;  // bytes from one panel's to the next's
  Index scale_blocks;              // that have scales there
  Index first, count;              // of the activations' blocks
  bool added;                      // to what y has
};

// sum = fma(integer sum, fl(weight scale x activation scale), sum), then the minimum's part, blocks upwards.
template <class B, int T, int P>
inline void block_tile(const BlockTile& w, const Quantised& x, Index token, float* y, Index y_row, Index last) {
  const Index at = token * x.blocks + w.first;
  const signed char* const q = x.q + token * x.cols + activation_block * w.first;
  F sum[T][P];
  TFM_UNROLL
  for (int t = 0; t < T; ++t) {
    TFM_UNROLL
    for (int p = 0; p < P; ++p) sum[t][p] = w.added ? load_some(y + t * y_row + 16 * p, p == P - 1 ? last : 16) : zero();
  }
  for (Index b = 0; b < w.count; ++b) {
    const std::byte* levels[P];
    TFM_UNROLL
    for (int p = 0; p < P; ++p) levels[p] = w.levels + p * w.levels_step + b * B::bytes;
    if constexpr (T == 1 && B::bytes < byte_block) {  // decoding: blocks that are this quick leave no time for what is not in the caches yet
      TFM_UNROLL
      for (int p = 0; p < P; ++p) {
        TFM_UNROLL
        for (Index i = 0; i < B::bytes; i += 64) prefetch(levels[p] + blocks_ahead * B::bytes + i);
        prefetch(w.scales + p * w.scales_step + sixteen_halves * (b + 2 * blocks_ahead));
      }
    }
    IntSums<T, P> ints;
    TFM_UNROLL
    for (int t = 0; t < T; ++t) {
      const I start = B::start(x.starts + at + t * x.blocks + b);
      TFM_UNROLL
      for (int p = 0; p < P; ++p) ints.start(t, p, start);
    }
    B::template dot<T, P>(ints, levels, q + activation_block * b, x.cols);
    TFM_UNROLL
    for (int p = 0; p < P; ++p) {
      const std::byte* const scales = w.scales + p * w.scales_step;
      const F scale = B::scale(scales, w.scale_blocks, b);
      TFM_UNROLL
      for (int t = 0; t < T; ++t) {
        const Index i = at + t * x.blocks + b;
        sum[t][p] = fma(to_float(ints.of(t, p)), mul(scale, set(x.scales[i])), sum[t][p]);
        if constexpr (B::minimum) sum[t][p] = fma(B::offset(scales, w.scale_blocks, b), set(x.scaled_sums[i]), sum[t][p]);
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

// Tokens from t on in tiles of T, which Run::run<T>(t) multiplies, and what is left in tiles of four, three, two.
template <int T, class Run>
inline void in_tiles(Index t, Index tokens, const Run& run) {
  for (; t + T <= tokens; t += T) run.template run<T>(t);
  if constexpr (T > 1)
    if (t < tokens) in_tiles<(T > 4 ? 4 : T - 1)>(t, tokens, run);
}

// One kernel for products of several tokens with any format whose levels are less than bytes: blocks as bytes, and their scales as
// floats, in scratch: P panels of so many blocks at a time.
template <bool Signed, bool Minimum>
struct ExpandedBlocks : ByteLevels<Signed, Minimum> {
  static constexpr bool minimum = Minimum;
  static TFM_LANES F scale(const std::byte* scales, Index, Index b) { return load(reinterpret_cast<const float*>(scales) + 16 * b); }
  static TFM_LANES F offset(const std::byte* scales, Index blocks, Index b) { return load(reinterpret_cast<const float*>(scales) + 16 * (blocks + b)); }
};
inline constexpr Index blocks_expanded = 8;
template <int P>
struct Expanded {
  alignas(64) std::byte levels[P][blocks_expanded * byte_block];
  alignas(64) float scales[P][2 * blocks_expanded * 16];  // then the minima
};
template <class B, int P>
inline void expand_blocks(const BlockTile& from, Index b, Index count, Expanded<P>& to) {
  for (Index p = 0; p < P; ++p)
    for (Index i = 0; i < count; ++i) {
      const std::byte* const scales = from.scales + p * from.scales_step;
      B::to_bytes(from.levels + p * from.levels_step + (b + i) * B::bytes, to.levels[p] + i * byte_block);
      store(to.scales[p] + 16 * i, B::scale(scales, from.scale_blocks, b + i));
      if constexpr (B::minimum) store(to.scales[p] + 16 * (blocks_expanded + i), B::offset(scales, from.scale_blocks, b + i));
    }
}

// Tiles of P panels.
template <class B, int P>
struct RunBlocks {
  const BlockTile& w;
  const Quantised& x;
  float* y;
  Index y_row, last;

  template <int T>
  TFM_LANES void run(Index t) const { block_tile<B, T, P>(w, x, t, y + t * y_row, y_row, last); }
};

// A format whose int8 products are of blocks of kind B.
template <class B>
struct BlockTiles {
  // Panels p .. p + P for all tokens; without Many for one.
  template <int P, bool Many>
  static void run(const Panels& w, Index p, const Quantised& x, Index tokens, float* y, Index y_row, Index last) {
    const Index size = panel_bytes(w.format, w.cols);
    const std::byte* const base = w.data + p * size;
    BlockTile tile{base + panel_header_bytes(w.format, w.cols), base, size, size, x.blocks, 0, x.blocks, x.added};
    if constexpr (!Many || B::bytes == byte_block) {
      in_tiles<(Many ? int8_tile_tokens : 1)>(0, tokens, RunBlocks<B, P>{tile, x, y, y_row, last});
    } else {
      Expanded<P> own;
      for (Index b = 0; b < x.blocks; b += blocks_expanded) {
        const Index count = x.blocks - b < blocks_expanded ? x.blocks - b : blocks_expanded;
        expand_blocks<B, P>(tile, b, count, own);
        const BlockTile expanded{own.levels[0], reinterpret_cast<const std::byte*>(own.scales[0]), sizeof own.levels[0], sizeof own.scales[0],
                                 blocks_expanded, b, count, x.added || b > 0};
        in_tiles<int8_tile_tokens>(0, tokens, RunBlocks<ExpandedBlocks<B::is_signed, B::minimum>, P>{expanded, x, y, y_row, last});
      }
    }
  }
};

// Panels first .. first + count for all tokens. With one token several panels go in step.
template <class Tiles>
inline void quantised_panels(const Panels& w, Index first, Index count, const Quantised& x, Index tokens, float* y, Index y_row) {
  const auto lanes = [&](Index last_panel) { return w.rows - 16 * last_panel < 16 ? w.rows - 16 * last_panel : 16; };
  Index p = first;
  const Index end = first + count;
  constexpr int one = one_token_panels, many = tile_panels > 1 ? 2 : 1;
  if (tokens == 1) {
    if constexpr (one > 2)
      for (; p + one <= end; p += one) Tiles::template run<one, false>(w, p, x, 1, y + 16 * p, y_row, lanes(p + one - 1));
    if constexpr (one > 1)
      for (; p + 2 <= end; p += 2) Tiles::template run<2, false>(w, p, x, 1, y + 16 * p, y_row, lanes(p + 1));
  } else if constexpr (int8_tile_tokens > 1) {
    for (; p + many <= end; p += many) Tiles::template run<many, true>(w, p, x, tokens, y + 16 * p, y_row, lanes(p + many - 1));
  }
  for (; p < end; ++p) Tiles::template run<1, false>(w, p, x, tokens, y + 16 * p, y_row, lanes(p));
}
