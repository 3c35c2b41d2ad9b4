// Q4_K over lanes.
template <>
struct FormatLanes<Format::q4_k> : WordLanes<Format::q4_k, PartScales, Nibbles, Stored::as_they_are, true> {};
