#include "curve.hpp"

#include <cmath>
#include <cstdlib>
#include <string>
#include <vector>

#include "tfm/formats/byte_views.hpp"
#include "tfm/formats/mapped_file.hpp"

namespace cli {

namespace {

/// The columns of steps.csv that are needed here.
constexpr std::size_t epoch_column = 1, per_token_column = 3, tokens_column = 7, columns = 9;

std::vector<double> cells_of(const std::string& line) {
  std::vector<double> cells;
  for (const char* at = line.c_str();;) {
    char* end = nullptr;
    cells.push_back(std::strtod(at, &end));
    if (*end != ',') return cells;
    at = end + 1;
  }
}

}  // namespace

EpochLosses losses_by_epoch(const std::filesystem::path& steps_csv, tfm::Index steps) {
  EpochLosses losses;
  losses.chart = {.title = "Loss", .x_axis = "epoch", .y_axis = "loss", .curves = {{"per token, nats", {}, {}}, {"d2l's", {}, {}}},
                  .logarithmic = true};
  auto& curves = losses.chart.curves;
  const auto file = tfm::MappedFile::open(steps_csv);
  const std::string_view text = tfm::text_of(file->bytes());
  double nats = 0, tokens = 0;
  for (std::size_t at = text.find('\n') + 1, end; (end = text.find('\n', at)) != std::string_view::npos; at = end + 1) {
    const std::vector<double> cells = cells_of(std::string(text.substr(at, end - at)));
    if (cells.size() != columns) tfm::detail::fail(file->name(), "a line of " + std::to_string(cells.size()) + " numbers, expected " + std::to_string(columns));
    nats += cells[per_token_column] * cells[tokens_column];
    tokens += cells[tokens_column];
    if (cells[epoch_column] != std::floor(cells[epoch_column])) continue;
    losses.per_token = nats / tokens, losses.d2l = losses.per_token / static_cast<double>(steps);
    for (picture::Curve& curve : curves) curve.x.push_back(cells[epoch_column]);
    curves[0].y.push_back(losses.per_token), curves[1].y.push_back(losses.d2l);
    nats = tokens = 0;
  }
  return losses;
}

}  // namespace cli
