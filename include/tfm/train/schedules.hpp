#pragma once
// Schedules: the learning rate of each step.
#include <algorithm>
#include <cmath>
#include <functional>
#include <string>

#include "tfm/core/error.hpp"
#include "tfm/core/index.hpp"

namespace tfm::inline TFM_ABI {

/// The learning rate of step 0, 1, …; a function of the step alone, so that a resumed run goes on with it.
using Schedule = std::function<float(Index step)>;

namespace detail {
inline double warmed(Index step, Index warmup) noexcept { return static_cast<double>(step) / static_cast<double>(std::max<Index>(warmup, 1)); }
/// 0 at the end of the warm-up, 1 at `total` and after.
inline double progress(Index step, Index warmup, Index total) noexcept {
  return std::min(1.0, static_cast<double>(step - warmup) / static_cast<double>(std::max<Index>(total - warmup, 1)));
}
inline void check_schedule(Index warmup, Index total) {
  if (warmup < 0 || total < warmup)
    raise(OptionError("tfm: a schedule's warm-up must be from 0 to its steps, found " + std::to_string(warmup) + " of " + std::to_string(total)));
}
}  // namespace detail

inline Schedule constant_schedule(float rate) {
  return [rate](Index) { return rate; };
}
/// Up from 0 to `rate` in `warmup` steps, down to 0 at `total`: transformers' get_linear_schedule_with_warmup.
inline Schedule linear_schedule(float rate, Index warmup, Index total) {
  detail::check_schedule(warmup, total);
  return [=](Index step) {
    const double factor = step < warmup ? detail::warmed(step, warmup) : 1 - detail::progress(step, warmup, total);
    return static_cast<float>(static_cast<double>(rate) * factor);
  };
}
/// Up from 0 to `rate` in `warmup` steps, then half a cosine down to 0 at `total`.    Loshchilov & Hutter 2016, arXiv:1608.03983
inline Schedule cosine_schedule(float rate, Index warmup, Index total) {
  detail::check_schedule(warmup, total);
  return [=](Index step) {
    constexpr double pi = 3.141592653589793;
    const double factor = step < warmup ? detail::warmed(step, warmup) : (1 + std::cos(pi * detail::progress(step, warmup, total))) / 2;
    return static_cast<float>(static_cast<double>(rate) * factor);
  };
}
/// Up from 0 to `rate` in `warmup` steps, then rate sqrt(warmup / step). With rate = (dim warmup)^-1/2 that of Vaswani et al. 2017,
/// section 5.3, whose steps count from 1.
inline Schedule inverse_square_root_schedule(float rate, Index warmup) {
  if (warmup < 1) raise(OptionError("tfm: the inverse square root needs a warm-up of at least 1 step, found " + std::to_string(warmup)));
  return [=](Index step) {
    const double factor = step < warmup ? detail::warmed(step, warmup) : std::sqrt(static_cast<double>(warmup) / static_cast<double>(step));
    return static_cast<float>(static_cast<double>(rate) * factor);
  };
}

[[deprecated("call constant_schedule")]] inline Schedule constant(float rate) { return constant_schedule(rate); }
[[deprecated("call linear_schedule")]] inline Schedule linear(float rate, Index warmup, Index total) { return linear_schedule(rate, warmup, total); }
[[deprecated("call cosine_schedule")]] inline Schedule cosine(float rate, Index warmup, Index total) { return cosine_schedule(rate, warmup, total); }
[[deprecated("call inverse_square_root_schedule")]] inline Schedule inverse_square_root(float rate, Index warmup) {
  return inverse_square_root_schedule(rate, warmup);
}

}  // namespace tfm::inline TFM_ABI
