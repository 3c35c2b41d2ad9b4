#include "losses.hpp"

#include <algorithm>

#include "support/number_table.hpp"
#include "tfm/train/decimals.hpp"

namespace cli {

namespace {

/// "validation, best 1.5890 after step 300"
std::string name_of(const picture::Curve& evaluations) {
  const auto is_number = [](double loss) { return std::isfinite(loss); };
  if (std::none_of(evaluations.y.begin(), evaluations.y.end(), is_number)) return "validation";
  const auto best = std::min_element(evaluations.y.begin(), evaluations.y.end(), [&](double a, double b) { return is_number(a) && (!is_number(b) || a < b); });
  const double step = evaluations.x[static_cast<std::size_t>(best - evaluations.y.begin())];
  return "validation, best " + tfm::fixed_text(*best, 4) + " after step " + tfm::number_text(step);
}

}  // namespace

std::array<picture::LineChart, 2> losses_by_step(const std::filesystem::path& log) {
  picture::LineChart loss{
      .title = "Loss", .x_axis = "step", .y_axis = "nats per token", .curves = {{"training", {}, {}}, {"validation", {}, {}, true}}, .logarithmic = true};
  picture::LineChart rate{.title = "Learning rate", .x_axis = "step", .y_axis = "", .curves = {{"", {}, {}}}};
  const auto add = [&](picture::Curve& curve, const char* file, const char* column) {
    std::error_code ignored;
    if (!std::filesystem::exists(log / file, ignored)) return;
    const NumberTable table(log / file);
    curve.x = table["step"], curve.y = table[column];
  };
  add(loss.curves[0], "steps.csv", "loss_per_token"), add(loss.curves[1], "evaluations.csv", "loss");
  add(rate.curves[0], "steps.csv", "learning_rate");
  loss.curves[1].name = name_of(loss.curves[1]);
  return {loss, rate};
}

}  // namespace cli
