#pragma once
// UTF-8: well-formedness (Unicode 15, table 3-7), code points, and what becomes of bytes that are no characters.
#include <cstddef>
#include <string>
#include <string_view>

#include "tfm/core/config.hpp"

namespace tfm::inline TFM_ABI {

/// U+FFFD, which stands for one byte that belongs to no character.
inline constexpr std::string_view replacement_character = "\xEF\xBF\xBD";

/// What text begins with: 1 to 4, the length of a well-formed character; 0, a byte that belongs to none;
/// -1, a character whose end is missing because the text ends first. The text is not empty.
constexpr int utf8_character(std::string_view text) noexcept {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return 1;
  if (first < 0xC2 || first > 0xF4) return 0;
  const std::size_t length = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
  // The second byte's range is narrower where it would spell an overlong form, a surrogate, or more than U+10FFFF.
  unsigned char low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
  unsigned char high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
  for (std::size_t i = 1; i < length; ++i, low = 0x80, high = 0xBF) {
    if (i == text.size()) return -1;
    if (byte(i) < low || byte(i) > high) return 0;
  }
  return static_cast<int>(length);
}

/// The bytes, at least one, that begin the text and could have begun a character (Unicode 15, section 3.9: the maximal subpart).
/// The text is not empty, and begins with no character.
constexpr std::size_t broken_character(std::string_view text) noexcept {
  std::size_t size = 1;
  while (size < text.size() && size < 4 && utf8_character(text.substr(0, size)) < 0 && utf8_character(text.substr(0, size + 1)) < 0) ++size;
  return size;
}

constexpr bool is_utf8(std::string_view text) noexcept {
  while (!text.empty()) {
    const int length = utf8_character(text);
    if (length <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(length));
  }
  return true;
}

/// The code point at text[at], and at moves behind it. The text is well-formed.
constexpr char32_t next_code_point(std::string_view text, std::size_t& at) noexcept {
  const auto byte = [&](std::size_t i) { return static_cast<char32_t>(static_cast<unsigned char>(text[i])); };
  const char32_t first = byte(at++);
  if (first < 0x80) return first;
  const int more = first < 0xE0 ? 1 : first < 0xF0 ? 2 : 3;
  char32_t code = first & (0x3Fu >> more);
  for (int i = 0; i < more; ++i) code = code << 6 | (byte(at++) & 0x3F);
  return code;
}

/// Appends the character of a code point up to U+10FFFF.
void append_utf8(std::string& text, char32_t code);

/// The number of bytes at the end of text, 0 to 3, that begin a character whose rest may still come.
constexpr std::size_t incomplete_tail(std::string_view text) noexcept {
  for (std::size_t n = 1; n <= 3 && n <= text.size(); ++n) {
    if (utf8_character(text.substr(text.size() - n)) < 0) return n;
  }
  return 0;
}

/// What U+FFFD stands for: every single byte that belongs to no character (sentencepiece's rule, and llama.cpp's), or every
/// beginning of one (Unicode's recommendation, which Hugging Face's byte-level decoder follows).
enum class InvalidUtf8 : unsigned char { each_byte, each_beginning };

/// Bytes in, characters out: keeps back a character's beginning until the rest comes, and writes U+FFFD for what is none.
class Utf8Stream {
  std::string pending_;  // at most three bytes between two calls

  void drain(std::string& out, bool end, InvalidUtf8 rule);

 public:
  /// Appends to out the characters that `bytes` completes.
  void push(std::string_view bytes, std::string& out, InvalidUtf8 rule = InvalidUtf8::each_byte);
  /// No byte of the same run follows: what is kept back becomes U+FFFD.
  void flush(std::string& out, InvalidUtf8 rule = InvalidUtf8::each_byte) { drain(out, true, rule); }
  /// Whether a character is waiting for its end.
  bool pending() const noexcept { return !pending_.empty(); }
};

/// The text with U+FFFD for every byte that belongs to no character.
std::string replace_invalid(std::string_view text);

}  // namespace tfm::inline TFM_ABI

#if defined(TFM_DEFINITIONS)
#include "tfm/text/utf8.inl"
#endif
