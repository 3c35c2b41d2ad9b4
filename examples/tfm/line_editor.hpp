#pragma once
// LineEditor: reads a line from the terminal, which can be edited with the usual keys, and remembers earlier lines.
#include <optional>
#include <string>
#include <string_view>

#include "history.hpp"
#include "key_reader.hpp"
#include "line_buffer.hpp"

namespace cli {

/// Arrows, Home, End, Backspace, Delete, Ctrl-A/E/B/F/U/K/W/L, Ctrl or Alt with arrows for words, up and down for
/// earlier lines. Ctrl-C empties the line, Ctrl-D ends the input where the line is empty and erases a character where
/// it is not. Pasted text may have several lines, and what goes_on() is read on. Where the terminal cannot move its
/// cursor, lines are read as they come.
class LineEditor {
  int output_;
  KeyReader keys_;
  LineBuffer line_;
  History history_;
  std::size_t place_ = 0;  // in the history; its size: the new line
  std::string new_line_;   // what was typed before the history was looked at
  std::size_t drawn_row_ = 0;

  void draw(std::string_view prompt, bool at_end);
  void recall(std::size_t place);
  void edit(const Key& key);
  void begin_line();
  std::optional<std::string> read_plain(std::string_view prompt);
  std::optional<std::string> edit_line(std::string_view prompt);

 public:
  /// Draws on standard output, or on standard error if only that is a terminal.
  explicit LineEditor(History history);
  /// The next line; none at the end of the input. `prompt` is ASCII.
  std::optional<std::string> read(std::string_view prompt);
};

}  // namespace cli
