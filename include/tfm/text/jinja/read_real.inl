#pragma once
// A decimal number out of its digits: std::from_chars, and strtod where a standard library has none for doubles (libc++ before 20).
#include <charconv>
#include <clocale>
#include <cmath>
#include <cstdlib>
#include <string>
#include <string_view>

#include "tfm/core/config.hpp"

namespace tfm::inline TFM_ABI::jinja {

/// The nearest double to the number that `text` begins with, in any locale: 0 or infinite where it is beyond all of them. Returns how many
/// characters belong to it; 0: there is none.
inline std::size_t read_real(std::string_view text, double& out) {
#if defined(__cpp_lib_to_chars)
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  const auto read = static_cast<std::size_t>(end - text.data());
  if (error == std::errc::result_out_of_range) {
    const std::size_t power = text.substr(0, read).find_first_of("eE");
    const bool small = power != text.npos && text[power + 1] == '-';
    out = std::copysign(small ? 0.0 : HUGE_VAL, text[0] == '-' ? -1.0 : 1.0);
  }
  return error == std::errc::invalid_argument ? 0 : read;
#else
  // strtod takes white space and a plus sign besides, and of points that of the program's locale.
  if (text.empty() || text[0] == '+' || static_cast<unsigned char>(text[0]) <= ' ') return 0;
  std::string digits(text);
  const std::string_view point = std::localeconv()->decimal_point;
  const std::size_t at = digits.find('.');
  if (at != digits.npos) digits.replace(at, 1, point);
  char* end = nullptr;
  out = std::strtod(digits.c_str(), &end);
  const auto read = static_cast<std::size_t>(end - digits.c_str());
  return at != digits.npos && read > at ? read - (point.size() - 1) : read;
#endif
}

}  // namespace tfm::inline TFM_ABI::jinja
