#pragma once
// The optimizers' updates, element by element.
#include "tfm/kernels/dispatch.hpp"

namespace tfm::inline TFM_ABI::kernels {

/// One step of Adam (Kingma & Ba 2014) or AdamW (Loshchilov & Hutter 2017) on `count` parameters p with gradients g and moments m, v,
/// in PyTorch's order of operations.
inline void adam(Context& context, const AdamStep& step, const float* g, float* p, float* m, float* v, Index count) noexcept {
  constexpr Index piece = 4096;
  by_rows(context, ceil_div(count, piece), 16 * piece, [&](Index first, Index pieces) {
    const Index at = first * piece, n = std::min(count - at, pieces * piece);
    return TFM_ON(context.isa, adam_update(step, g + at, p + at, m + at, v + at, n));
  });
}

}  // namespace tfm::inline TFM_ABI::kernels
