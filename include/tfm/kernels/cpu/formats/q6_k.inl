// Q6_K over lanes.

// Levels 32 larger than they are: four words of nibbles, then two with the high bits of fours i, i + 2, i + 4 and i + 6.
struct SixBits {
  static constexpr Index bytes = FormatTraits<Format::q6_k>::part_bytes * 16;
  static TFM_LANES void two(const std::byte* from, int i, Bytes& low, Bytes& high) {
    const Bytes both = load_bytes(from + 64 * i), top = load_bytes(from + Nibbles::bytes + 64 * (i % 2));
    low = either(moved<0>(both, 15), i < 2 ? moved<4>(top, 48) : moved<2>(top, 48));
    high = either(moved<-4>(both, 15), i < 2 ? moved<0>(top, 48) : moved<-2>(top, 48));
  }
};
// Of 256 columns a binary16 scale of each row, and an int8 of each row's sixteens.
struct SixteenScales : SpreadHead<FormatTraits<Format::q6_k>> {
  static constexpr bool minimum = false, factors = true;
  static TFM_LANES F scale(const std::byte* scales, Index, Index b) { return half(scales, b, 0); }
  static TFM_LANES F factor(const std::byte* scales, Index, Index b, int which) {
    return number(scales, b, b % FormatTraits<Format::q6_k>::parts * 2 + which);
  }
};

template <>
struct FormatLanes<Format::q6_k> {
  using Own = WordBlocks<SixteenScales, SixBits, Stored::larger_by_32>;
  using Tiles = BlockTiles<Own>;

  static void expand(const std::byte* panel, Index cols, Index from, Index to, float* out) {
    Own::expand(panel, FormatTraits<Format::q6_k>::header_bytes(cols), 0, from, to, out);
  }
};
