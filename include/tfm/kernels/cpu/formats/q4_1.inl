// Q4_1 over lanes.
template <>
struct FormatLanes<Format::q4_1> : WordLanes<Format::q4_1, ScalesFirst, Nibbles, Stored::as_they_are, true> {};
