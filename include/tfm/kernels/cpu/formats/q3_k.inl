// Q3_K over lanes.
template <>
struct FormatLanes<Format::q3_k> : WordLanes<FormatTraits<Format::q3_k>, SixteensScales<FormatTraits<Format::q3_k>>, ThreeBits, Stored::larger_by_32, false> {};
