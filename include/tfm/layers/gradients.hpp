#pragma once
// Gradients: one matrix for each trainable weight, owned by whoever trains; so a model can serve while it learns.
#include <vector>

#include "tfm/numeric/f32.hpp"

namespace tfm::inline TFM_ABI {

/// of[i] is the gradient of the weight whose `parameter` is i, of the same shape.
struct Gradients {
  std::vector<MutableView> of;
  MutableView operator[](const F32& weight) const noexcept { return of[to_size(weight.parameter)]; }
};

}  // namespace tfm::inline TFM_ABI
