#include "support/bar_chart.hpp"
#include "support/heat_map.hpp"
#include "support/line_chart.hpp"

#include <algorithm>

#include "support/catch.hpp"

namespace {

std::size_t count(const std::string& text, const std::string& what) {
  std::size_t n = 0;
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++n;
  return n;
}

std::vector<std::string> lines(const std::string& text) {
  std::vector<std::string> out;
  for (std::size_t at = 0, end; (end = text.find('\n', at)) != std::string::npos; at = end + 1)
    out.push_back(text.substr(at, end - at));
  return out;
}

picture::HeatMaps two_heads() {
  return {.title = "a <b> & \"c\"", .row_axis = "query", .column_axis = "key", .row_labels = {"<bos>", "\xC3\xA9t\xC3\xA9"},
          .column_labels = {"x", "y", "z"}, .down = {"layer 1"}, .across = {"head 1", "head 2"},
          .maps = {{0, 0.5f, 1, 1, 0, 0.25f}, {1, 1, 1, 0, 0, std::numeric_limits<float>::quiet_NaN()}}};
}

TEST_CASE("heat maps as SVG have a cell for each value, and harmless text", "[pictures]") {
  const std::string svg = picture::svg(two_heads());
  CHECK(count(svg, "<rect ") == 1 + 12 + 64);  // the page, the cells, the colour bar
  CHECK(count(svg, "<title>") == 12);
  CHECK(count(svg, "a &lt;b&gt; &amp; &quot;c&quot;") == 1);
  CHECK(count(svg, "<b>") == 0);
  CHECK(count(svg, "&lt;bos&gt; \xE2\x86\x92 y: 0.5<") == 1);
  CHECK(svg.ends_with("</svg>\n"));
  // The darkest colour is that of a weight of 1: one cell in the first map, three in the second.
  CHECK(count(svg, "rgb(96,4,16)") == 5);
}

TEST_CASE("heat maps are as wide as their title", "[pictures]") {
  const auto width_of = [](const std::string& svg) { return std::stod(svg.substr(svg.find("width=\"") + 7)); };
  picture::HeatMaps maps = two_heads();
  const double narrow = width_of(picture::svg(maps));
  maps.title = std::string(120, 'm');
  CHECK(width_of(picture::svg(maps)) > std::max(narrow, 120 * 8.0));
}

TEST_CASE("heat maps in a terminal stand side by side as far as they fit", "[pictures]") {
  const auto wide = lines(picture::in_terminal(two_heads(), 80, false));
  REQUIRE(wide.size() == 6);
  CHECK(wide[1] == "key: 1 x 2 y 3 z");
  CHECK(wide[2] == "layer 1, head 1 to head 2");
  CHECK(wide[4] == "<bos>   \xE2\x96\x92\xE2\x96\x92\xE2\x96\x88\xE2\x96\x88  \xE2\x96\x88\xE2\x96\x88\xE2\x96\x88\xE2\x96\x88\xE2\x96\x88\xE2\x96\x88  ");
  CHECK(wide[5].starts_with("  \xC3\xA9t\xC3\xA9 \xE2\x96\x88\xE2\x96\x88  "));
  CHECK(lines(picture::in_terminal(two_heads(), 16, false)).size() == 10);
  CHECK(picture::in_terminal(two_heads(), 80, true).find("\x1b[48;5;255m  \x1b[0m") != std::string::npos);
}

picture::LineChart falling(bool logarithmic) {
  picture::Curve curve{"loss", {}, {}};
  for (int i = 0; i <= 100; ++i) curve.x.push_back(i), curve.y.push_back(std::pow(10, 1 - i / 50.0));
  return {.title = "t", .x_axis = "epoch", .y_axis = "nats", .curves = {curve}, .logarithmic = logarithmic};
}

TEST_CASE("line charts show their curves between marks", "[pictures]") {
  const std::string svg = picture::svg(falling(true));
  CHECK(count(svg, "<path ") == 1);
  CHECK(count(svg, ">0.1<") == 1);
  CHECK(count(svg, ">10<") == 1);
  // The logarithm of this curve is a straight line from the upper left corner to the lower right one.
  CHECK(count(svg, "d=\"M76 44 L") == 1);
  CHECK(count(svg, "L636 364\"") == 1);
  CHECK(count(picture::svg(falling(false)), ">0.1<") == 0);
}

TEST_CASE("what is no number is a gap in a curve", "[pictures]") {
  picture::LineChart chart = falling(true);
  chart.curves[0].y[50] = std::numeric_limits<double>::quiet_NaN();
  chart.curves[0].y[70] = 0;
  CHECK(count(picture::svg(chart), " M") == 2);
  chart.curves[0].y.assign(101, -1);
  CHECK(count(picture::svg(chart), "<path ") == 0);
  CHECK(lines(picture::in_terminal(chart, 60, 12)).size() == 12);
}

TEST_CASE("line charts in a terminal fill the columns and rows that they are given", "[pictures]") {
  const auto drawn = lines(picture::in_terminal(falling(true), 50, 14));
  REQUIRE(drawn.size() == 14);
  for (std::size_t i = 1; i + 1 < drawn.size(); ++i) CHECK(picture::characters(drawn[i]) == 50);
  CHECK(drawn[1].starts_with("      10 \xE2\x94\xA4"));
  CHECK(drawn[1].find("\xE2\xA0\x80") != std::string::npos);
}

TEST_CASE("charts below one another share their x axis, and points show by themselves", "[pictures]") {
  std::array<picture::LineChart, 2> charts{falling(true), {.title = "rate", .x_axis = "step", .y_axis = "", .curves = {{"", {0, 50}, {0.5, 0.5}, true}}}};
  const std::string svg = picture::svg(charts);
  CHECK(count(svg, "<path ") == 2);
  CHECK(count(svg, "<circle ") == 2);
  CHECK(count(svg, "<title>step 50: 0.5</title>") == 1);
  CHECK(count(svg, "d=\"M76 44 L") == 1);  // the first as it is alone
  CHECK(count(svg, "d=\"M76 463 L356 463\"") == 1);  // the second to half of the first's width, midway: nothing in it rises or falls
  CHECK(count(svg, ">100<") == 1);  // the axis's marks once
  CHECK(count(svg, "height=\"572\"") == 2);  // the file's and its page's
}

picture::BarChart three_bars() {
  return {.title = "Labels <of> 7", .bars = {{"yes", 4, "4 (57 %)"}, {"\xC3\xA9t\xC3\xA9", 3, "3 (43 %)"}, {"no", 0, "0 (0 %)"}}};
}

TEST_CASE("bar charts as SVG have a bar for each value, as long as it is large", "[pictures]") {
  const std::string svg = picture::svg(three_bars());
  CHECK(count(svg, "<title>") == 3);
  CHECK(count(svg, "Labels &lt;of&gt; 7") == 1);
  CHECK(count(svg, "width=\"380\" height=\"24\"") == 1);
  CHECK(count(svg, "width=\"285\" height=\"24\"") == 1);
  CHECK(count(svg, "width=\"0\" height=\"24\"") == 1);
  CHECK(count(svg, ">4 (57 %)<") == 1);
  CHECK(count(picture::svg(picture::BarChart{}), "<title>") == 0);
}

TEST_CASE("bar charts in a terminal are drawn in eighths of a character", "[pictures]") {
  const std::string full = "\xE2\x96\x88";
  const auto drawn = lines(picture::in_terminal(three_bars(), 3 + 1 + 10 + 2 + 8));  // names, bars, notes and what is between them
  REQUIRE(drawn.size() == 4);
  const auto bar = [&](int n) {
    std::string out;
    for (int i = 0; i < n; ++i) out += full;
    return out;
  };
  CHECK(drawn[1] == "yes " + bar(10) + " 4 (57 %)");
  CHECK(drawn[2] == "\xC3\xA9t\xC3\xA9 " + bar(7) + "\xE2\x96\x8C 3 (43 %)");  // 7 and a half
  CHECK(drawn[3] == " no  0 (0 %)");
  CHECK(lines(picture::in_terminal(three_bars(), 5)).size() == 4);
}

}  // namespace
