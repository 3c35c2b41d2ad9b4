#pragma once
// Embedding: the rows of a table for the ids of tokens.
#include <cstdint>
#include <span>

#include "tfm/core/parameter.hpp"
#include "tfm/kernels/elementwise.hpp"
#include "tfm/kernels/rows.hpp"
#include "tfm/layers/gradients.hpp"
#include "tfm/numeric/weight.hpp"

namespace tfm::inline TFM_ABI {

/// weight [vocabulary, dim] of any number format.
template <Weight W>
struct Embedding {
  W weight;

  /// y [tokens, dim] = scale weight[ids]; ids are below the vocabulary's size. The Transformer's scale is the root of
  /// dim (Vaswani et al. 2017, section 3.4).
  void forward(Context& context, std::span<const std::int32_t> ids, float scale, MutableView y) const noexcept {
    kernels::weight_rows(context, weight, ids, y);
    kernels::scale(context, scale, y, y);
  }
  /// Adds scale dy[t] to the gradient's row ids[t], in the tokens' order; a frozen table has none.
  void backward(Context& context, std::span<const std::int32_t> ids, float scale, View dy,
                const Gradients& gradients) const noexcept {
    if constexpr (W::trainable) {
      if (weight.parameter >= 0) kernels::gather_backward(context, scale, dy, ids.data(), gradients[weight]);
    }
  }

  void visit(auto&& f) { f("weight", weight, WeightInfo{WeightRole::embedding, weight.rows(), weight.cols()}); }
  void visit(auto&& f) const { f("weight", weight, WeightInfo{WeightRole::embedding, weight.rows(), weight.cols()}); }
};

}  // namespace tfm::inline TFM_ABI
