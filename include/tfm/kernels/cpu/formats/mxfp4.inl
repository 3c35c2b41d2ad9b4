// MXFP4 over lanes.

// Powers of two, also those below the smallest normal number.
template <class Traits>
struct PowerScales : SpreadHead<Traits> {
  static constexpr bool minimum = false, factors = false;
  static TFM_LANES F scale(const std::byte* scales, Index, Index b) {
    const I n = SpreadHead<Traits>::integer(scales, b, 0);
    return if_less(to_float(n), zero(), mul(power_of_two(add(n, set_int(2))), set(0.25f)), power_of_two(n));
  }
};

template <>
struct FormatLanes<Format::mxfp4>
    : WordLanes<Format::mxfp4, PowerScales, NumberedLevels<FormatTraits<Format::mxfp4>::twice>, Stored::int8> {};
