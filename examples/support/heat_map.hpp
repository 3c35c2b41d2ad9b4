#pragma once
// Heat maps, as SVG and in the terminal: attention weights of all layers (down) and heads (across).
#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <vector>

#include "svg.hpp"

namespace picture {

/// Maps of one size in a grid. maps[down * across.size() + across] is [row_labels, column_labels], row-major; values
/// from 0 (pale) to `most` (dark); others take the colour of the nearer end.
struct HeatMaps {
  std::string title, row_axis, column_axis;
  std::vector<std::string> row_labels, column_labels;  ///< of each map
  std::vector<std::string> down, across;               ///< the maps' own names
  std::vector<std::vector<float>> maps;
  float most = 1;
};

namespace detail {

/// 0 to 1 of the scale; NaN counts as 0.
inline double level(const HeatMaps& all, float value) {
  const double part = static_cast<double>(value) / static_cast<double>(all.most);
  return part > 0 ? std::min(part, 1.0) : 0;
}

/// Pale to dark red, in five steps with straight lines between them.
inline std::string colour(double level) {
  constexpr std::array<std::array<int, 3>, 5> steps{
      {{255, 247, 242}, {253, 203, 178}, {250, 128, 96}, {208, 40, 38}, {96, 4, 16}}};
  const double place = level * 4;
  const auto below = static_cast<std::size_t>(std::min(place, 3.0));
  std::string out = "rgb(";
  for (std::size_t k = 0; k < 3; ++k) {
    const int from = steps[below][k], to = steps[below + 1][k];
    const double mixed = from + (place - static_cast<double>(below)) * (to - from);
    out += std::to_string(static_cast<int>(mixed + 0.5)) + (k < 2 ? "," : ")");
  }
  return out;
}

inline std::size_t longest(const std::vector<std::string>& texts) {
  std::size_t most = 0;
  for (const auto& text : texts) most = std::max(most, characters(text));
  return most;
}

/// Three digits behind the point.
inline std::string rounded(double value) { return tfm::number_text(std::round(value * 1000) / 1000); }

/// The scale at the right side, with its ends and its middle.
inline std::string colour_bar(const HeatMaps& all, double x, double y, double height) {
  constexpr int steps = 64;
  std::string out;
  for (int i = 0; i < steps; ++i)
    out += box(x, y + height * i / steps, 12, height / steps + 0.5, colour(1 - (i + 0.5) / steps));
  for (const double part : {0.0, 0.5, 1.0})
    out += text_at(x + 17, y + height * (1 - part) + 4, rounded(part * static_cast<double>(all.most)), Anchor::start,
                   11);
  return out;
}

}  // namespace detail

/// The grid as an SVG file. Row labels stand left of each line of maps, column labels under the last line; the pointer
/// over a cell shows its row, column and value.
inline std::string svg(const HeatMaps& all) {
  constexpr double cell = 22, gap = 14, letter = 6.6;
  const std::size_t rows = all.row_labels.size(), cols = all.column_labels.size(), across = all.across.size();
  const double width = cell * static_cast<double>(cols), height = cell * static_cast<double>(rows);
  const double left = 66 + letter * static_cast<double>(detail::longest(all.row_labels)), top = 62;
  const double down = static_cast<double>(all.down.size());
  const double right = left + static_cast<double>(across) * (width + gap), bottom = top + down * (height + gap);
  const double foot = 34 + letter * 0.75 * static_cast<double>(detail::longest(all.column_labels));
  std::string out = text_at(left, 22, all.title, Anchor::start, 15);
  for (std::size_t a = 0; a < across; ++a)
    out += text_at(left + static_cast<double>(a) * (width + gap) + width / 2, top - 8, all.across[a], Anchor::middle);
  for (std::size_t d = 0; d < all.down.size(); ++d) {
    const double y = top + static_cast<double>(d) * (height + gap);
    out += text_at(16, y + height / 2, all.down[d], Anchor::middle, 12, -90);
    out += text_at(34, y + height / 2, all.row_axis, Anchor::middle, 11, -90);
    for (std::size_t r = 0; r < rows; ++r)
      out += text_at(left - 5, y + cell * (static_cast<double>(r) + 0.68), all.row_labels[r], Anchor::end, 11);
    for (std::size_t a = 0; a < across; ++a) {
      const double x = left + static_cast<double>(a) * (width + gap);
      const std::vector<float>& map = all.maps[d * across + a];
      for (std::size_t r = 0; r < rows; ++r)
        for (std::size_t c = 0; c < cols; ++c) {
          const float value = map[r * cols + c];
          out += box(x + cell * static_cast<double>(c), y + cell * static_cast<double>(r), cell, cell,
                     detail::colour(detail::level(all, value)),
                     all.row_labels[r] + " \xE2\x86\x92 " + all.column_labels[c] + ": " +
                         detail::rounded(static_cast<double>(value)));
        }
    }
  }
  for (std::size_t a = 0; a < across; ++a) {
    const double x = left + static_cast<double>(a) * (width + gap);
    for (std::size_t c = 0; c < cols; ++c)
      out += text_at(x + cell * (static_cast<double>(c) + 0.65), bottom - gap + 12, all.column_labels[c], Anchor::end,
                     11, -45);
    out += text_at(x + width / 2, bottom - gap + foot, all.column_axis, Anchor::middle, 11);
  }
  out += detail::colour_bar(all, right + 2, top, bottom - gap - top);
  const double title_end = left + 8.5 * static_cast<double>(characters(all.title)) + 10;
  return document(std::max(right + 56, title_end), bottom - gap + foot + 10, out);
}

/// The same for a terminal of `columns` characters: maps side by side as far as they fit, two characters a cell. With
/// `colours`, cells are greys of the 256-colour palette, dark to bright; without, they are shaded characters.
inline std::string in_terminal(const HeatMaps& all, std::size_t columns, bool colours) {
  constexpr std::array<const char*, 5> shades{"  ", "\xE2\x96\x91\xE2\x96\x91", "\xE2\x96\x92\xE2\x96\x92",
                                              "\xE2\x96\x93\xE2\x96\x93", "\xE2\x96\x88\xE2\x96\x88"};
  const auto cell = [&](float value) {
    const double level = detail::level(all, value);
    if (!colours) return std::string(shades[static_cast<std::size_t>(level * 4 + 0.5)]);
    return "\x1b[48;5;" + std::to_string(232 + static_cast<int>(level * 23 + 0.5)) + "m  \x1b[0m";
  };
  const std::size_t label = std::min<std::size_t>(detail::longest(all.row_labels), 12);
  const std::size_t map_width = 2 * all.column_labels.size() + 2;
  const std::size_t at_once = std::max<std::size_t>(1, (std::max(columns, label + 1) - label - 1) / map_width);
  std::string out = all.title + "\n" + all.column_axis + ":";
  for (std::size_t c = 0; c < all.column_labels.size(); ++c)
    out += " " + std::to_string(c + 1) + " " + all.column_labels[c];
  out += "\n";
  for (std::size_t d = 0; d < all.down.size(); ++d)
    for (std::size_t from = 0; from < all.across.size(); from += at_once) {
      const std::size_t to = std::min(from + at_once, all.across.size());
      out += all.down[d] + ", " + all.across[from] + (to - from > 1 ? " to " + all.across[to - 1] : "") + "\n";
      out += std::string(label + 1, ' ');
      for (std::size_t a = from; a < to; ++a) {
        for (std::size_t c = 0; c < all.column_labels.size(); ++c) out += right_aligned(std::to_string(c + 1), 2);
        out += "  ";
      }
      out += "\n";
      for (std::size_t r = 0; r < all.row_labels.size(); ++r) {
        out += right_aligned(all.row_labels[r], label) + " ";
        for (std::size_t a = from; a < to; ++a) {
          for (std::size_t c = 0; c < all.column_labels.size(); ++c)
            out += cell(all.maps[d * all.across.size() + a][r * all.column_labels.size() + c]);
          out += "  ";
        }
        out += "\n";
      }
    }
  return out;
}

}  // namespace picture
