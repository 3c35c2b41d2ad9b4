#pragma once
// What the readers' error messages are made of: names out of files made printable, shapes, reasons of the system.
#include <cstddef>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

#include "tfm/core/error.hpp"
#include "tfm/core/index.hpp"

namespace tfm::inline TFM_ABI {

/// `text`, fit to be printed whatever bytes a file has in it: bytes that are not printable ASCII become \xNN, and what
/// is longer than `longest` bytes is cut.
[[gnu::cold]] std::string printable(std::string_view text, std::size_t longest);

/// A name or text out of a file, in quotes; of a long one the beginning and its length.
[[gnu::cold]] std::string in_quotes(std::string_view text);

/// The shortest digits that say which number it is, among all doubles or among all floats.
[[gnu::cold]] std::string number_text(double value);
[[gnu::cold]] std::string number_text(float value);

/// "[32, 64]"; of a shape with very many dimensions, the first few.
[[gnu::cold]] std::string shape_text(std::span<const Index> shape);

namespace detail {
[[noreturn, gnu::cold]] void fail(std::string_view file, std::initializer_list<TextPart> what);
[[noreturn]] inline void fail(std::string_view file, std::string_view what) { fail(file, std::initializer_list<TextPart>{what}); }
}  // namespace detail

}  // namespace tfm::inline TFM_ABI

#if defined(TFM_DEFINITIONS)
#include "tfm/formats/message.inl"
#endif
