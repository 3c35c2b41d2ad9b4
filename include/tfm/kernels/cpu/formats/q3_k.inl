// Q3_K over lanes.
template <>
struct FormatLanes<Format::q3_k> : WordLanes<Format::q3_k, SixteensScales, ThreeBits, Stored::larger_by_32> {};
