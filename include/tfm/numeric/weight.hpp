#pragma once
// The concept Weight: what a number format offers, found by argument, so that a user's own works from the user's namespace.
#include <concepts>

#include "tfm/core/context.hpp"

namespace tfm::inline TFM_ABI {

/// A weight [out, in]: whether it trains, its two products, and one row and column of it as floats.
template <class W>
concept Weight = requires(Context& context, const W w, View x, MutableView y, float* out) {
  { W::trainable } -> std::convertible_to<bool>;
  { w.rows() } -> std::convertible_to<Index>;
  { w.cols() } -> std::convertible_to<Index>;
  matmul(context, w, x, y);
  matmul_backward(context, w, x, y);
  row(w, Index{}, out);
  column(w, Index{}, out);
};

}  // namespace tfm::inline TFM_ABI
