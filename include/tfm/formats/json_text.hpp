#pragma once
// Writing JSON: strings as the text that stands for them.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "tfm/formats/message.hpp"

namespace tfm::inline TFM_ABI {

/// Whether `text` is UTF-8: shortest forms only, no surrogates, nothing above U+10FFFF (Unicode 15, table 3-7).
constexpr bool is_utf8(std::string_view text) noexcept {
  for (std::size_t i = 0; i < text.size();) {
    const auto first = static_cast<unsigned char>(text[i]);
    const std::size_t length = first < 0x80 ? 1 : first >= 0xc2 && first < 0xe0 ? 2 : first >= 0xe0 && first < 0xf0 ? 3 : first >= 0xf0 && first < 0xf5 ? 4 : 0;
    if (length == 0 || length > text.size() - i) return false;
    for (std::size_t k = 1; k < length; ++k) {
      const auto next = static_cast<unsigned char>(text[i + k]);
      const unsigned least = k == 1 && first == 0xe0 ? 0xa0 : k == 1 && first == 0xf0 ? 0x90 : 0x80;
      const unsigned most = k == 1 && first == 0xed ? 0x9f : k == 1 && first == 0xf4 ? 0x8f : 0xbf;
      if (next < least || next > most) return false;
    }
    i += length;
  }
  return true;
}

/// `text` as a JSON string, with its quotes. Throws LoadError where it is not UTF-8, which JSON cannot hold.
inline std::string json_string(std::string_view text) {
  if (!is_utf8(text)) raise(LoadError("tfm: " + in_quotes(text) + " is not UTF-8 and cannot be written as JSON"));
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') out.append(1, '\\').append(1, c);
    else if (byte < 0x20) out.append("\\u00").append(1, digits[byte >> 4]).append(1, digits[byte & 15]);
    else out += c;
  }
  return out + '"';
}

}  // namespace tfm::inline TFM_ABI
