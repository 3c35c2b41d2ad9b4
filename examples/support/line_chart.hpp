#pragma once
// Line charts, as SVG and in the terminal: curves of a loss over the steps of a training.
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "svg.hpp"

namespace picture {

struct Curve {
  std::string name;
  std::vector<double> x, y;  ///< as many of each; a point that is no number, or lacks the logarithm it needs, is a gap
  bool points = false;       ///< each is shown by itself too, with its numbers under the pointer
};

struct LineChart {
  std::string title, x_axis, y_axis;
  std::vector<Curve> curves;
  bool logarithmic = false;  ///< the y axis
};

namespace detail {

/// The part of an axis that is shown, and where it has marks.
struct Axis {
  double least = 0, most = 1;
  std::vector<double> marks{};
  bool logarithmic = false;

  double scaled(double value) const { return logarithmic ? std::log10(value) : value; }
  bool has(double value) const { return std::isfinite(value) && (!logarithmic || value > 0); }
  /// 0 at the least, 1 at the most.
  double part(double value) const { return (scaled(value) - scaled(least)) / (scaled(most) - scaled(least)); }
};

/// Marks at 1, 2 or 5 times a power of ten, about `wanted` of them.
inline void mark_evenly(Axis& axis, int wanted) {
  const double rough = (axis.most - axis.least) / wanted, power = std::pow(10, std::floor(std::log10(rough)));
  double step = power;
  for (const double factor : {1.0, 2.0, 5.0, 10.0})
    if (step = factor * power; step >= rough) break;
  axis.least = std::floor(axis.least / step) * step;
  axis.most = std::ceil(axis.most / step) * step;
  const auto marks = static_cast<int>(std::round((axis.most - axis.least) / step));
  for (int i = 0; i <= marks; ++i) axis.marks.push_back(axis.least + i * step);
}

/// Marks at powers of ten, and between them at 2 and 5 where there are few.
inline void mark_powers(Axis& axis) {
  const int first = static_cast<int>(std::floor(std::log10(axis.least)));
  const int last = static_cast<int>(std::ceil(std::log10(axis.most)));
  const bool few = last - first < 3;
  std::vector<double> marks;
  for (int power = first; power <= last; ++power)
    for (const double factor : {1.0, 2.0, 5.0})
      if (factor == 1 || few) marks.push_back(factor * std::pow(10, power));
  const auto below = [&](double mark) { return mark <= axis.least; };
  const auto from = std::find_if_not(marks.begin(), marks.end(), below) - 1;
  const auto to = std::find_if(from, marks.end(), [&](double mark) { return mark >= axis.most; });
  axis.marks.assign(from, std::min(to + 1, marks.end()));
  axis.least = axis.marks.front(), axis.most = axis.marks.back();
}

/// The axis that shows all these values of the charts; 0 to 1 if there are none.
inline Axis axis_of(std::span<const LineChart> charts, bool vertical, int wanted) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  Axis axis{.least = infinity, .most = -infinity, .logarithmic = vertical && charts.front().logarithmic};
  for (const LineChart& chart : charts)
    for (const Curve& curve : chart.curves)
      for (const double value : vertical ? curve.y : curve.x)
        if (axis.has(value)) axis.least = std::min(axis.least, value), axis.most = std::max(axis.most, value);
  if (axis.least > axis.most) axis.least = axis.logarithmic ? 0.1 : 0, axis.most = 1;
  if (axis.logarithmic) {
    mark_powers(axis);
    return axis;
  }
  if (const double size = axis.least == 0 ? 1 : std::abs(axis.least); axis.least == axis.most) axis.least -= size, axis.most += size;
  mark_evenly(axis, wanted);
  return axis;
}

inline std::string mark_text(double value) {
  const double size = std::abs(value);
  const double unit = size > 0 ? std::pow(10, std::floor(std::log10(size)) - 3) : 1;
  return tfm::number_text(unit < 1 ? std::round(value / unit) / std::round(1 / unit) : value);
}

inline constexpr std::array<const char*, 6> colours{"#c0392b", "#2471a3", "#239b56", "#8e44ad", "#ca6f1e", "#566573"};

inline constexpr double chart_left = 76, chart_width = 560;

/// A chart's elements; `across` is its x axis, which is named where it is the last of several charts.
inline std::string chart_elements(const LineChart& chart, const Axis& across, double top, double height, bool last) {
  constexpr double left = chart_left, width = chart_width;
  const Axis up = axis_of({&chart, 1}, true, height < 200 ? 3 : 6);
  const auto x_of = [&](double value) { return left + width * across.part(value); };
  const auto y_of = [&](double value) { return top + height * (1 - up.part(value)); };
  std::string out = text_at(left, top - 20, chart.title, Anchor::start, 15);
  for (const double mark : across.marks) {
    out += line(x_of(mark), top, x_of(mark), top + height, "#e5e5e5");
    if (last) out += text_at(x_of(mark), top + height + 17, mark_text(mark), Anchor::middle, 11);
  }
  for (const double mark : up.marks) {
    out += line(left, y_of(mark), left + width, y_of(mark), "#e5e5e5");
    out += text_at(left - 7, y_of(mark) + 4, mark_text(mark), Anchor::end, 11);
  }
  out += line(left, top, left, top + height, "#444") + line(left, top + height, left + width, top + height, "#444");
  if (last) out += text_at(left + width / 2, top + height + 38, chart.x_axis, Anchor::middle);
  out += text_at(20, top + height / 2, chart.y_axis, Anchor::middle, 12, -90);
  for (std::size_t i = 0; i < chart.curves.size(); ++i) {
    const Curve& curve = chart.curves[i];
    const std::string colour = colours[i % colours.size()];
    std::string path, points;
    bool drawn = false;  // the point before
    for (std::size_t k = 0; k < curve.x.size(); ++k) {
      const bool has = across.has(curve.x[k]) && up.has(curve.y[k]);
      if (has) path += (drawn ? " L" : " M") + pixels(x_of(curve.x[k])) + " " + pixels(y_of(curve.y[k]));
      if (has && curve.points)
        points += "<circle cx=\"" + pixels(x_of(curve.x[k])) + "\" cy=\"" + pixels(y_of(curve.y[k])) + "\" r=\"2.8\" fill=\"" + colour + "\"><title>" +
                  escaped(chart.x_axis + " " + tfm::number_text(curve.x[k]) + ": " + mark_text(curve.y[k])) + "</title></circle>\n";
      drawn = has;
    }
    if (!path.empty())
      out += "<path d=\"" + path.substr(1) + "\" fill=\"none\" stroke=\"" + colour +
             "\" stroke-width=\"1.6\" stroke-linejoin=\"round\"/>\n";
    out += points;
    if (curve.name.empty()) continue;
    const double legend = top + 16 + 18 * static_cast<double>(i), edge = left + width - 12;
    out += box(edge - 22, legend - 5, 22, 2, colour) + text_at(edge - 28, legend, curve.name, Anchor::end, 12);
  }
  return out;
}

}  // namespace detail

