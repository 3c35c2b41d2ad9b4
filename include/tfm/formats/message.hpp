#pragma once
// What the readers' error messages are made of: numbers, shapes.
#include <cstddef>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

#include "tfm/core/error.hpp"
#include "tfm/core/index.hpp"
#include "tfm/core/quotes.hpp"

namespace tfm::inline TFM_ABI {

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
