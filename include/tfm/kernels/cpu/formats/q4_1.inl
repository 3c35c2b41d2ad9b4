// Q4_1 over lanes.
template <>
struct FormatLanes<Format::q4_1> {
  using Tiles = BlockTiles<WordBlocks<HalfScales<true>, Nibbles, Stored::as_they_are>>;

  static void expand(const std::byte* panel, Index cols, Index from, Index to, float* out) {
    using Traits = FormatTraits<Format::q4_1>;
    const std::byte* const values = panel + Traits::header_bytes(cols);
    by_blocks<Traits::block>(from, to, [&](Index b, Index k, Index end) {
      const F scale = load_f16(panel + b * sixteen_halves), offset = load_f16(panel + (cols / Traits::block + b) * sixteen_halves);
      // the product is exact
      out = expand_fours(k, end, out, [&](Index i, int j) { return fma(nibble_of_block(values, i, j), scale, offset); });
    });
  }
};
