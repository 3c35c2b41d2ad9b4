#pragma once
// check_gradients: the gradients that a backward pass computes, against finite differences of its forward pass; for our layers and
// for those of users.
#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "tfm/layers/batch.hpp"
#include "tfm/train/parameters.hpp"

namespace tfm::inline TFM_ABI {

/// What a check found wrong, a sentence each; empty if nothing is.
using Faults = std::vector<std::string>;

/// How far a gradient is from the finite differences.
struct GradientDifference {
  double largest = 0;                ///< of |computed - differences|
  double size = 0;                   ///< of the gradient's largest element
  Index at = -1;                     ///< the element that differs most
  double computed{}, differences{};  ///< its two values

  /// Relative to the gradient's largest element: rounding in the loss is the same for small elements as for large ones.
  double relative() const noexcept { return size > 0 ? largest / size : largest; }
};

/// `loss()` is a double that depends on the floats of `parameter`; `gradient`, of the same size, is what backward says of them. Each
/// element (or every `stride`-th) is moved by -2, -1, 1 and 2 steps: the difference of fourth order errs by step⁴/30 of the fifth
/// derivative. The parameter is as before afterwards.
template <class Loss>
GradientDifference check_gradient(MutableView parameter, View gradient, Loss&& loss, float step = 0x1p-5f, Index stride = 1) {
  GradientDifference worst;
  if (parameter.size() != gradient.size()) {
    worst.largest = std::numeric_limits<double>::infinity();
    return worst;
  }
  for (Index i = 0; i < parameter.size(); i += stride) {
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
    const double differences = sum / reach, computed = static_cast<double>(gradient.data[i]), difference = std::abs(differences - computed);
    worst.size = std::max(worst.size, std::abs(computed));
    if (difference <= worst.largest) continue;  // a NaN goes on: it is the worst
    worst.largest = difference;
    worst.at = i;
    worst.computed = computed;
    worst.differences = differences;
    if (std::isnan(difference)) break;
  }
  return worst;
}

/// Σ y dy in double precision: the loss whose gradient to y is dy.
inline double weighted_sum(View y, View dy) noexcept {
  double sum = 0;
  for (Index i = 0; i < y.size(); ++i) sum += static_cast<double>(y.data[i]) * static_cast<double>(dy.data[i]);
  return sum;
}

struct GradientCheckOptions {
  double tolerance = 2e-4;  ///< of the largest element; what float32 sums of some hundred terms near 1 give with this step
  float step = 0x1p-5f;     ///< of the differences: larger where the loss is smooth and rounding hurts, smaller where it bends
  Index stride = 1;         ///< only every so many elements are moved
  std::uint64_t seed = 1;   ///< of the output's gradient
};

namespace detail {
inline void fill_random(MutableView y, RandomKey key) noexcept {
  for (Index i = 0; i < y.size(); ++i) y.data[i] = 2 * key.uniform(static_cast<std::uint64_t>(i)) - 1;
}
inline void add_fault(Faults& faults, const std::string& what, const GradientDifference& found, double tolerance) {
  if (found.relative() <= tolerance) return;
  if (found.at < 0) return faults.push_back(what + ": the gradient has another size");
  faults.push_back(what + "[" + std::to_string(found.at) + "]: computed " + std::to_string(found.computed) + ", by finite differences " +
                   std::to_string(found.differences) + "; the largest element is " + std::to_string(found.size));
}
inline bool equal_floats(View a, View b) noexcept {
  return a.size() == b.size() && (a.size() == 0 || std::memcmp(a.data, b.data, to_size(a.size()) * sizeof(float)) == 0);
}
}  // namespace detail

/// Any function of `x` (and of the weights in `parameters`), by two calls:
///   forward(x, y)                                  writes y [rows, cols]
///   both(x, y, dy, dx, gradients)                  the same with what it saves, and its backward: adds to dx and to the gradients
/// Checked: dx and every weight's gradient; that saving does not change y; that backward adds to what is there. Arenas are taken care of.
template <class Forward, class Both>
Faults check_gradients(Context& context, const Parameters& parameters, MutableView x, Index rows, Index cols, Forward&& forward, Both&& both,
                       const GradientCheckOptions& options = {}) {
  Faults faults;
  Buffer y(rows, cols), saving(rows, cols), dy(rows, cols), dx(x.rows, x.cols), flat = parameters.flat();
  detail::fill_random(dy, RandomKey{options.seed});
  const auto loss = [&] {
    const Arena::Frame kept(context.kept), scratch(context.scratch);
    forward(View(x), y.view());
    return weighted_sum(y, dy);
  };
  const auto run = [&](MutableView to_x, MutableView to_weights) {
    const Arena::Frame kept(context.kept), scratch(context.scratch);
    both(View(x), saving.view(), View(dy), to_x, parameters.gradients(to_weights));
  };
  run(dx, flat);
  loss();
  if (!detail::equal_floats(y, saving)) faults.push_back("forward writes other numbers when it saves than when it does not");

  Buffer more_x(x.rows, x.cols), more = parameters.flat();
  fill(more_x, 1), fill(more, 1);
  run(more_x, more);
  const auto added = [&](const std::string& what, View once, View onto) {
    double largest = 0, worst = 0;
    for (Index i = 0; i < once.size(); ++i) {
      const double expected = static_cast<double>(once.data[i]) + 1;
      largest = std::max(largest, std::abs(expected));
      worst = std::max(worst, std::abs(static_cast<double>(onto.data[i]) - expected));
    }
    if (!(worst <= 1e-5 * largest)) faults.push_back(what + ": backward must add to the gradient that is there");
  };
  added("dx", dx, more_x);
  for (const Parameter& p : parameters) added(p.name, Parameters::part(p, View(flat)), Parameters::part(p, View(more)));

  detail::add_fault(faults, "dx", check_gradient(x, dx, loss, options.step, options.stride), options.tolerance);
  for (const Parameter& p : parameters)
    detail::add_fault(faults, p.name, check_gradient(p.weight->values(), Parameters::part(p, View(flat)), loss, options.step, options.stride), options.tolerance);
  return faults;
}

/// A layer as ours are (docs/add-a-layer.md): forward(context, batch, x, y, saved), backward(context, batch, dy, saved, dx, gradients),
/// Saved, and visit where it has weights; every trainable weight that visit reaches is checked, and gets the number F32::parameter.
/// x [tokens, in] is random numbers of the caller's, `cols` the width of y.
///   REQUIRE(tfm::check_gradients(context, layer, batch, x, cols) == tfm::Faults{});
template <class Layer>
  requires requires { typename Layer::Saved; }
Faults check_gradients(Context& context, Layer& layer, const Batch& batch, MutableView x, Index cols, const GradientCheckOptions& options = {}) {
  Parameters parameters;
  if constexpr (requires { layer.visit([](auto&&...) {}); }) parameters.add_all(layer);
  const auto forward = [&](View in, MutableView y) { layer.forward(context, batch, in, y, nullptr); };
  const auto both = [&](View in, MutableView y, View dy, MutableView dx, const Gradients& gradients) {
    typename Layer::Saved saved;
    layer.forward(context, batch, in, y, &saved);
    layer.backward(context, batch, dy, saved, dx, gradients);
  };
  return check_gradients(context, parameters, x, x.rows, cols, forward, both, options);
}

}  // namespace tfm::inline TFM_ABI
