#pragma once
// Confusion matrices side by side, as SVG and in the terminal: in each cell a count and its share of the row.
#include <algorithm>
#include <string>
#include <vector>

#include "confusion.hpp"
#include "support/heat_map.hpp"

namespace cli {

/// matrices[down * across.size() + across] is of `labels`; those in the line of maps `down` have a column "other" where `with_other` says so.
struct ConfusionPicture {
  std::string title;
  std::vector<std::string> labels;
  std::vector<std::string> down, across;
  std::vector<bool> with_other;  ///< of each of `down`
  std::vector<Confusion> matrices;
};

namespace detail {

struct ConfusionCell {
  Index count = 0;
  double share = 0;  // of its row
  std::string percent() const { return std::to_string(static_cast<int>(share * 100 + 0.5)) + "%"; }
};

inline ConfusionCell cell_of(const Confusion& confusion, std::size_t row, std::size_t column) {
  const Index count = column < confusion.counts.size() ? confusion.counts[row][column] : confusion.other[row], all = confusion.meant(row);
  return {count, all > 0 ? static_cast<double>(count) / static_cast<double>(all) : 0};
}

inline std::vector<std::string> columns_of(const ConfusionPicture& all, std::size_t down) {
  std::vector<std::string> names = all.labels;
  if (all.with_other[down]) names.emplace_back("other");
  return names;
}

}  // namespace detail

/// The grid as an SVG file; the pointer over a cell tells its row, column, count and share.
inline std::string svg(const ConfusionPicture& all) {
  using picture::Anchor, picture::text_at;
  constexpr double cell_width = 66, cell_height = 40, letter = 6.6, gap = 26;
  const auto n = [](std::size_t count) { return static_cast<double>(count); };
  const std::size_t rows = all.labels.size();
  const bool any_other = std::find(all.with_other.begin(), all.with_other.end(), true) != all.with_other.end();
  const auto longest = n(std::max<std::size_t>(picture::detail::longest(all.labels), 5));
  const bool slanted = longest * letter > cell_width;
  const double foot = slanted ? 12 + letter * 0.75 * longest : 18;
  const double left = 66 + letter * longest, top = 62, width = cell_width * n(rows + (any_other ? 1 : 0)), height = cell_height * n(rows);
  const double block = height + foot + 22 + gap;
  std::string out = text_at(left, 22, all.title, Anchor::start, 15);
  for (std::size_t d = 0; d < all.down.size(); ++d) {
    const double y = top + n(d) * block;
    const auto columns = detail::columns_of(all, d);
    out += text_at(16, y + height / 2, all.down[d], Anchor::middle, 13, -90);
    for (std::size_t a = 0; a < all.across.size(); ++a) {
      const Confusion& confusion = all.matrices[d * all.across.size() + a];
      const double x = left + n(a) * (width + gap), own = cell_width * n(columns.size());
      if (d == 0) out += text_at(x + own / 2, y - 10, all.across[a], Anchor::middle, 13);
      for (std::size_t row = 0; row < rows; ++row)
        for (std::size_t column = 0; column < columns.size(); ++column) {
          const detail::ConfusionCell cell = detail::cell_of(confusion, row, column);
          const double cx = x + cell_width * n(column), cy = y + cell_height * n(row);
          out += picture::box(cx, cy, cell_width - 1, cell_height - 1, picture::detail::colour(cell.share),
                              "true " + all.labels[row] + ", predicted " + columns[column] + ": " + std::to_string(cell.count) + " (" + cell.percent() + ")");
          out += cell.share > 0.55 ? "<g fill=\"white\">" : "<g>";
          out += text_at(cx + cell_width / 2, cy + 17, std::to_string(cell.count), Anchor::middle, 13);
          out += text_at(cx + cell_width / 2, cy + 32, cell.percent(), Anchor::middle, 10) + "</g>\n";
        }
      for (std::size_t column = 0; column < columns.size(); ++column) {
        const double cx = x + cell_width * (n(column) + 0.5);
        out += slanted ? text_at(cx + 6, y + height + 12, columns[column], Anchor::end, 11, -45) : text_at(cx, y + height + 14, columns[column], Anchor::middle, 11);
      }
      out += text_at(x + own / 2, y + height + foot + 14, "predicted", Anchor::middle, 11);
    }
    for (std::size_t row = 0; row < rows; ++row) out += text_at(left - 6, y + cell_height * (n(row) + 0.6), all.labels[row], Anchor::end, 11);
    out += text_at(38, y + height / 2, "true", Anchor::middle, 11, -90);
  }
  const double right = left + n(all.across.size()) * (width + gap), title_end = left + 8.5 * n(picture::characters(all.title)) + 10;
  return picture::document(std::max(right + 10, title_end), top + n(all.down.size()) * block, out);
}

/// The same for a terminal of `columns` characters: matrices side by side as far as they fit.
inline std::string in_terminal(const ConfusionPicture& all, std::size_t columns) {
  constexpr const char* shades[] = {" ", "\xE2\x96\x91", "\xE2\x96\x92", "\xE2\x96\x93", "\xE2\x96\x88"};
  const std::size_t longest = picture::detail::longest(all.labels);
  const std::size_t label = std::clamp<std::size_t>(longest, 4, 16), cell = std::clamp<std::size_t>(longest + 1, 12, 16);
  std::string out = all.title + "; rows: true, columns: predicted\n";
  for (std::size_t d = 0; d < all.down.size(); ++d) {
    const auto names = detail::columns_of(all, d);
    const std::size_t width = label + cell * names.size() + 3;
    const std::size_t at_once = std::max<std::size_t>(1, (columns + 3) / width);
    for (std::size_t from = 0; from < all.across.size(); from += at_once) {
      const std::size_t to = std::min(from + at_once, all.across.size());
      std::string title;
      for (std::size_t a = from; a < to; ++a) {
        title += (a == from ? "" : "   ") + picture::right_aligned(std::string(), label);
        const std::string name = all.down[d] + ", " + all.across[a], padded = name + std::string(width - label - 3 - std::min(width - label - 3, name.size()), ' ');
        title += padded;
      }
      out += "\n" + title.substr(0, title.find_last_not_of(' ') + 1) + "\n";
      for (std::size_t row = 0; row <= all.labels.size(); ++row) {  // the first is the header
        for (std::size_t a = from; a < to; ++a) {
          out += (a == from ? "" : "   ") + picture::right_aligned(row == 0 ? "" : all.labels[row - 1], label);
          for (std::size_t column = 0; column < names.size(); ++column) {
            if (row == 0) {
              out += picture::right_aligned(" " + names[column], cell);
              continue;
            }
            const detail::ConfusionCell one = detail::cell_of(all.matrices[d * all.across.size() + a], row - 1, column);
            out += picture::right_aligned(std::to_string(one.count) + picture::right_aligned(one.percent(), 5) + " " + shades[static_cast<std::size_t>(one.share * 4 + 0.5)], cell);
          }
        }
        out.resize(out.find_last_not_of(' ') + 1);
        out += "\n";
      }
    }
  }
  return out;
}

}  // namespace cli
