#include "line_editor.hpp"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "several_lines.hpp"
#include "support/interrupt.hpp"
#include "support/terminal.hpp"

namespace cli {

LineEditor::LineEditor(History history)
    : output_(is_terminal(standard_output) ? standard_output : standard_error), keys_(standard_input), history_(std::move(history)) {}

std::optional<std::string> LineEditor::read(std::string_view prompt) {
  auto line = has_escapes(output_) ? edit_line(prompt) : read_plain(prompt);
  if (line) history_.add(*line);
  return line;
}

std::optional<std::string> LineEditor::read_plain(std::string_view prompt) {
  write_all(output_, prompt);
  std::string line;
  while (true) {
    char c = 0;
    const ssize_t got = ::read(standard_input, &c, 1);
    if (got < 0 && was_interrupted()) {
      reset_interrupt();
      write_all(output_, "\n");
      write_all(output_, prompt);
      line.clear();
    } else if (got <= 0) {
      return line.empty() ? std::nullopt : std::optional(line);
    } else if (c == '\n' && !goes_on(line)) {
      return line;
    } else {
      if (c == '\n' && !is_quoted(line)) line.pop_back();
      line += c;
    }
  }
}

std::optional<std::string> LineEditor::edit_line(std::string_view prompt) {
  constexpr std::string_view paste_on = "\x1b[?2004h", paste_off = "\x1b[?2004l";
  const TerminalMode mode(TerminalMode::editing);
  write_all(output_, paste_on);
  line_.set("");
  new_line_.clear();
  place_ = history_.entries().size();
  drawn_row_ = 0;
  const auto leave = [&] {
    draw(prompt, true);
    write_all(output_, "\r\n" + std::string(paste_off));
  };
  while (true) {
    draw(prompt, false);
    const Key key = keys_.next();
    switch (key.kind) {
      case KeyKind::enter:
        if (!goes_on(line_.text())) return leave(), line_.text();
        begin_line();
        break;
      case KeyKind::end_of_file:
        if (line_.empty()) return leave(), std::nullopt;
        line_.erase_after();
        break;
      case KeyKind::closed: return leave(), std::nullopt;
      case KeyKind::interrupted_read:  // a signal: Ctrl-C sent by somebody else, or the window has another size
        if (!was_interrupted()) break;
        [[fallthrough]];
      case KeyKind::interrupt:
        reset_interrupt();
        if (line_.empty()) write_all(output_, "\r\x1b[J(/quit or Ctrl-D to leave)\r\n"), drawn_row_ = 0;
        line_.set("");
        place_ = history_.entries().size();
        break;
      case KeyKind::suspend:
        leave();
        suspend();
        write_all(output_, paste_on);
        drawn_row_ = 0;
        break;
      case KeyKind::clear_screen:
        write_all(output_, "\x1b[H\x1b[2J");
        drawn_row_ = 0;
        break;
      case KeyKind::up:
        if (place_ > 0) recall(place_ - 1);
        break;
      case KeyKind::down:
        if (place_ < history_.entries().size()) recall(place_ + 1);
        break;
      default: edit(key);
    }
  }
}

void LineEditor::recall(std::size_t place) {
  if (place_ == history_.entries().size()) new_line_ = line_.text();
  place_ = place;
  line_.set(place_ == history_.entries().size() ? new_line_ : history_.entries()[place_]);
}

/// What was typed goes on in a line of its own; a backslash that says so is no part of it.
void LineEditor::begin_line() {
  line_.end();
  if (!is_quoted(line_.text())) line_.erase_before();
  line_.insert("\n");
}

void LineEditor::edit(const Key& key) {
  switch (key.kind) {
    case KeyKind::text: line_.insert(key.text); break;
    case KeyKind::left: line_.left(); break;
    case KeyKind::right: line_.right(); break;
    case KeyKind::home: line_.home(); break;
    case KeyKind::end: line_.end(); break;
    case KeyKind::word_left: line_.word_left(); break;
    case KeyKind::word_right: line_.word_right(); break;
    case KeyKind::backspace: line_.erase_before(); break;
    case KeyKind::erase: line_.erase_after(); break;
    case KeyKind::erase_word: line_.erase_word_before(); break;
    case KeyKind::erase_to_begin: line_.erase_to_begin(); break;
    case KeyKind::erase_to_end: line_.erase_to_end(); break;
    default: break;
  }
}

/// Draws the line anew from its first row, in one write: nothing flickers. Of a line that is higher than the screen,
/// the rows around the cursor are shown.
void LineEditor::draw(std::string_view prompt, bool at_end) {
  if (at_end) line_.end();
  const TerminalSize size = terminal_size(output_);
  const LineDrawing drawing = line_.draw(prompt, std::max(size.columns, 8));
  const std::size_t room = static_cast<std::size_t>(std::max(size.rows, 2)) - 1, last = drawing.rows.size() - 1;
  const std::size_t top = drawing.cursor_row < room ? 0 : drawing.cursor_row - room + 1,
                    bottom = std::min(last, top + room - 1);

  std::string out;
  const auto move = [&](std::size_t n, char direction) {
    if (n > 0) out += "\x1b[" + std::to_string(n) + direction;
  };
  move(drawn_row_, 'A');
  out += "\r\x1b[J";
  for (std::size_t row = top; row <= bottom; ++row) out += (row == top ? "" : "\r\n") + drawing.rows[row];
  move(bottom - drawing.cursor_row, 'A');
  out += '\r';
  move(static_cast<std::size_t>(drawing.cursor_column), 'C');
  write_all(output_, out);
  drawn_row_ = drawing.cursor_row - top;
}

}  // namespace cli
