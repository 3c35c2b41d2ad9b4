// IQ4_NL over lanes.
template <>
struct FormatLanes<Format::iq4_nl> : WordLanes<Format::iq4_nl, WholeScales, NumberedLevels<detail::iq4_levels>, Stored::int8> {};
