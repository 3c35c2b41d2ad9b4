#pragma once
// Numbers as people and other programs' reports write them: with so many digits after the point.
#include <charconv>
#include <cmath>
#include <string>

#include "tfm/formats/message.hpp"

namespace tfm::inline TFM_ABI::detail {

inline std::string fixed(double value, int digits) {
  if (!std::isfinite(value)) return number_text(value);
  char text[400];
  return {text, std::to_chars(text, text + sizeof text, value, std::chars_format::fixed, digits).ptr};
}

}  // namespace tfm::inline TFM_ABI::detail
