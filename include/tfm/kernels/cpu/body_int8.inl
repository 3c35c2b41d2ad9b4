// Products of quantised weights and int8 activations, lanes being output rows. Included once for each region that has int8 dot
// products of its own.

// A block of a panel: activation_block columns of sixteen rows, as dot products want them.
//
//   bytes, head                       of its levels; of its scales
//   minimum, factors                  whether there is an offset beside the scale; whether each half has an integer of its own
//   scale, offset (scales, blocks, b), factor(.., half)    of block b, where a panel's scales begin
//   start(starts, half_starts, half)  what a sum begins with, from what Quantised has for it
//   dot<T, P>(sums, w, a, row, half)  adds the products of P panels' levels with T tokens' activations: of one half where there are factors
//   stored, to_bytes(from, to)        where levels are less than bytes: the same as bytes [8][16 rows][4 columns], for ExpandedBlocks

// Scales and minima in binary16 at the panel's beginning: [block][16], and behind all scales the minima.
template <bool Minimum>
struct HalfScales {
  static constexpr bool minimum = Minimum, factors = false;
  static constexpr Index head = sixteen_halves;
  static TFM_LANES F scale(const std::byte* scales, Index, Index b) { return load_f16(scales + b * sixteen_halves); }
  static TFM_LANES F offset(const std::byte* scales, Index blocks, Index b) { return load_f16(scales + (blocks + b) * sixteen_halves); }
};
inline constexpr Index byte_block = activation_block * 16;
TFM_LANES void store_bytes(std::byte* to, const Bytes& bytes) { __builtin_memcpy(to, &bytes, sizeof bytes); }

// What stands at the beginning of panels that SpreadBlocks makes, of the block that part b belongs to.
template <class Traits>
struct SpreadHead {
  static constexpr Index block_head = Traits::head * 16, head = block_head / Traits::parts;
  static TFM_LANES const std::byte* at(const std::byte* scales, Index b) { return scales + b / Traits::parts * block_head; }
  static TFM_LANES F half(const std::byte* scales, Index b, Index i) { return load_f16(at(scales, b) + i * sixteen_halves); }
  static TFM_LANES F number(const std::byte* scales, Index b, Index i) {
    return to_float(load_int8(reinterpret_cast<const signed char*>(at(scales, b) + Traits::numbers_at + 16 * i)));
  }
};
// Scales and minima of KBlocks.
template <class Traits>
struct KScales : SpreadHead<Traits> {
  using Head = SpreadHead<Traits>;
  static constexpr bool minimum = true, factors = false;
  static TFM_LANES F scale(const std::byte* scales, Index, Index b) { return mul(Head::half(scales, b, 0), Head::number(scales, b, b % Traits::parts)); }
  static TFM_LANES F offset(const std::byte* scales, Index, Index b) {
    return mul(Head::half(scales, b, 1), Head::number(scales, b, Traits::parts + b % Traits::parts));
  }
};

// How levels are stored: as int8, or as they are and never negative, or so much larger that none is. Those that are 32 larger have factors.
enum class Stored { int8, as_they_are, larger_by_8, larger_by_32 };
// What a product begins with.
template <Stored Own>
TFM_LANES I start_of(const int* starts, const int* half_starts, int half) {
  if constexpr (Own == Stored::int8) return start_signed(starts);
  if constexpr (Own == Stored::as_they_are) return set_int(0);
  if constexpr (Own == Stored::larger_by_8) return set_int(*starts);
  return set_int(4 * (half == 0 ? *half_starts : *starts - *half_starts));
}

