#pragma once
// CSV files (RFC 4180) row by row, read with libcsv, which comes only with this header.
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

/// Turns the text of a CSV file into rows. libcsv gets a line at a time, so that what it finds has a line's number; what it calls
/// allocates nothing, so that nothing is thrown through C.
class CsvRows {
  std::string file_, text_;
  std::vector<std::string_view> fields_;
  std::vector<std::size_t> ends_;  // of the open row's fields in text_
  std::size_t pending_ = 0;        // bytes of the open row
  Index line_ = 0, first_ = 0;     // the line that is read, and the one where the open row begins
  bool open_ = false, complete_ = false;
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
    ends_.reserve(ends_.size() + static_cast<std::size_t>(std::count(line.begin(), line.end(), ',')) + 1);
    if (csv_parse(&parser_, line.data(), line.size(), field, row, this) != line.size()) {
      if (csv_error(&parser_) == CSV_EPARSE)
        refuse(line_, "found a quote where none can stand, expected quotes around the whole field and those inside it twice");
      refuse(line_, csv_strerror(csv_error(&parser_)));
    }
    if (complete_) pending_ = 0;
    deliver(each);
  }

 public:
  explicit CsvRows(std::string file) : file_(std::move(file)) {
    csv_init(&parser_, CSV_STRICT | CSV_STRICT_FINI);
    owner_.reset(&parser_);
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
    if (csv_fini(&parser_, field, row, this) != 0) refuse(first_, "a quote is opened in this row and never closed");
    deliver(each);
  }
};

}  // namespace detail

/// Reads a CSV file: `each(line, fields)` for every row that is not blank, the header among them; `line` is where it begins, from 1,
/// and `fields` are good until the call returns. Fields are separated by commas; one with a comma, quote or line break in it stands in
/// quotes, and quotes inside are doubled. Spaces belong to a field. Lines end with LF, CR LF or CR. Errors: LoadError with file, line,
/// found and expected: for bytes that are not UTF-8, quotes that are misplaced or never closed, a file that is empty or unreadable.
template <class Each>
void read_csv(const std::filesystem::path& path, Each&& each) {
  const auto file = MappedFile::open(path);
  detail::CsvRows(file->name()).read(text_of(file->bytes()), each);
}

}  // namespace tfm::inline TFM_ABI
