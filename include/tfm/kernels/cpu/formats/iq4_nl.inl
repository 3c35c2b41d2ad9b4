// IQ4_NL over lanes.
template <>
struct FormatLanes<Format::iq4_nl> : WordLanes<FormatTraits<Format::iq4_nl>, WholeScales<FormatTraits<Format::iq4_nl>>, NumberedLevels<detail::iq4_levels>, Stored::int8, false> {};
