#pragma once
// Names and texts out of files, made printable for messages.
#include <cstddef>
#include <string>
#include <string_view>

#include "tfm/core/config.hpp"

namespace tfm::inline TFM_ABI {

/// `text`, fit to be printed whatever bytes a file has in it: bytes that are not printable ASCII become \xNN, and what
/// is longer than `longest` bytes is cut.
[[gnu::cold]] std::string printable(std::string_view text, std::size_t longest);

/// A name or text out of a file, in quotes; of a long one the beginning and its length.
[[gnu::cold]] std::string in_quotes(std::string_view text);

}  // namespace tfm::inline TFM_ABI

#if defined(TFM_DEFINITIONS)
#include "tfm/core/quotes.inl"
#endif
