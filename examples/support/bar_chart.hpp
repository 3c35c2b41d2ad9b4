#pragma once
// Bar charts, as SVG and in the terminal: how often each of a few things occurs.
#include <algorithm>
#include <string>
#include <vector>

#include "svg.hpp"

namespace picture {

struct Bar {
  std::string name;
  double value = 0;      ///< not negative
  std::string note;      ///< stands behind the bar
};

struct BarChart {
  std::string title;
  std::vector<Bar> bars;  ///< from the top
};

namespace detail {
/// 0 to 1 of the longest bar.
inline double part(const BarChart& chart, const Bar& bar) {
  double most = 0;
  for (const Bar& each : chart.bars) most = std::max(most, each.value);
  return most > 0 ? bar.value / most : 0;
}
inline std::size_t longest_name(const BarChart& chart) {
  std::size_t most = 0;
  for (const Bar& bar : chart.bars) most = std::max(most, characters(bar.name));
  return most;
}
}  // namespace detail

/// The chart as an SVG file.
inline std::string svg(const BarChart& chart) {
  constexpr double top = 44, width = 380, thick = 24, gap = 12, letter = 7.2, notes = 130;
  const double left = 24 + letter * static_cast<double>(detail::longest_name(chart));
  std::string out = text_at(16, 24, chart.title, Anchor::start, 15);
  double y = top;
  for (const Bar& bar : chart.bars) {
    const double length = width * detail::part(chart, bar);
    out += text_at(left - 8, y + thick * 0.68, bar.name, Anchor::end);
    out += box(left, y, length, thick, "#2471a3", bar.name + ": " + bar.note);
    out += text_at(left + length + 8, y + thick * 0.68, bar.note, Anchor::start);
    y += thick + gap;
  }
  out += line(left, top - 6, left, y - 6, "#444");
  return document(left + width + notes, y + 8, out);
}

/// The same for a terminal of `columns` characters, in eighths of a character.
inline std::string in_terminal(const BarChart& chart, std::size_t columns) {
  std::size_t note = 0;
  for (const Bar& bar : chart.bars) note = std::max(note, characters(bar.note));
  const std::size_t label = std::min<std::size_t>(detail::longest_name(chart), 24);
  const std::size_t width = std::max<std::size_t>(columns, label + note + 13) - label - note - 3;
  std::string out = chart.title + "\n";
  for (const Bar& bar : chart.bars) {
    const auto eighths = static_cast<std::size_t>(detail::part(chart, bar) * 8 * static_cast<double>(width) + 0.5);
    out += right_aligned(bar.name, label) + " ";
    for (std::size_t i = 0; i < eighths / 8; ++i) out += "\xE2\x96\x88";
    if (eighths % 8 > 0) tfm::append_utf8(out, 0x2590 - static_cast<char32_t>(eighths % 8));  // U+258F is an eighth, U+2589 seven of them
    out += " " + bar.note + "\n";
  }
  return out;
}

}  // namespace picture
