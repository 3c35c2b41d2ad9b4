#pragma once
// Names and texts out of files, made printable for messages.
#include <cstddef>
#include <string>
#include <string_view>

#include "tfm/core/config.hpp"

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

}  // namespace tfm::inline TFM_ABI
