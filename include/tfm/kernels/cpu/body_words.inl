// Blocks whose levels are less than bytes, as words of which each has two fours of columns. Included once for each region, after body_int8.inl.

// What stands at the beginning of panels that SpreadBlocks makes, of the block that part b belongs to.
template <class Traits>
struct SpreadHead {
  static constexpr Index block_head = Traits::head * 16, head = block_head / Traits::parts;
  static TFM_LANES const std::byte* at(const std::byte* scales, Index b) { return scales + b / Traits::parts * block_head; }
  static TFM_LANES F half(const std::byte* scales, Index b, Index i) { return load_f16(at(scales, b) + i * sixteen_halves); }
  static TFM_LANES I integer(const std::byte* scales, Index b, Index i) {
    return load_int8(reinterpret_cast<const signed char*>(at(scales, b) + Traits::numbers_at + 16 * i));
  }
  static TFM_LANES F number(const std::byte* scales, Index b, Index i) { return to_float(integer(scales, b, i)); }
};
// Scales, and minima, of blocks that BlocksOf32 has.
template <class Traits>
struct ScalesFirst : HalfScales<Traits::minimum> {};
// A binary16 scale, and a minimum where the format has one.
template <class Traits>
struct WholeScales : SpreadHead<Traits> {
  static constexpr bool minimum = Traits::minimum, factors = false;
  static TFM_LANES F scale(const std::byte* scales, Index, Index b) { return SpreadHead<Traits>::half(scales, b, 0); }
  static TFM_LANES F offset(const std::byte* scales, Index, Index b) { return SpreadHead<Traits>::half(scales, b, 1); }
};
// Binary16 numbers of a whole block times an integer of each part.
template <class Traits>
struct PartScales : SpreadHead<Traits> {
  using Head = SpreadHead<Traits>;
  static constexpr bool minimum = Traits::minimum, factors = false;
  static TFM_LANES F of(const std::byte* scales, Index b, Index which) {
    return mul(Head::half(scales, b, which), Head::number(scales, b, which * Traits::parts + b % Traits::parts));
  }
  static TFM_LANES F scale(const std::byte* scales, Index, Index b) { return of(scales, b, 0); }
  static TFM_LANES F offset(const std::byte* scales, Index, Index b) { return of(scales, b, 1); }
};
// A binary16 scale of a whole block, and an integer of each half of a part.
template <class Traits>
struct SixteensScales : SpreadHead<Traits> {
  using Head = SpreadHead<Traits>;
  static constexpr bool minimum = false, factors = true;
  static TFM_LANES F scale(const std::byte* scales, Index, Index b) { return Head::half(scales, b, 0); }
  static TFM_LANES F factor(const std::byte* scales, Index, Index b, int half) { return Head::number(scales, b, b % Traits::parts * 2 + half); }
};

// Words::two(from, i, low, high) gives columns 4 i .. and 16 + 4 i .. of a block, for i below 4.
struct Nibbles {
  static constexpr Index bytes = byte_block / 2;
  static TFM_LANES void two(const std::byte* from, int i, Bytes& low, Bytes& high) {
    const Bytes both = load_bytes(from + 64 * i);
    low = moved<0>(both, 15), high = moved<-4>(both, 15);
  }
};
// Bit i of a byte for columns 4 i .., to bit At.
template <int At>
TFM_LANES void two_bits_of_eight(Bytes eight, int i, Bytes& low, Bytes& high) {
  constexpr int bit = 1 << At;
  low = i == 0 ? moved<At>(eight, bit) : i == 1 ? moved<At - 1>(eight, bit) : i == 2 ? moved<At - 2>(eight, bit) : moved<At - 3>(eight, bit);
  high = i == 0 ? moved<At - 4>(eight, bit) : i == 1 ? moved<At - 5>(eight, bit) : i == 2 ? moved<At - 6>(eight, bit) : moved<At - 7>(eight, bit);
}
// Two words of pairs of bits: bits 2 f, 2 f + 1 of word i % 2 for columns 4 (2 f + i % 2) .., to bits At, At + 1.
template <int At>
TFM_LANES void two_pairs_of_four(const std::byte* from, int i, Bytes& low, Bytes& high) {
  constexpr int bits = 3 << At;
  const Bytes four = load_bytes(from + 64 * (i % 2));
  low = i < 2 ? moved<At>(four, bits) : moved<At - 2>(four, bits);
  high = i < 2 ? moved<At - 4>(four, bits) : moved<At - 6>(four, bits);
}
// Nibbles, and a word of the fifth bits; of levels that have a sign, stored 16 larger.
template <bool Signed>
struct FiveBits {
  static constexpr Index bytes = byte_block * 5 / 8;
  static TFM_LANES void two(const std::byte* from, int i, Bytes& low, Bytes& high) {
    Bytes fifth[2];
    Nibbles::two(from, i, low, high);
    two_bits_of_eight<4>(load_bytes(from + Nibbles::bytes), i, fifth[0], fifth[1]);
    low = either(low, fifth[0]), high = either(high, fifth[1]);
    if constexpr (Signed) low = lowered(low, 16), high = lowered(high, 16);
  }
};
// Nibbles, and pairs of the high bits.
struct SixBits {
  static constexpr Index bytes = byte_block * 6 / 8;
  static TFM_LANES void two(const std::byte* from, int i, Bytes& low, Bytes& high) {
    Bytes top[2];
    Nibbles::two(from, i, low, high);
    two_pairs_of_four<4>(from + Nibbles::bytes, i, top[0], top[1]);
    low = either(low, top[0]), high = either(high, top[1]);
  }
};
// Pairs of the low bits, and a word of the third ones; stored 4 larger, given as 32 larger.
struct ThreeBits {
  static constexpr Index bytes = byte_block * 3 / 8;
  static TFM_LANES void two(const std::byte* from, int i, Bytes& low, Bytes& high) {
    Bytes third[2];
    two_pairs_of_four<0>(from, i, low, high);
    two_bits_of_eight<2>(load_bytes(from + byte_block / 4), i, third[0], third[1]);
    low = lowered(either(low, third[0]), -28), high = lowered(either(high, third[1]), -28);
  }
};
// Nibbles that number Sixteen's levels.
template <const signed char* Sixteen>
struct NumberedLevels {
  static constexpr Index bytes = Nibbles::bytes;
  static TFM_LANES void two(const std::byte* from, int i, Bytes& low, Bytes& high) {
    Nibbles::two(from, i, low, high);
    low = looked_up(Sixteen, low), high = looked_up(Sixteen, high);
  }
};

