// Q5_1 over lanes.
template <>
struct FormatLanes<Format::q5_1> : WordLanes<FormatTraits<Format::q5_1>, WholeScales<FormatTraits<Format::q5_1>>, FiveBits<false>, Stored::as_they_are, false> {};
