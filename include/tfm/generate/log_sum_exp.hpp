#pragma once
// log_sum_exp: what turns logits into log-probabilities.
#include <algorithm>
#include <cmath>

#include "tfm/core/index.hpp"

namespace tfm::inline TFM_ABI {

/// log Σ exp(logits), in double: the log-probability of token i is logits[i] less this. `n`: the vocabulary's size, at least 1.
inline double log_sum_exp(const float* logits, Index n) noexcept {
  const auto largest = static_cast<double>(*std::max_element(logits, logits + n));
  double sum = 0;
  for (Index i = 0; i < n; ++i) sum += std::exp(static_cast<double>(logits[i]) - largest);
  return largest + std::log(sum);
}

}  // namespace tfm::inline TFM_ABI
