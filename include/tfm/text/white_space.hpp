#pragma once
// White space at the ends of a text, as Python's str.strip() has it: chat templates use that.
#include <array>
#include <string_view>

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

/// `text` (UTF-8) without the white space at its beginning.
constexpr std::string_view trimmed_left(std::string_view text) noexcept {
  for (std::size_t taken = 1; taken > 0;) {
    taken = !text.empty() && detail::is_ascii_white_space(text.front()) ? 1 : 0;
    for (std::string_view space : detail::wide_white_space) {
      if (text.starts_with(space)) taken = space.size();
    }
    text.remove_prefix(taken);
  }
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

}  // namespace tfm::inline TFM_ABI
