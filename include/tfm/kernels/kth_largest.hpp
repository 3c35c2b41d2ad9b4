#pragma once
// The k-th largest of many numbers.
#include <algorithm>
#include <functional>
#include <limits>

#include "tfm/core/index.hpp"

namespace tfm::inline TFM_ABI::kernels {

/// The k-th largest of x [count], none of them NaN, 1 <= k; -inf where there are no more than k. One pass: `room`, of 2 k numbers or of
/// `count` if that is less, is cut back to the k largest whenever it is full.
inline float kth_largest(const float* x, Index count, Index k, float* room) noexcept {
  float least = -std::numeric_limits<float>::infinity();
  if (k >= count) return least;
  Index held = 0;
  const auto cut = [&] {
    std::nth_element(room, room + k - 1, room + held, std::greater<>());
    least = room[k - 1], held = k;
  };
  for (Index i = 0; i < count; ++i) {
    if (x[i] <= least) continue;
    if (held == 2 * k) cut();
    if (x[i] > least) room[held++] = x[i];
  }
  if (held >= k) cut();
  return least;
}

}  // namespace tfm::inline TFM_ABI::kernels
