#pragma once
// What the readers' error messages are made of: names out of files made printable, shapes, reasons of the system.
#include <charconv>
#include <cstddef>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <system_error>

#include "tfm/core/error.hpp"
#include "tfm/core/index.hpp"

namespace tfm::inline TFM_ABI {

/// `text`, fit to be printed whatever bytes a file has in it: bytes that are not printable ASCII become \xNN, and what
/// is longer than `longest` bytes is cut.
[[gnu::cold, gnu::noinline]] inline std::string printable(std::string_view text, std::size_t longest) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  for (const char c : text.substr(0, longest)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte < 0x7f) out += c;
    else out.append("\\x").append(1, digits[byte >> 4]).append(1, digits[byte & 15]);
  }
  return text.size() > longest ? out + "..." : out;
}

/// A name or text out of a file, in quotes; of a long one the beginning and its length.
[[gnu::cold, gnu::noinline]] inline std::string in_quotes(std::string_view text) {
  constexpr std::size_t longest = 96;
  std::string quoted(1, '\'');
  quoted.append(printable(text, longest)).append(1, '\'');
  if (text.size() > longest) quoted.append(" (").append(std::to_string(text.size())).append(" bytes)");
  return quoted;
}

/// The shortest digits that say which number it is.
[[gnu::cold, gnu::noinline]] inline std::string number_text(double value) {
  char digits[32];
  return {digits, std::to_chars(digits, digits + sizeof digits, value).ptr};
}

/// "[32, 64]"; of a shape with very many dimensions, the first few.
[[gnu::cold, gnu::noinline]] inline std::string shape_text(std::span<const Index> shape) {
  std::string out = "[";
  for (std::size_t i = 0; i < shape.size() && i < 8; ++i)
    out.append(i > 0 ? ", " : "").append(std::to_string(shape[i]));
  if (shape.size() > 8) out += ", ... (" + std::to_string(shape.size()) + " dimensions)";
  return out + "]";
}

/// The system's words for an errno.
inline std::string system_reason(int error) { return std::generic_category().message(error); }

namespace detail {
[[noreturn, gnu::cold, gnu::noinline]] inline void fail(std::string_view file, std::initializer_list<TextPart> what) {
  raise<LoadError>({"tfm: ", file, ": ", joined(what)});
}
[[noreturn]] inline void fail(std::string_view file, std::string_view what) { fail(file, {what}); }
}  // namespace detail

}  // namespace tfm::inline TFM_ABI
