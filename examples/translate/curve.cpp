#include "curve.hpp"

#include <cmath>

#include "support/number_table.hpp"

namespace cli {

EpochLosses losses_by_epoch(const std::filesystem::path& steps_csv, tfm::Index steps) {
  EpochLosses losses;
  losses.chart = {.title = "Loss", .x_axis = "epoch", .y_axis = "loss", .curves = {{"per token, nats", {}, {}}, {"d2l's", {}, {}}},
                  .logarithmic = true};
  auto& curves = losses.chart.curves;
  const NumberTable steps_table(steps_csv);
  const auto &epoch = steps_table["epoch"], &per_token = steps_table["loss_per_token"], &tokens = steps_table["tokens"];
  double nats = 0, count = 0;
  for (std::size_t i = 0; i < epoch.size(); ++i) {
    nats += per_token[i] * tokens[i];
    count += tokens[i];
    if (epoch[i] != std::floor(epoch[i])) continue;
    losses.per_token = nats / count, losses.d2l = losses.per_token / static_cast<double>(steps);
    for (picture::Curve& curve : curves) curve.x.push_back(epoch[i]);
    curves[0].y.push_back(losses.per_token), curves[1].y.push_back(losses.d2l);
    nats = count = 0;
  }
  return losses;
}

}  // namespace cli
