#pragma once
// The weights of a Llama as its shape has them, and a model whose weights nobody has trained yet.
#include <string>
#include <string_view>
#include <vector>

#include "tfm/models/llama.hpp"

namespace tfm::inline TFM_ABI {

/// [rows, cols] of a weight by its name; [cols] of a norm.
template <Shape S>
std::vector<Index> llama_weight_shape(const S& shape, std::string_view name) {
  const Index q = shape.heads * head_dim(shape), kv = shape.kv_heads * head_dim(shape);
  if (name.ends_with("norm.weight")) return {shape.dim};
  if (name.ends_with("q_proj.weight")) return {q, shape.dim};
  if (name.ends_with("k_proj.weight") || name.ends_with("v_proj.weight")) return {kv, shape.dim};
  if (name.ends_with("o_proj.weight")) return {shape.dim, q};
  if (name.ends_with("gate_proj.weight") || name.ends_with("up_proj.weight")) return {shape.ffn, shape.dim};
  if (name.ends_with("down_proj.weight")) return {shape.dim, shape.ffn};
  return {shape.vocab, shape.dim};  // the embedding and the output
}

/// A model to be trained from the beginning: matrices are 0 until they are initialised (train/initialise.hpp), norms 1.
///   auto model = tfm::blank_llama(tfm::DynamicLlamaShape{.vocab = 512, .dim = 64, …});
///   tfm::Parameters parameters(model);
///   tfm::initialise(parameters, tfm::Normal{0.02f}, seed);
/// Errors: ShapeError for sizes that cannot be.
template <Shape S>
Llama<S, EveryLinear<F32>> blank_llama(const S& shape) {
  Llama<S, EveryLinear<F32>> model(shape);
  visit_weights(model, "", [&](const std::string& name, F32& weight, WeightRole role) {
    const std::vector<Index> size = llama_weight_shape(shape, name);
    weight = F32(size.size() == 1 ? 1 : size[0], size.back());
    fill(weight.values(), role == WeightRole::norm ? 1.f : 0.f);
  });
  return model;
}

}  // namespace tfm::inline TFM_ABI
