// Q5_0 over lanes.
template <>
struct FormatLanes<Format::q5_0> : WordLanes<FormatTraits<Format::q5_0>, WholeScales<FormatTraits<Format::q5_0>>, FiveBits<true>, Stored::int8, false> {};
