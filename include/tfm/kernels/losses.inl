// What losses.hpp declares.
#include <cmath>
#include <limits>

#include "tfm/kernels/natural_log.hpp"

namespace tfm::inline TFM_ABI::kernels {

TFM_INLINE void cross_entropy(Context& context, View x, const std::int32_t* labels, float weight, float smoothing, MutableView dx, RowLoss* losses) noexcept {
  const float uniform = smoothing / static_cast<float>(x.cols), own = rounded_product(weight, 1.f - smoothing);
  by_rows(context, x.rows, 24 * x.cols, [&](Index first, Index count) {
    for (Index t = first; t < first + count; ++t) {
      losses[t] = {};
      float* const d = dx.data == nullptr ? nullptr : dx.row(t);
      if (labels[t] < 0) {
        for (Index k = 0; k < x.cols && d != nullptr; ++k) d[k] = 0;
        continue;
      }
      const double at_label = static_cast<double>(x.row(t)[labels[t]]);
      float statistics[3];
      training_table(context).cross_entropy(context, x.slice(t, 1), weight, uniform, d, statistics);
      if (d != nullptr) d[labels[t]] -= own;
      const double log_sum = natural_log(static_cast<double>(statistics[1])), below = static_cast<double>(statistics[2]);
      const double nats = log_sum + (static_cast<double>(statistics[0]) - at_label), share = static_cast<double>(smoothing);
      losses[t] = {nats, nats};
      if (smoothing > 0) losses[t].smoothed = rounded_product(1 - share, nats) + rounded_product(share, log_sum - below / static_cast<double>(x.cols));
      if (std::isnan(below)) losses[t].nats = losses[t].smoothed = std::numeric_limits<double>::quiet_NaN();
    }
  });
}

}  // namespace tfm::inline TFM_ABI::kernels
