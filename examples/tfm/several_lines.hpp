#pragma once
// Messages of several lines, typed one after the other.
#include <string>
#include <string_view>

namespace cli {

inline constexpr std::string_view three_quotes = "\"\"\"";

/// Whether a message is put between """ and """, which may stand in one line.
inline bool is_quoted(std::string_view typed) {
  const std::size_t begin = typed.find_first_not_of(" \t\n");
  return begin != typed.npos && typed.substr(begin).starts_with(three_quotes);
}

/// Whether what was typed is to go on in another line: """ is not closed yet, or else a backslash stands at the end.
inline bool goes_on(std::string_view typed) {
  if (!is_quoted(typed)) return typed.ends_with('\\');
  typed.remove_prefix(typed.find(three_quotes) + three_quotes.size());
  typed = typed.substr(0, typed.find_last_not_of(" \t\n") + 1);
  return !typed.ends_with(three_quotes);
}

/// The message in what was typed: without the quotes, and the line breaks beside them.
inline std::string message_in(std::string_view typed) {
  if (is_quoted(typed)) {
    typed.remove_prefix(typed.find(three_quotes) + three_quotes.size());
    if (const auto end = typed.rfind(three_quotes); end != typed.npos) typed = typed.substr(0, end);  // the end of the input closes, too
    if (typed.starts_with('\n')) typed.remove_prefix(1);
  }
  return std::string(typed.substr(0, typed.find_last_not_of('\n') + 1));
}

}  // namespace cli