template <class Scales, class Words, Stored Own>
struct WordBlocks : Scales {
  static constexpr Index bytes = Words::bytes;
  static constexpr Stored stored = Own;
  static TFM_LANES I start(const int* starts, const int* half_starts, int half) { return start_of<Own>(starts, half_starts, half); }
  template <int T, int P>
  static TFM_LANES void dot(IntSums<T, P>& sums, const std::byte* const* w, const signed char* a, Index row, int half) {
    static_assert(Own != Stored::int8, "tfm: levels with a sign are multiplied as bytes");
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
};

// Columns from .. to of a panel, exact, by way of Blocks, which are ExpandedBlocks.
template <class Blocks, Stored Own>
[[gnu::noinline]] inline void words_to_floats(Expander expand, const std::byte* panel, Index header, Index blocks, Index from, Index to,
                                              float* out) {
  alignas(64) std::byte levels[byte_block];
  alignas(64) float numbers[3 * blocks_expanded * 16];
  const auto scales = reinterpret_cast<const std::byte*>(numbers);
  const F more = set(Own == Stored::larger_by_32 ? 32.f : Own == Stored::larger_by_8 ? 8.f : 0.f);
  by_blocks<activation_block>(from, to, [&](Index b, Index k, Index end) {
    expand(panel + header, panel, blocks, b, 1, levels, numbers);
    const F scale = Blocks::scale(scales, blocks_expanded, 0);
    F of_halves[2] = {scale, scale}, offset = zero();
    if constexpr (Blocks::factors)
      for (int half = 0; half < 2; ++half) of_halves[half] = mul(scale, Blocks::factor(scales, blocks_expanded, 0, half));
    if constexpr (Blocks::minimum) offset = Blocks::offset(scales, blocks_expanded, 0);
    out = expand_fours(k, end, out, [&](Index i, int j) {
      const Index own = i % activation_block;
      const F level = sub(byte_of_4(levels + own / 4 * 64, j), more), times = of_halves[own / (activation_block / 2)];
      return Blocks::minimum ? fma(level, times, offset) : mul(level, times);  // the product is exact
    });
  });
}

// Products of one token read WordBlocks as they lie, or, unless Direct, expanded as those of several do: that costs the compiler little.
template <class Blocks, class Expanded, bool Direct>
struct WordTiles : ExpandedTiles<Expanded> {
  using type = ExpandedTiles<Expanded>;
};
template <class Blocks, class Expanded>
struct WordTiles<Blocks, Expanded, true> {
  using type = WordTiles;
  template <int P, bool Many>
  static void run(const Panels& w, Index p, const Quantised& x, Index tokens, float* y, Index y_row, Index last) {
    if constexpr (Many) ExpandedTiles<Expanded>::template run<P, true>(w, p, x, tokens, y, y_row, last);
    else BlockTiles<Blocks>::template run<P, false>(w, p, x, tokens, y, y_row, last);
  }
};

// FormatLanes of formats whose levels are words.
template <Format F, template <class> class OwnScales, class Words, Stored Own, bool Direct = false>
struct WordLanes {
  using Traits = FormatTraits<F>;
  using Scales = OwnScales<Traits>;
  using Blocks = WordBlocks<Scales, Words, Own>;
  using Expanded = ExpandedBlocks<Own, Scales::minimum, Scales::factors>;
  using Tiles = typename WordTiles<Blocks, Expanded, Direct>::type;
  static constexpr Expander expander = expand_blocks<Blocks>;

  static void expand(const std::byte* panel, Index cols, Index from, Index to, float* out) {
    words_to_floats<Expanded, Own>(expander, panel, Traits::header_bytes(cols), cols / activation_block, from, to, out);
  }
};
