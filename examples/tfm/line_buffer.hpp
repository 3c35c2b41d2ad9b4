#pragma once
// LineBuffer: a line of UTF-8 that is being edited, and how it lies on a screen of so many columns.
#include <utf8proc.h>

#include <algorithm>
#include <cctype>
#include <string>
#include <string_view>
#include <vector>

#include "tfm/text/utf8.hpp"

namespace cli {

/// Columns that a character takes on the screen: 2 for wide ones, 0 for marks that join the one before.
inline int columns_of(char32_t code) {
  if (code == U'\t') return 4;
  if (code == 0x200D || (code >= 0xFE00 && code <= 0xFE0F)) return 0;  // joiner, variation selectors
  return std::max(0, utf8proc_charwidth(static_cast<utf8proc_int32_t>(code)));
}

/// Where a drawn line's rows begin and its cursor stands.
struct LineDrawing {
  std::vector<std::string> rows;
  std::size_t cursor_row = 0;
  int cursor_column = 0;
};

/// Moves by whole characters: what takes no column of its own belongs to the character before it.
class LineBuffer {
  std::string text_;  // well-formed
  std::size_t cursor_ = 0;

  /// The end of the character that begins at `at`.
  std::size_t after(std::size_t at) const {
    if (at >= text_.size()) return text_.size();
    const char32_t first = tfm::next_code_point(text_, at);
    while (first != U'\n' && at < text_.size()) {
      std::size_t next = at;
      if (const char32_t code = tfm::next_code_point(text_, next); code < 0x20 || columns_of(code) != 0) break;
      at = next;
    }
    return at;
  }
  std::size_t before(std::size_t at) const {
    std::size_t begin = 0;
    for (std::size_t end = after(0); end < at; end = after(end)) begin = end;
    return begin;
  }
  bool space_at(std::size_t at) const { return std::isspace(static_cast<unsigned char>(text_[at])) != 0; }
  std::size_t word_before() const {
    std::size_t at = cursor_;
    while (at > 0 && space_at(at - 1)) --at;
    while (at > 0 && !space_at(at - 1)) --at;
    return at;
  }
  std::size_t word_after() const {
    std::size_t at = cursor_;
    while (at < text_.size() && space_at(at)) ++at;
    while (at < text_.size() && !space_at(at)) ++at;
    return at;
  }

 public:
  const std::string& text() const noexcept { return text_; }
  std::size_t cursor() const noexcept { return cursor_; }
  bool empty() const noexcept { return text_.empty(); }

  void set(std::string_view text) {
    text_ = tfm::replace_invalid(text);
    cursor_ = text_.size();
  }
  void insert(std::string_view text) {
    const std::string valid = tfm::replace_invalid(text);
    text_.insert(cursor_, valid);
    cursor_ += valid.size();
  }
  void left() { cursor_ = before(cursor_); }
  void right() { cursor_ = after(cursor_); }
  void home() noexcept { cursor_ = 0; }
  void end() noexcept { cursor_ = text_.size(); }
  void word_left() { cursor_ = word_before(); }
  void word_right() { cursor_ = word_after(); }
  void erase_before() { erase(before(cursor_), cursor_); }
  void erase_after() { erase(cursor_, after(cursor_)); }
  void erase_word_before() { erase(word_before(), cursor_); }
  void erase_to_begin() { erase(0, cursor_); }
  void erase_to_end() { text_.resize(cursor_); }

  /// The rows that prompt and text fill. No row is ever quite full: the cursor needs a place behind the last character.
  LineDrawing draw(std::string_view prompt, int columns) const {
    LineDrawing drawing;
    drawing.rows.emplace_back(prompt);
    int column = static_cast<int>(prompt.size());
    const auto new_row = [&] { drawing.rows.emplace_back(), column = 0; };
    const auto mark_cursor = [&] { drawing.cursor_row = drawing.rows.size() - 1, drawing.cursor_column = column; };
    for (std::size_t at = 0; at < text_.size();) {
      std::size_t next = at;
      const char32_t code = tfm::next_code_point(text_, next);
      const int width = columns_of(code);
      if (column + width > columns) new_row();
      if (at == cursor_) mark_cursor();
      if (code == U'\n') {
        new_row();
      } else {
        if (code == U'\t') drawing.rows.back().append(4, ' ');
        else if (code < 0x20 || code == 0x7f) drawing.rows.back() += ' ', ++column;
        else drawing.rows.back().append(text_, at, next - at);
        column += width;
        const bool joined = next < text_.size() && static_cast<unsigned char>(text_[next]) >= 0x80 && joins(next);
        if (column >= columns && !joined) new_row();
      }
      at = next;
    }
    if (cursor_ == text_.size()) mark_cursor();
    return drawing;
  }

 private:
  bool joins(std::size_t at) const { return columns_of(tfm::next_code_point(text_, at)) == 0; }
  void erase(std::size_t from, std::size_t to) {
    text_.erase(from, to - from);
    cursor_ = from;
  }
};

}  // namespace cli
