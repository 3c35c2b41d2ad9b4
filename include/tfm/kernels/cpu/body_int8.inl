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
      block_sums<B, T, P>(levels, x, at + b, own, 0,
                          [&](int t, int p, F ints) { first[t][p] = mul(ints, B::factor(scales(p), w.scale_blocks, b, 0)); });
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
// `count` blocks of a panel from b on: levels as bytes, and [3][blocks_expanded][16] floats: scales, then minima or the factors of both halves.
using Expander = void (*)(const std::byte* levels, const std::byte* scales, Index scale_blocks, Index b, Index count, std::byte* bytes, float* numbers);
template <class B>
[[gnu::noinline]] inline void expand_blocks(const std::byte* levels, const std::byte* scales, Index scale_blocks, Index b, Index count,
                                            std::byte* bytes, float* numbers) {
  levels += b * B::bytes;
  for (Index i = 0; i < count; ++i, levels += B::bytes) {
    const auto put = [&](Index which, F number) { store(numbers + 16 * (which * blocks_expanded + i), number); };
    for (Index line = 0; line < B::bytes; line += 64) prefetch(levels + blocks_expanded * B::bytes + line);
    B::to_bytes(levels, bytes + i * byte_block);
    put(0, B::scale(scales, scale_blocks, b + i));
    if constexpr (B::minimum) put(1, B::offset(scales, scale_blocks, b + i));
    if constexpr (B::factors) put(1, B::factor(scales, scale_blocks, b + i, 0)), put(2, B::factor(scales, scale_blocks, b + i, 1));
  }
}
// Of a format that has one.
inline Expander expander_of(Format format);

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

// Panels p .. p + P as they lie, for all tokens; without Many for one.
template <class B>
struct BlockTiles {
  template <int P, bool Many>
  static void run(const Panels& w, Index p, const Quantised& x, Index tokens, float* y, Index y_row, Index last) {
    const Index size = panel_bytes(w.format, w.cols);
    const std::byte* const base = w.data + p * size;
    const BlockTile tile{base + panel_header_bytes(w.format, w.cols), base, size, size, x.blocks, 0, x.blocks, x.added};
    in_tiles<(Many ? int8_tile_tokens : 1)>(0, tokens, RunBlocks<B, P>{tile, x, y, y_row, last});
  }
};
// The same by way of Blocks, which are ExpandedBlocks.
template <class Blocks>
struct ExpandedTiles {
  template <int P, bool Many>
  static void run(const Panels& w, Index p, const Quantised& x, Index tokens, float* y, Index y_row, Index last) {
    alignas(64) std::byte levels[P][blocks_expanded * byte_block];
    alignas(64) float numbers[P][3 * blocks_expanded * 16];
    const Expander expand = expander_of(w.format);
    const Index size = panel_bytes(w.format, w.cols), header = panel_header_bytes(w.format, w.cols);
    for (Index b = 0; b < x.blocks; b += blocks_expanded) {
      const Index count = x.blocks - b < blocks_expanded ? x.blocks - b : blocks_expanded;
      for (Index i = 0; i < P; ++i) {
        const std::byte* const panel = w.data + (p + i) * size;
        expand(panel + header, panel, x.blocks, b, count, levels[i], numbers[i]);
      }
      const BlockTile tile{levels[0], reinterpret_cast<const std::byte*>(numbers[0]), sizeof levels[0], sizeof numbers[0], blocks_expanded, b, count,
                           x.added || b > 0};
      in_tiles<(Many ? int8_tile_tokens : 1)>(0, tokens, RunBlocks<Blocks, P>{tile, x, y, y_row, last});
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
