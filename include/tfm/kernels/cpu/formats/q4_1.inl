// Q4_1 over lanes.
template <>
struct FormatLanes<Format::q4_1> : WordLanes<FormatTraits<Format::q4_1>, HalfScales<true>, Nibbles, Stored::as_they_are, true> {};
