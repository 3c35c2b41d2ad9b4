// Q5_K over lanes.
template <>
struct FormatLanes<Format::q5_k> : WordLanes<FormatTraits<Format::q5_k>, PartScales<FormatTraits<Format::q5_k>>, FiveBits<false>, Stored::as_they_are, false> {};
