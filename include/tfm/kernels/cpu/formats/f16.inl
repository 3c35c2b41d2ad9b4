// F16 over lanes.
struct PanelF16 {
  static TFM_LANES F at(const std::byte* w, Index k, Index) { return load_f16(w + k * sixteen_halves); }
};

template <>
struct FormatLanes<Format::f16> {
  using Floats = PanelF16;
  static constexpr bool many_tokens = false;

  static void expand(const std::byte* panel, Index, Index from, Index to, float* out) {
    expand_fours(from, to, out, [&](Index k, int) { return PanelF16::at(panel, k, 0); });
  }
};
