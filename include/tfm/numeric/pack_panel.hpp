#pragma once
// From rows as files have them to one panel.
#include "tfm/numeric/panels.hpp"

namespace tfm::inline TFM_ABI {

/// Writes the first `count` rows of a panel, which a file has at rows[r], and 0 into the others. `scales` are theirs, for Int8.
void pack_panel(Format format, const std::byte* const* rows, Index count, Index cols, const float* scales, std::byte* panel) noexcept;

}  // namespace tfm::inline TFM_ABI

#if defined(TFM_DEFINITIONS)
#include "tfm/numeric/pack_panel.inl"
#endif