// Weights that are bytes: int8, or at most 127.
template <Stored Own>
struct ByteLevels {
  static constexpr Index bytes = byte_block;
  static TFM_LANES I start(const int* starts, const int* half_starts, int half) { return start_of<Own>(starts, half_starts, half); }
  template <int T, int P>
  static TFM_LANES void dot(IntSums<T, P>& sums, const std::byte* const* w, const signed char* a, Index row, int half) {
    constexpr int groups = IntSums<T, P>::groups;
    constexpr bool halves = Own == Stored::larger_by_32, is_signed = Own == Stored::int8;
    TFM_UNROLL
    for (int g = 0; g < (halves ? 4 : 8); g += groups) {
      Bytes weights[groups][P];
      TFM_UNROLL
      for (int i = 0; i < groups; ++i) {
        TFM_UNROLL
        for (int p = 0; p < P; ++p) {
          weights[i][p] = load_bytes(w[p] + 64 * (4 * half + g + i));
          if constexpr (is_signed) weights[i][p] = signed_weights(weights[i][p]);
        }
      }
      sums.template add<is_signed>(weights, a + 4 * (4 * half + g), row);
    }
  }
};
struct ByteBlocks : HalfScales<false>, ByteLevels<Stored::int8> {};

// Words of levels of which each has two fours of columns: Words::two(from, i, low, high) gives columns 4 i .. and 16 + 4 i .. of a block, for
// i below 4.
struct Nibbles {
  static constexpr Index bytes = byte_block / 2;
  static TFM_LANES void two(const std::byte* from, int i, Bytes& low, Bytes& high) {
    const Bytes both = load_bytes(from + 64 * i);
    low = moved<0>(both, 15), high = moved<-4>(both, 15);
  }
};
template <class Scales, class Words, Stored Own>
struct WordBlocks : Scales {
  static constexpr Index bytes = Words::bytes;
  static constexpr Stored stored = Own;
  static TFM_LANES I start(const int* starts, const int* half_starts, int half) { return start_of<Own>(starts, half_starts, half); }
  template <int T, int P>
  static TFM_LANES void dot(IntSums<T, P>& sums, const std::byte* const* w, const signed char* a, Index row, int half) {
    constexpr int groups = IntSums<T, P>::groups;
    TFM_UNROLL
    for (int g = 0; g < 4; g += groups) {
      Bytes low[groups][P], high[groups][P];
      TFM_UNROLL
      for (int i = 0; i < groups; ++i) {
        TFM_UNROLL
        for (int p = 0; p < P; ++p) Words::two(w[p], g + i, low[i][p], high[i][p]);
      }
      if (!Scales::factors || half == 0) sums.template add<false>(low, a + 4 * g, row);
      if (!Scales::factors || half == 1) sums.template add<false>(high, a + 16 + 4 * g, row);
    }
  }
  static void to_bytes(const std::byte* from, std::byte* to) {
    TFM_UNROLL
    for (int i = 0; i < 4; ++i) {
      Bytes low, high;
      Words::two(from, i, low, high);
      store_bytes(to + 64 * i, low), store_bytes(to + byte_block / 2 + 64 * i, high);
    }
  }
  // Columns from .. to of a panel, exact: FormatLanes' expand of formats that are in no hurry there.
  static void expand(const std::byte* panel, Index header, Index blocks, Index from, Index to, float* out) {
    by_blocks<activation_block>(from, to, [&](Index b, Index k, Index end) {
      alignas(64) std::byte levels[byte_block];
      to_bytes(panel + header + b * bytes, levels);
      const F whole = Scales::scale(panel, blocks, b), more = set(Own == Stored::larger_by_32 ? 32.f : Own == Stored::larger_by_8 ? 8.f : 0.f);
      F scales[2] = {whole, whole}, offset = zero();
      if constexpr (Scales::factors) scales[0] = mul(whole, Scales::factor(panel, blocks, b, 0)), scales[1] = mul(whole, Scales::factor(panel, blocks, b, 1));
      if constexpr (Scales::minimum) offset = Scales::offset(panel, blocks, b);
      out = expand_fours(k, end, out, [&](Index i, int j) {
        const Index own = i % activation_block;
        const F level = sub(byte_of_4(levels + own / 4 * 64, j), more), scale = scales[own / (activation_block / 2)];
        return Scales::minimum ? fma(level, scale, offset) : mul(level, scale);  // the product is exact
      });
    });
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

// What P panels' levels of one block, or of a half of it, come to with T tokens: at(t, p, integer sum).
template <class B, int T, int P, class At>
TFM_LANES void block_sums(const std::byte* const* levels, const Quantised& x, Index i, const signed char* q, int half, At at) {
  IntSums<T, P> ints;
  TFM_UNROLL
  for (int t = 0; t < T; ++t) {
    const I start = B::start(x.starts + i + t * x.blocks, x.half_starts + i + t * x.blocks, half);
    TFM_UNROLL
    for (int p = 0; p < P; ++p) ints.start(t, p, start);
  }
  B::template dot<T, P>(ints, levels, q, x.cols, half);
  TFM_UNROLL
  for (int p = 0; p < P; ++p) {
    TFM_UNROLL
    for (int t = 0; t < T; ++t) at(t, p, to_float(ints.of(t, p)));
  }
}

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
        prefetch(w.scales + p * w.scales_step + B::head * (b + 2 * blocks_ahead));
      }
    }
    const signed char* const own = q + activation_block * b;
    const auto scales = [&](int p) { return w.scales + p * w.scales_step; };
    F first[T][P];
    if constexpr (B::factors)
      block_sums<B, T, P>(levels, x, at + b, own, 0, [&](int t, int p, F ints) { first[t][p] = mul(ints, B::factor(scales(p), w.scale_blocks, b, 0)); });
    block_sums<B, T, P>(levels, x, at + b, own, B::factors ? 1 : 0, [&](int t, int p, F ints) {
      const Index i = at + t * x.blocks + b;
      if constexpr (B::factors) ints = fma(ints, B::factor(scales(p), w.scale_blocks, b, 1), first[t][p]);  // integers, exact
      sum[t][p] = fma(ints, mul(B::scale(scales(p), w.scale_blocks, b), set(x.scales[i])), sum[t][p]);
      if constexpr (B::minimum) sum[t][p] = fma(B::offset(scales(p), w.scale_blocks, b), set(x.scaled_sums[i]), sum[t][p]);
      hold(sum[t][p]);
    });
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
template <Stored Own, bool Minimum, bool Factors>
struct ExpandedBlocks : ByteLevels<Own> {
  static constexpr bool minimum = Minimum, factors = Factors;
  static constexpr Index head = 64;
  static TFM_LANES F number(const std::byte* scales, Index i) { return load(reinterpret_cast<const float*>(scales) + 16 * i); }
  static TFM_LANES F scale(const std::byte* scales, Index, Index b) { return number(scales, b); }
  static TFM_LANES F offset(const std::byte* scales, Index blocks, Index b) { return number(scales, blocks + b); }
  static TFM_LANES F factor(const std::byte* scales, Index blocks, Index b, int half) { return number(scales, (1 + half) * blocks + b); }
};
inline constexpr Index blocks_expanded = 8;
template <int P>
struct Expanded {
  alignas(64) std::byte levels[P][blocks_expanded * byte_block];
  alignas(64) float scales[P][3 * blocks_expanded * 16];  // then the minima, or the factors of both halves
};
template <class B, int P>
inline void expand_blocks(const BlockTile& from, Index b, Index count, Expanded<P>& to) {
  for (Index p = 0; p < P; ++p)
    for (Index i = 0; i < count; ++i) {
      const std::byte* const scales = from.scales + p * from.scales_step;
      const auto put = [&](Index which, F numbers) { store(to.scales[p] + 16 * (which * blocks_expanded + i), numbers); };
      B::to_bytes(from.levels + p * from.levels_step + (b + i) * B::bytes, to.levels[p] + i * byte_block);
      put(0, B::scale(scales, from.scale_blocks, b + i));
      if constexpr (B::minimum) put(1, B::offset(scales, from.scale_blocks, b + i));
      if constexpr (B::factors) put(1, B::factor(scales, from.scale_blocks, b + i, 0)), put(2, B::factor(scales, from.scale_blocks, b + i, 1));
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
        in_tiles<int8_tile_tokens>(0, tokens, RunBlocks<ExpandedBlocks<B::stored, B::minimum, B::factors>, P>{expanded, x, y, y_row, last});
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
