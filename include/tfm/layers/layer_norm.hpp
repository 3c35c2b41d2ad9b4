#pragma once
// LayerNorm: y = (x - mean) / sqrt(variance + eps) weight + bias.    Ba et al. 2016, arXiv:1607.06450
#include "tfm/core/parameter.hpp"
#include "tfm/kernels/norms.hpp"
#include "tfm/layers/gradients.hpp"

namespace tfm::inline TFM_ABI {

/// x, y [tokens, dim]; weight, bias [1, dim], always float32: 1 and 0 at first.
struct LayerNorm {
  F32 weight, bias;
  float eps = 1e-5f;

  LayerNorm() = default;
  explicit LayerNorm(Index dim, float epsilon = 1e-5f) : weight(1, dim, 1), bias(1, dim), eps(epsilon) {}

  struct Saved {
    View x;
    float* statistics = nullptr;  ///< [tokens, 2]: mean, 1 / deviation
  };

  /// y may be x, unless saved is given.
  void forward(Context& context, View x, MutableView y, Saved* saved = nullptr) const noexcept {
    if (saved != nullptr) *saved = {x, context.kept.take<float>(2 * x.rows)};
    kernels::layer_norm(context, x, weight.view().data, bias.view().data, eps, y,
                        saved != nullptr ? saved->statistics : nullptr);
  }
  /// dx += …; the gradients of weight and bias only where they have a place among the gradients.
  void backward(Context& context, View dy, const Saved& saved, MutableView dx,
                const Gradients& gradients) const noexcept {
    const bool trains = weight.parameter >= 0;
    kernels::layer_norm_backward(context, saved.x, weight.view().data, saved.statistics, dy, dx,
                                 trains ? gradients[weight].data : nullptr, trains ? gradients[bias].data : nullptr);
  }

  void visit(auto&& f) { visit_parts(*this, f); }
  void visit(auto&& f) const { visit_parts(*this, f); }

  static constexpr Index saved_bytes(Index tokens) noexcept { return Arena::bytes_for(2 * tokens); }

 private:
  static void visit_parts(auto& self, auto& f) {
    f("weight", self.weight, WeightInfo{WeightRole::norm, 1, self.weight.cols()});
    f("bias", self.bias, WeightInfo{WeightRole::bias, 1, self.bias.cols()});
  }
};

}  // namespace tfm::inline TFM_ABI
