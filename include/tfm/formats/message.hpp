#pragma once
// What the readers' error messages are made of: shapes, reasons of the system.
#include <charconv>
#include <cstddef>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <system_error>

#include "tfm/core/error.hpp"
#include "tfm/core/index.hpp"
#include "tfm/core/quotes.hpp"

namespace tfm::inline TFM_ABI {

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
[[noreturn]] inline void fail(std::string_view file, std::string_view what) { fail(file, std::initializer_list<TextPart>{what}); }
}  // namespace detail

}  // namespace tfm::inline TFM_ABI
