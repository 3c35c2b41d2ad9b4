// What decimals.hpp declares.
#include <algorithm>
#include <charconv>
#include <cmath>

#include "tfm/formats/message.hpp"

namespace tfm::inline TFM_ABI {

TFM_INLINE std::string fixed_text(double value, int digits) {
  if (!std::isfinite(value)) return number_text(value);
  char text[400];
  return {text, std::to_chars(text, text + sizeof text, value, std::chars_format::fixed, digits).ptr};
}

TFM_INLINE std::string grouped_text(Index n) {
  const std::string digits = std::to_string(n);
  std::string text;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) text += ',';
    text += digits[i];
  }
  return text;
}

TFM_INLINE std::string duration_text(double seconds) {
  if (!(seconds < 1e9)) return "?";
  const auto all = static_cast<Index>(std::max(seconds, 0.0) + 0.5), hours = all / 3600;
  const auto two = [](Index n) { return (n < 10 ? "0" : "") + std::to_string(n); };
  const std::string minutes = hours > 0 ? std::to_string(hours) + ":" + two(all / 60 % 60) : std::to_string(all / 60);
  return minutes + ":" + two(all % 60);
}

}  // namespace tfm::inline TFM_ABI
