#pragma once
// Writing JSON: strings as the text that stands for them.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "tfm/formats/message.hpp"

namespace tfm::inline TFM_ABI {

namespace detail {
/// Whether `text` is UTF-8: shortest forms only, no surrogates, nothing above U+10FFFF (Unicode 15, table 3-7).
constexpr bool fit_for_json(std::string_view text) noexcept {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  for (std::size_t i = 0; i < text.size();) {
    const unsigned char first = byte(i);
    const std::size_t length = first < 0x80   ? 1
                               : first < 0xc2 ? 0
                               : first < 0xe0 ? 2
                               : first < 0xf0 ? 3
                               : first < 0xf5 ? 4
                                              : 0;
    if (length == 0 || length > text.size() - i) return false;
    unsigned char least = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    unsigned char most = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
    for (std::size_t k = i + 1; k < i + length; ++k, least = 0x80, most = 0xbf)
      if (byte(k) < least || byte(k) > most) return false;
    i += length;
  }
  return true;
}
}  // namespace detail

/// The characters of a JSON string: all of UTF-8, or ASCII alone, as Python's json.dump writes by default.
enum class JsonCharacters : unsigned char { utf8, ascii };

/// `text` as a JSON string, with its quotes. Throws LoadError where it is not UTF-8, which JSON cannot hold.
inline std::string json_string(std::string_view text, JsonCharacters characters = JsonCharacters::utf8) {
  if (!detail::fit_for_json(text))
    raise(LoadError("tfm: " + in_quotes(text) + " is not UTF-8 and cannot be written as JSON"));
  constexpr std::string_view digits = "0123456789abcdef";
  constexpr std::string_view short_from = "\b\t\n\f\r", short_to = "btnfr";
  const bool ascii = characters == JsonCharacters::ascii;
  std::string out = "\"";
  const auto unit = [&](char32_t code) {
    out += "\\u";
    for (const int shift : {12, 8, 4, 0}) out += digits[code >> shift & 15];
  };
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    const auto byte = static_cast<unsigned char>(c);
    const std::size_t known = ascii ? short_from.find(c) : text.npos;
    if (c == '"' || c == '\\') out.append(1, '\\').append(1, c);
    else if (known != text.npos) out.append(1, '\\').append(1, short_to[known]);
    else if (byte < 0x20 || (ascii && byte == 0x7f)) unit(byte);
    else if (!ascii || byte < 0x80) out += c;
    else {
      char32_t code = byte & (byte < 0xe0 ? 0x1fu : byte < 0xf0 ? 0x0fu : 0x07u);
      for (int more = byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3; more > 0; --more)
        code = code << 6 | (static_cast<unsigned char>(text[++at]) & 0x3fu);
      if (code >= 0x10000) unit(0xd800 + ((code - 0x10000) >> 10)), code = 0xdc00 + ((code - 0x10000) & 0x3ff);
      unit(code);
    }
  }
  return out + '"';
}

}  // namespace tfm::inline TFM_ABI
