// BF16 over lanes.
struct PanelBF16 {
  static TFM_LANES F at(const std::byte* w, Index k, Index) {
    return k % 2 == 0 ? even_bf16(w + k * sixteen_halves) : odd_bf16(w + (k - 1) * sixteen_halves);
  }
};

template <>
struct FormatLanes<Format::bf16> {
  using Floats = PanelBF16;
  static constexpr bool many_tokens = false;
  static constexpr bool pairs_of_bf16 = true;

  static void expand(const std::byte* panel, Index, Index from, Index to, float* out) {
    expand_fours(from, to, out, [&](Index k, int) { return PanelBF16::at(panel, k, 0); });
  }
};
