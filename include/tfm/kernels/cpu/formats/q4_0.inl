// Q4_0 over lanes.
template <>
struct FormatLanes<Format::q4_0> {
  using Tiles = BlockTiles<WordBlocks<HalfScales<false>, Nibbles, Stored::larger_by_8>>;

  static void expand(const std::byte* panel, Index cols, Index from, Index to, float* out) {
    const std::byte* const values = panel + FormatTraits<Format::q4_0>::header_bytes(cols);
    by_blocks<FormatTraits<Format::q4_0>::block>(from, to, [&](Index b, Index k, Index end) {
      const F scale = load_f16(panel + b * sixteen_halves);
      out = expand_fours(k, end, out, [&](Index i, int j) { return mul(sub(nibble_of_block(values, i, j), set(8.f)), scale); });
    });
  }
};
