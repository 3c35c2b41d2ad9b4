// Q4_0 over lanes.
template <>
struct FormatLanes<Format::q4_0> : WordLanes<Format::q4_0, ScalesFirst, Nibbles, Stored::larger_by_8, true> {};
