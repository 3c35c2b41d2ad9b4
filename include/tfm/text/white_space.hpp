#pragma once
// White space as Python has it: at the ends of a text (str.strip(), which chat templates use), and between words
// (str.split(), which measures of translations use).
#include <array>
#include <string_view>
#include <vector>

#include "tfm/core/config.hpp"

namespace tfm::inline TFM_ABI {
namespace detail {
/// Unicode's white space above ASCII, as UTF-8: U+0085, U+00A0, U+1680, U+2000 to U+200A, U+2028, U+2029, U+202F,
/// U+205F, U+3000.
inline constexpr std::array<std::string_view, 19> wide_white_space{
    "\xc2\x85",     "\xc2\xa0",     "\xe1\x9a\x80", "\xe2\x80\x80", "\xe2\x80\x81", "\xe2\x80\x82", "\xe2\x80\x83",
    "\xe2\x80\x84", "\xe2\x80\x85", "\xe2\x80\x86", "\xe2\x80\x87", "\xe2\x80\x88", "\xe2\x80\x89", "\xe2\x80\x8a",
    "\xe2\x80\xa8", "\xe2\x80\xa9", "\xe2\x80\xaf", "\xe2\x81\x9f", "\xe3\x80\x80"};

constexpr bool is_ascii_white_space(char c) noexcept { return (c >= '\t' && c <= '\r') || (c >= '\x1c' && c <= ' '); }
}  // namespace detail

/// The bytes of the white space that `text` (UTF-8) begins with: one character's, or 0.
constexpr std::size_t leading_white_space(std::string_view text) noexcept {
  if (text.empty()) return 0;
  if (static_cast<unsigned char>(text.front()) < 0x80) return detail::is_ascii_white_space(text.front()) ? 1 : 0;
  for (std::string_view space : detail::wide_white_space) {
    if (text.starts_with(space)) return space.size();
  }
  return 0;
}

/// `text` (UTF-8) without the white space at its beginning.
constexpr std::string_view trimmed_left(std::string_view text) noexcept {
  while (const std::size_t space = leading_white_space(text)) text.remove_prefix(space);
  return text;
}

/// The same at its end.
constexpr std::string_view trimmed_right(std::string_view text) noexcept {
  for (std::size_t taken = 1; taken > 0;) {
    taken = !text.empty() && detail::is_ascii_white_space(text.back()) ? 1 : 0;
    for (std::string_view space : detail::wide_white_space) {
      if (text.ends_with(space)) taken = space.size();
    }
    text.remove_suffix(taken);
  }
  return text;
}

/// The same at both ends.
constexpr std::string_view trimmed(std::string_view text) noexcept { return trimmed_right(trimmed_left(text)); }

/// The words of `text` (UTF-8): what stands between white space. None is empty; they point into the text.
std::vector<std::string_view> words_of(std::string_view text);

}  // namespace tfm::inline TFM_ABI

#if defined(TFM_DEFINITIONS)
#include "tfm/text/white_space.inl"
#endif
