// Q4_0 over lanes.
template <>
struct FormatLanes<Format::q4_0> : WordLanes<FormatTraits<Format::q4_0>, HalfScales<false>, Nibbles, Stored::larger_by_8, true> {};
