#pragma once
// Softmax cross-entropy of rows of logits, value and gradient in one pass.
#include <cstdint>

#include "tfm/kernels/dispatch.hpp"

namespace tfm::inline TFM_ABI::kernels {

/// What one row loses: -ln p(label), and the same with the label smoothed over all classes (Szegedy et al. 2016, section 7):
/// (1 - smoothing) -ln p(label) + smoothing mean_k(-ln p_k).
struct RowLoss {
  double nats = 0, smoothed = 0;
};

/// losses[t] of row t of x [tokens, classes]; and, if dx has data, dx = the gradient of weight Σ smoothed; dx may be x. A label below
/// 0 is none: its loss is 0 and so is its gradient. A row with a NaN in it loses NaN.
void cross_entropy(Context& context, View x, const std::int32_t* labels, float weight, float smoothing, MutableView dx, RowLoss* losses) noexcept;

}  // namespace tfm::inline TFM_ABI::kernels

#if defined(TFM_DEFINITIONS)
#include "tfm/kernels/losses.inl"
#endif
