// IQ4_XS over lanes.
template <>
struct FormatLanes<Format::iq4_xs> : WordLanes<Format::iq4_xs, PartScales, NumberedLevels<detail::iq4_levels>, Stored::int8> {};
