// F32 over lanes.
template <>
struct FormatLanes<Format::f32> {
  using Floats = PlainF32;
  static constexpr bool many_tokens = true;

  static void expand(const std::byte* panel, Index, Index from, Index to, float* out) {
    expand_fours(from, to, out, [&](Index k, int) { return PlainF32::at(panel, k, 16); });
  }
};
