// Q4_K over lanes.
template <>
struct FormatLanes<Format::q4_k> : WordLanes<FormatTraits<Format::q4_k>, PartScales<FormatTraits<Format::q4_k>>, Nibbles, Stored::as_they_are, true> {};