/// Charts over one x axis below one another as an SVG file; those after the first are lower ones. There is one at least.
inline std::string svg(std::span<const LineChart> charts) {
  constexpr double margin = 44, tall = 320, low = 110;
  const detail::Axis across = detail::axis_of(charts, false, 8);
  std::string out;
  double top = margin;
  for (std::size_t i = 0; i < charts.size(); ++i) {
    const double height = i == 0 ? tall : low;
    out += detail::chart_elements(charts[i], across, top, height, i + 1 == charts.size());
    top += height + margin;
  }
  return document(detail::chart_left + detail::chart_width + 24, top - margin + 54, out);
}
/// The chart as an SVG file.
inline std::string svg(const LineChart& chart) { return svg(std::span(&chart, 1)); }

/// The same for a terminal, in Braille dots; `columns` and `rows` are characters of the whole picture.
inline std::string in_terminal(const LineChart& chart, std::size_t columns, std::size_t rows) {
  constexpr std::size_t label = 8;
  const std::size_t width = std::max<std::size_t>(columns, label + 12) - label - 2;
  const std::size_t height = std::max<std::size_t>(rows, 7) - 3;
  const detail::Axis across = detail::axis_of({&chart, 1}, false, 8), up = detail::axis_of({&chart, 1}, true, 4);
  std::vector<unsigned> dots(width * height);
  const auto dot = [&](double right, double above) {  // each from 0 to 1
    constexpr unsigned bits[4][2] = {{0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}};
    const auto x = static_cast<std::size_t>(right * (2.0 * static_cast<double>(width) - 1) + 0.5);
    const auto y = static_cast<std::size_t>((1 - above) * (4.0 * static_cast<double>(height) - 1) + 0.5);
    dots[y / 4 * width + x / 2] |= bits[y % 4][x % 2];
  };
  for (const Curve& curve : chart.curves)
    for (std::size_t k = 0; k < curve.x.size(); ++k) {
      const auto has = [&](std::size_t i) { return across.has(curve.x[i]) && up.has(curve.y[i]); };
      if (!has(k)) continue;
      const double x = across.part(curve.x[k]), y = up.part(curve.y[k]);
      const bool joined = k > 0 && has(k - 1);
      const double x0 = joined ? across.part(curve.x[k - 1]) : x, y0 = joined ? up.part(curve.y[k - 1]) : y;
      const double length = std::max(std::abs(x - x0) * 2 * static_cast<double>(width),
                                     std::abs(y - y0) * 4 * static_cast<double>(height));
      const int pieces = static_cast<int>(length) + 1;
      for (int i = 0; i <= pieces; ++i) dot(x0 + (x - x0) * i / pieces, y0 + (y - y0) * i / pieces);
    }
  std::string out = std::string(label + 2, ' ') + chart.title + "\n";
  for (std::size_t r = 0; r < height; ++r) {
    std::string name;
    for (const double mark : up.marks) {
      const double place = (1 - up.part(mark)) * (static_cast<double>(height) - 1);
      if (static_cast<std::size_t>(place + 0.5) == r) name = detail::mark_text(mark);
    }
    out += right_aligned(name, label) + (name.empty() ? " \xE2\x94\x82" : " \xE2\x94\xA4");
    for (std::size_t c = 0; c < width; ++c) tfm::append_utf8(out, 0x2800 + dots[r * width + c]);
    out += "\n";
  }
  out += std::string(label + 1, ' ') + "\xE2\x94\x94";
  for (std::size_t c = 0; c < width; ++c) out += "\xE2\x94\x80";
  const std::string first = detail::mark_text(across.least), last = detail::mark_text(across.most);
  out += "\n" + std::string(label + 2, ' ') + first;
  return out + right_aligned(chart.x_axis + "  " + last, width - std::min(width, first.size())) + "\n";
}

}  // namespace picture
