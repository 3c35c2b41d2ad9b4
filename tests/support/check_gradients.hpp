#pragma once
// check_gradient: a gradient that a backward pass computed, against finite differences of the loss.
#include <algorithm>
#include <cmath>

#include "tfm/core/view.hpp"

namespace tfm_test {

/// How far a gradient is from the finite differences.
struct GradientDifference {
  double largest = 0;                ///< of |computed - differences|
  double size = 0;                   ///< of the gradient's largest element
  tfm::Index at = -1;                ///< the element that differs most
  double computed{}, differences{};  ///< its two values

  /// Relative to the gradient's largest element: rounding in the loss is the same for small elements as for large ones.
  double relative() const noexcept { return size > 0 ? largest / size : largest; }
};

/// `loss()` is a double that depends on the floats of `parameter`; `gradient`, of the same size, is what backward says
/// of them. Each element (or every `stride`-th) is moved by -2, -1, 1 and 2 steps: the difference of fourth order errs
/// by step⁴/30 of the fifth derivative. The parameter is as before afterwards.
template <class Loss>
GradientDifference check_gradient(tfm::MutableView parameter, tfm::View gradient, Loss&& loss, float step = 0x1p-5f,
                                  tfm::Index stride = 1) {
  GradientDifference worst;
  if (parameter.size() != gradient.size()) {
    worst.largest = INFINITY;
    return worst;
  }
  for (tfm::Index i = 0; i < parameter.size(); i += stride) {
    const float before = parameter.data[i];
    double sum = 0, reach = 0;  // Σ weight loss(moved), Σ weight moved: the steps as float32 really has them
    constexpr float steps[] = {-2, -1, 1, 2};
    constexpr double weights[] = {1, -8, 8, -1};
    for (int n = 0; n < 4; ++n) {
      parameter.data[i] = before + steps[n] * step;
      sum += weights[n] * loss();
      reach += weights[n] * static_cast<double>(parameter.data[i]);
    }
    parameter.data[i] = before;
    const double differences = sum / reach, computed = static_cast<double>(gradient.data[i]),
                 difference = std::abs(differences - computed);
    worst.size = std::max(worst.size, std::abs(computed));
    if (difference <= worst.largest) continue;
    worst.largest = difference;
    worst.at = i;
    worst.computed = computed;
    worst.differences = differences;
  }
  return worst;
}

/// Σ y dy in double precision: the loss whose gradient to y is dy.
inline double weighted_sum(tfm::View y, tfm::View dy) noexcept {
  double sum = 0;
  for (tfm::Index i = 0; i < y.size(); ++i) sum += static_cast<double>(y.data[i]) * static_cast<double>(dy.data[i]);
  return sum;
}

}  // namespace tfm_test
