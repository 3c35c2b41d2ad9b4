#pragma once
// CSV files (RFC 4180, and misplaced quotes as Python and pandas read them) row by row, read with libcsv, which comes only with this header.
#include <csv.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tfm/formats/byte_views.hpp"
#include "tfm/formats/mapped_file.hpp"
#include "tfm/text/encoding.hpp"

namespace tfm::inline TFM_ABI {

namespace detail {

/// Writes the quotes of a CSV text as libcsv takes them, where Python's csv module and pandas read what RFC 4180 does not allow: a quote within
/// a field that does not begin with one stands for itself, which libcsv does too; what follows a closing quote belongs to the
/// field as it is, for which libcsv would leave the field open.
class CsvQuotes {
  enum class In : unsigned char { begin, bare, quoted, closed, after };  // closed: behind a quote in quotes, after: behind the text that follows one
  In in_ = In::begin;
  char separator_;

 public:
  explicit CsvQuotes(char separator) : separator_(separator) {}

  bool open() const noexcept { return in_ == In::quoted; }
  /// Appends the bytes of `text`, where a field may begin before and end after it.
  void add(std::string_view text, std::string& to) {
    for (const char c : text) {
      const bool ends = in_ != In::quoted && (c == separator_ || c == '\n' || c == '\r');
      if (ends) {
        if (in_ == In::closed || in_ == In::after) to += '"';
        in_ = In::begin;
      } else if (c != '"') {
        if (in_ == In::begin) in_ = In::bare;
        if (in_ == In::closed) in_ = In::after;
      } else if (in_ == In::begin) {
        in_ = In::quoted;
      } else if (in_ == In::quoted) {
        in_ = In::closed;
        continue;  // until it is known what follows
      } else if (in_ != In::bare) {
        to += '"';
        if (in_ == In::closed) in_ = In::quoted;
      }
      to += c;
    }
  }
  /// Where the text ends.
  void end(std::string& to) const {
    if (in_ == In::closed || in_ == In::after) to += '"';
  }
};

/// Turns the text of a CSV file into rows. libcsv gets a line at a time, so that what it finds has a line's number; what it calls
/// allocates nothing, so that nothing is thrown through C.
class CsvRows {
  std::string file_, text_;
  std::vector<std::string_view> fields_;
  std::vector<std::size_t> ends_;  // of the open row's fields in text_
  std::size_t pending_ = 0;        // bytes of the open row
  Index line_ = 0, first_ = 0;     // the line that is read, and the one where the open row begins
  bool open_ = false, complete_ = false;
  char separator_;
  CsvQuotes quotes_;
  std::string strict_;  // the line with its quotes as libcsv takes them
  csv_parser parser_{};

  struct Free {
    void operator()(csv_parser* parser) const noexcept { csv_free(parser); }
  };
  std::unique_ptr<csv_parser, Free> owner_;

  static void field(void* text, std::size_t size, void* self) {
    auto& rows = *static_cast<CsvRows*>(self);
    if (size > 0) rows.text_.append(static_cast<const char*>(text), size);
    rows.ends_.push_back(rows.text_.size());
  }
  static void row(int, void* self) { static_cast<CsvRows*>(self)->complete_ = true; }

  [[noreturn]] void refuse(Index line, const std::string& what) const {
    fail(file_, "line " + std::to_string(line) + ": " + what);
  }
  /// The row that is complete, if there is one, goes to `each`.
  template <class Each>
  void deliver(Each& each) {
    if (!complete_) return;
    fields_.clear();
    std::size_t from = 0;
    for (const std::size_t end : ends_) fields_.push_back(std::string_view(text_).substr(from, end - from)), from = end;
    each(first_, std::span<const std::string_view>(fields_));
    text_.clear(), ends_.clear();
    open_ = complete_ = false;
  }
  template <class Each>
  void read_line(std::string_view line, Each& each) {
    ++line_;
    if (!open_) first_ = line_;
    open_ = open_ || line.find_first_not_of("\r\n") != line.npos;
    pending_ += line.size();
    text_.reserve(pending_);
    ends_.reserve(ends_.size() + static_cast<std::size_t>(std::count(line.begin(), line.end(), separator_)) + 1);
    strict_.clear();
    quotes_.add(line, strict_);
    parse_strict();
    if (complete_) pending_ = 0;
    deliver(each);
  }
  void parse_strict() {
    if (csv_parse(&parser_, strict_.data(), strict_.size(), field, row, this) != strict_.size()) refuse(line_, csv_strerror(csv_error(&parser_)));
  }

 public:
  CsvRows(std::string file, char separator) : file_(std::move(file)), separator_(separator), quotes_(separator) {
    csv_init(&parser_, 0);
    owner_.reset(&parser_);
    csv_set_delim(&parser_, static_cast<unsigned char>(separator));
    csv_set_space_func(&parser_, [](unsigned char) { return 0; });  // spaces are part of a field
    csv_set_blk_size(&parser_, 1 << 16);
  }
  CsvRows(const CsvRows&) = delete;
  CsvRows& operator=(const CsvRows&) = delete;

  template <class Each>
  void read(std::string_view text, Each&& each) {
    text = utf8_text(text, file_);
    while (!text.empty()) {
      std::size_t end = std::min(text.find_first_of("\r\n"), text.size());
      end += text.substr(end).starts_with("\r\n") ? 2 : end < text.size() ? 1 : 0;
      read_line(text.substr(0, end), each);
      text.remove_prefix(end);
    }
    text_.reserve(text_.size() + pending_);
    ends_.reserve(ends_.size() + 1);
    if (quotes_.open()) refuse(first_, "a quote is opened in this row and never closed");
    strict_.clear();
    quotes_.end(strict_);
    parse_strict();
    if (csv_fini(&parser_, field, row, this) != 0) refuse(first_, csv_strerror(csv_error(&parser_)));
    deliver(each);
  }
};

}  // namespace detail

/// Reads a CSV file: `each(line, fields)` for every row that is not blank, the header among them; `line` is where it begins, from 1,
/// and `fields` are good until the call returns. Fields are separated by commas, or another character; one with a separator, quote or
/// line break in it stands in quotes, and quotes inside are doubled. A quote within a field that does not begin with one stands for
/// itself, and what follows a closing quote belongs to the field, as Python's csv module and pandas have it. Spaces belong to a field. Lines
/// end with LF, CR LF or CR. Errors: LoadError with file, line, found and expected: for bytes that are not UTF-8 (UTF-16 by
/// name), quotes that are never closed, a file that is empty or unreadable.
template <class Each>
void read_csv(const std::filesystem::path& path, Each&& each, char separator = ',') {
  const auto file = MappedFile::open(path);
  detail::CsvRows(file->name(), separator).read(text_of(file->bytes()), each);
}

}  // namespace tfm::inline TFM_ABI
