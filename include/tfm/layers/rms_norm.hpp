#pragma once
// RmsNorm: y = x / rms(x) w.    Zhang & Sennrich 2019, arXiv:1910.07467
#include "tfm/core/parameter.hpp"
#include "tfm/kernels/norms.hpp"
#include "tfm/layers/gradients.hpp"

namespace tfm::inline TFM_ABI {

/// x, y [tokens, dim]; weight [1, dim], always float32.
struct RmsNorm {
  F32 weight;
  Index dim = 0;  ///< of the weight that belongs here; 0: any, or none

  struct Saved {
    View x;
    float* inverse = nullptr;  ///< [tokens]: 1 / rms
  };

  void forward(Context& context, View x, float eps, MutableView y, Saved* saved = nullptr) const noexcept {
    if (saved != nullptr) *saved = {x, context.kept.take<float>(x.rows)};
    kernels::rms_norm(context, x, weight.view().data, eps, y, saved != nullptr ? saved->inverse : nullptr);
  }
  /// dx += …; the weight's gradient only where it has a place among the gradients.
  void backward(Context& context, View dy, const Saved& saved, MutableView dx, const Gradients& gradients) const noexcept {
    float* const dw = weight.parameter < 0 ? nullptr : gradients[weight].data;
    kernels::rms_norm_backward(context, saved.x, weight.view().data, saved.inverse, dy, dx, dw);
  }
  /// Whether a weight belongs here, or is here.
  bool there() const noexcept { return dim != 0 || weight.cols() != 0; }
  WeightInfo info() const noexcept { return {WeightRole::norm, 1, dim != 0 ? dim : weight.cols()}; }
  void visit(auto&& f) { f("weight", weight, info()); }
  void visit(auto&& f) const { f("weight", weight, info()); }
};

}  // namespace tfm::inline TFM_ABI
