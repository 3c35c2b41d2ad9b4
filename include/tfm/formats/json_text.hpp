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
std::string json_string(std::string_view text, JsonCharacters characters = JsonCharacters::utf8);

}  // namespace tfm::inline TFM_ABI

#if defined(TFM_DEFINITIONS)
#include "tfm/formats/json_text.inl"
#endif
