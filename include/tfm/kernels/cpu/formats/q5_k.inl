// Q5_K over lanes.
template <>
struct FormatLanes<Format::q5_k> : WordLanes<Format::q5_k, PartScales, FiveBits<false>, Stored::as_they_are> {};
