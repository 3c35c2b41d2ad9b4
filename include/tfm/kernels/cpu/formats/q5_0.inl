// Q5_0 over lanes.
template <>
struct FormatLanes<Format::q5_0> : WordLanes<Format::q5_0, WholeScales, FiveBits<true>, Stored::int8> {};
