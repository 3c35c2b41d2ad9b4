// Q8_0 over lanes.
template <>
struct FormatLanes<Format::q8_0> {
  using Tiles = BlockTiles<ByteBlocks>;

  static void expand(const std::byte* panel, Index cols, Index from, Index to, float* out) {
    const std::byte* const values = panel + FormatTraits<Format::q8_0>::header_bytes(cols);
    by_blocks<FormatTraits<Format::q8_0>::block>(from, to, [&](Index b, Index k, Index end) {
      const F scale = load_f16(panel + b * sixteen_halves);
      out = expand_fours(k, end, out, [&](Index i, int j) { return mul(byte_of_4(values + i / 4 * 64, j), scale); });
    });
  }
};
