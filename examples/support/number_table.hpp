#pragma once
// NumberTable: a CSV file of numbers under a line of names, as tfm::CsvLog writes them.
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "tfm/formats/byte_views.hpp"
#include "tfm/formats/mapped_file.hpp"

namespace cli {

class NumberTable {
  std::string file_;
  std::vector<std::string> names_;
  std::vector<std::vector<double>> columns_;

  static std::vector<std::string> cells(std::string_view line) {
    std::vector<std::string> out;
    for (std::size_t comma = 0; comma != line.npos; line.remove_prefix(comma == line.npos ? line.size() : comma + 1)) {
      comma = line.find(',');
      out.emplace_back(line.substr(0, comma));
    }
    return out;
  }

 public:
  /// Whole lines alone are read. Errors: LoadError for a file that cannot be read, or a line with more or fewer cells than names.
  explicit NumberTable(const std::filesystem::path& path) {
    const auto file = tfm::MappedFile::open(path);
    file_ = file->name();
    std::string_view text = tfm::text_of(file->bytes());
    for (std::size_t end; (end = text.find('\n')) != text.npos; text.remove_prefix(end + 1)) {
      const std::vector<std::string> line = cells(text.substr(0, end));
      if (names_.empty()) {
        names_ = line;
        columns_.resize(line.size());
        continue;
      }
      if (line.size() != names_.size())
        tfm::raise<tfm::LoadError>({"tfm: ", file_, ": a line of ", line.size(), " numbers, expected ", names_.size()});
      for (std::size_t i = 0; i < line.size(); ++i) columns_[i].push_back(std::strtod(line[i].c_str(), nullptr));
    }
  }

  /// Errors: LoadError for a name that no column has.
  const std::vector<double>& operator[](std::string_view name) const {
    for (std::size_t i = 0; i < names_.size(); ++i)
      if (names_[i] == name) return columns_[i];
    tfm::raise<tfm::LoadError>({"tfm: ", file_, ": there is no column ", name});
  }
};

}  // namespace cli
