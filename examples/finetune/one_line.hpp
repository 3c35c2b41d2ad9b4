#pragma once
// An answer as one line, whatever is in it.
#include <string>
#include <string_view>

#include "tfm/text/utf8.hpp"

namespace cli {

/// Line breaks as \n and \r, other control characters as \xNN, Unicode's line ends (U+0085, U+2028, U+2029) as \uNNNN; a backslash twice, so that
/// nothing else looks the same. Bytes that are not UTF-8 become U+FFFD; tabs stay.
inline std::string in_one_line(std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  const std::string whole = tfm::replace_invalid(text);
  for (std::size_t at = 0; at < whole.size();) {
    const std::size_t begin = at;
    const char32_t c = tfm::next_code_point(whole, at);
    if (c == '\n') out += "\\n";
    else if (c == '\r') out += "\\r";
    else if (c == '\\') out += "\\\\";
    else if ((c < 0x20 && c != '\t') || c == 0x7f) out.append("\\x").append(1, digits[c >> 4]).append(1, digits[c & 15]);
    else if (c == 0x85) out += "\\u0085";
    else if (c == 0x2028 || c == 0x2029) out.append("\\u202").append(1, digits[c & 15]);
    else out.append(whole, begin, at - begin);
  }
  return out;
}

}  // namespace cli
