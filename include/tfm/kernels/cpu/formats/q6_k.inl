// Q6_K over lanes.
template <>
struct FormatLanes<Format::q6_k> : WordLanes<Format::q6_k, SixteensScales, SixBits, Stored::larger_by_32, true> {};
