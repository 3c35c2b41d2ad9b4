// Q6_K over lanes.
template <>
struct FormatLanes<Format::q6_k> : WordLanes<FormatTraits<Format::q6_k>, SixteensScales<FormatTraits<Format::q6_k>>, SixBits, Stored::larger_by_32, true> {};
