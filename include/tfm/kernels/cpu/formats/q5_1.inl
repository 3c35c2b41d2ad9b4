// Q5_1 over lanes.
template <>
struct FormatLanes<Format::q5_1> : WordLanes<Format::q5_1, WholeScales, FiveBits<false>, Stored::as_they_are> {};
