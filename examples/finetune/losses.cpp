#include "losses.hpp"

#include "support/number_table.hpp"

namespace cli {

picture::LineChart losses_by_step(const std::filesystem::path& log) {
  picture::LineChart chart{
      .title = "Loss", .x_axis = "step", .y_axis = "nats per token", .curves = {{"training", {}, {}}, {"validation", {}, {}}}, .logarithmic = true};
  const auto add = [&](std::size_t curve, const char* file, const char* loss) {
    std::error_code ignored;
    if (!std::filesystem::exists(log / file, ignored)) return;
    const NumberTable table(log / file);
    chart.curves[curve].x = table["step"], chart.curves[curve].y = table[loss];
  };
  add(0, "steps.csv", "loss_per_token"), add(1, "evaluations.csv", "loss");
  return chart;
}

}  // namespace cli
