// Q4_K over lanes.
template <>
struct FormatLanes<Format::q4_k> {
  using Traits = FormatTraits<Format::q4_k>;
  using Scales = KScales<Traits>;
  using Tiles = BlockTiles<WordBlocks<Scales, Nibbles, Stored::as_they_are>>;

  static void expand(const std::byte* panel, Index cols, Index from, Index to, float* out) {
    const std::byte* const values = panel + Traits::header_bytes(cols);
    by_blocks<activation_block>(from, to, [&](Index b, Index k, Index end) {
      const F scale = Scales::scale(panel, 0, b), offset = Scales::offset(panel, 0, b);
      out = expand_fours(k, end, out, [&](Index i, int j) { return fma(nibble_of_block(values, i, j), scale, offset); });  // the product is exact
    });
  }
};
