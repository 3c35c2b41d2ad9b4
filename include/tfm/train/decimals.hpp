#pragma once
// Numbers as people and other programs' reports write them.
#include <string>

namespace tfm::inline TFM_ABI {

/// So many digits after the point: "0.50"; of what is not finite its name.
std::string fixed_text(double value, int digits);

/// "1,234,567"; n is at least 0.
std::string grouped_text(Index n);

/// Seconds as "0:07", "12:34" or "3:25:45".
std::string duration_text(double seconds);

}  // namespace tfm::inline TFM_ABI

#if defined(TFM_DEFINITIONS)
#include "tfm/train/decimals.inl"
#endif
