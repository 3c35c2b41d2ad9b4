#pragma once
// Encodings: whether bytes are text in UTF-8; and where they are not, at which line, what they look like, and what makes UTF-8 of them.
#include <cstddef>
#include <string>
#include <string_view>

#include "tfm/core/error.hpp"
#include "tfm/core/index.hpp"
#include "tfm/text/utf8.hpp"

namespace tfm::inline TFM_ABI {

/// The text without U+FEFF at its beginning, which some programs write before UTF-8: it says how bytes lie and is no part of a text.
constexpr std::string_view without_byte_order_mark(std::string_view text) noexcept {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  return text;
}

/// "UTF-16", "UTF-16LE", "UTF-32" and so on, as iconv names them, where bytes are text in units of two or four bytes: by the mark at
/// their beginning, or because in every unit the same bytes are zero, as in all of the world's simpler letters. Empty: they are not.
std::string_view wide_encoding(std::string_view bytes) noexcept;

namespace detail {
inline std::string iconv(std::string_view options, std::string_view file) { return joined({"iconv ", options, " -t UTF-8 ", file, " > NEW_FILE"}); }
}  // namespace detail

/// Why bytes are no text in UTF-8, as the end of a message that begins with the file's name; empty where they are.
std::string encoding_fault(std::string_view bytes, std::string_view file);

/// The text of a file's bytes, without a byte order mark. Errors: LoadError with the file's name, the line from 1, what was found there,
/// and a command that makes UTF-8 of it, where bytes are something else.
std::string_view utf8_text(std::string_view bytes, std::string_view file);

/// The same of a text in which single bytes may be wrong, as of one that was cut somewhere: units of two or four bytes alone are refused.
std::string_view narrow_text(std::string_view bytes, std::string_view file);

}  // namespace tfm::inline TFM_ABI

#if defined(TFM_DEFINITIONS)
#include "tfm/text/encoding.inl"
#endif
