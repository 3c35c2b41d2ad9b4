#pragma once
// The optimizers' updates, element by element, and the norm that clipping looks at.
#include "tfm/kernels/dispatch.hpp"

namespace tfm::inline TFM_ABI::kernels {

/// One step of Adam (Kingma & Ba 2014) or AdamW (Loshchilov & Hutter 2017) on `count` parameters p with gradients g and moments m, v,
/// in PyTorch's order of operations.
inline void adam(Context& context, const AdamStep& step, const float* g, float* p, float* m, float* v, Index count) noexcept {
  constexpr Index piece = 4096;
  by_rows(context, ceil_div(count, piece), 16 * piece, [&](Index first, Index pieces) {
    const Index at = first * piece, n = std::min(count - at, pieces * piece);
    training_table(context).adam(context, step, g + at, p + at, m + at, v + at, n);
  });
}
/// One step of gradient descent with momentum on `count` parameters p with gradients g and velocities m.    Sutskever et al. 2013
inline void sgd(Context& context, const SgdStep& step, const float* g, float* p, float* m, Index count) noexcept {
  constexpr Index piece = 4096;
  by_rows(context, ceil_div(count, piece), 8 * piece, [&](Index first, Index pieces) {
    const Index at = first * piece, n = std::min(count - at, pieces * piece);
    training_table(context).sgd(context, step, g + at, p + at, m + at, n);
  });
}

/// Σ x²: of each 4096 as every reduction sums, those sums in double precision in their order.
inline double sum_of_squares(Context& context, const float* x, Index count) noexcept {
  constexpr Index piece = 4096;
  const Arena::Frame frame(context.scratch);
  const Index pieces = ceil_div(count, piece);
  float* const sums = context.scratch.take<float>(pieces);
  by_rows(context, pieces, piece, [&](Index first, Index n) {
    const TrainingTable& kernels = training_table(context);
    for (Index i = first; i < first + n; ++i) kernels.sum_of_squares(context, x + i * piece, std::min(piece, count - i * piece), sums + i);
  });
  double total = 0;
  for (Index i = 0; i < pieces; ++i) total += static_cast<double>(sums[i]);
  return total;
}

}  // namespace tfm::inline TFM_ABI::kernels
