#pragma once
// A Llama whose weights nobody has trained yet.
#include <string>

#include "tfm/models/llama.hpp"

namespace tfm::inline TFM_ABI {

/// A model to be trained from the beginning: matrices are 0 until they are initialised (train/initialise.hpp), norms 1.
///   auto model = tfm::blank_llama(tfm::DynamicLlamaShape{.vocab = 512, .dim = 64, …});
///   tfm::Parameters parameters(model);
///   tfm::initialise(parameters, tfm::Normal{0.02f}, seed);
/// Errors: ShapeError for sizes that cannot be.
template <Shape S>
Llama<S, EveryLinear<F32>> blank_llama(const S& shape) {
  Llama<S, EveryLinear<F32>> model(shape);
  visit_weights(model, "", [&](const std::string&, F32& weight, const WeightInfo& info) {
    weight = F32(info.rows, info.cols, info.role == WeightRole::norm ? 1.f : 0.f);
  });
  return model;
}

}  // namespace tfm::inline TFM_ABI
