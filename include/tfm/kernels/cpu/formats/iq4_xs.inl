// IQ4_XS over lanes.
template <>
struct FormatLanes<Format::iq4_xs> : WordLanes<FormatTraits<Format::iq4_xs>, PartScales<FormatTraits<Format::iq4_xs>>, NumberedLevels<detail::iq4_levels>, Stored::int8, false> {};
