#pragma once
// Dropout: while training, features become 0 at random and the rest grows by 1 / (1 - rate).    Srivastava et al. 2014
#include <string_view>
#include <type_traits>

#include "tfm/kernels/elementwise.hpp"
#include "tfm/layers/batch.hpp"

namespace tfm::inline TFM_ABI {

/// What is dropped is a function of (context.random, this layer's stream, the sample's number, the token's position,
/// the feature), and of nothing else: not of threads, neighbours, padding or micro-batches. Whoever trains sets
/// context.random for each step. On when context.training; the backward pass gives the same context.
struct Dropout {
  float rate = 0;    ///< in [0, 1)
  Index stream = 0;  ///< this layer's number among the model's dropouts: number_dropouts

  bool on(const Context& context) const noexcept { return context.training && rate > 0; }
  /// The stream of one sequence.
  RandomKey key(const Context& context, const Batch& batch, Index s) const noexcept {
    return context.random.with(static_cast<std::uint64_t>(stream)).with(static_cast<std::uint64_t>(batch.sample_of(s)));
  }

  /// x [tokens, features] in place. The gradient is the same function of dy.
  void forward(Context& context, const Batch& batch, MutableView x) const noexcept {
    if (!on(context)) return;
    const Arena::Frame frame(context.scratch);
    kernels::dropout(context, x, keys(context, batch), rate, x);
  }
  /// y += what forward makes of x; so dx += … of dy.
  void add(Context& context, const Batch& batch, View x, MutableView y) const noexcept {
    if (!on(context)) return kernels::add(context, x, y);
    const Arena::Frame frame(context.scratch);
    kernels::dropout_add(context, x, keys(context, batch), rate, y);
  }

  void visit(auto&&) const {}  // no weights

  static constexpr Index scratch_bytes(Index tokens) noexcept {
    return Arena::bytes_for(tokens, sizeof(std::uint64_t));
  }

 private:
  const std::uint64_t* keys(Context& context, const Batch& batch) const {
    auto* const each = context.scratch.take<std::uint64_t>(batch.tokens());
    for (Index s = 0; s < batch.sequences(); ++s) {
      const RandomKey sequence = key(context, batch, s);
      for (Index t = 0; t < batch.length(s); ++t)
        each[batch.first(s) + t] = sequence.with(static_cast<std::uint64_t>(batch.position_of(s) + t)).seed;
    }
    return each;
  }
};

/// Gives the dropouts below `layer` the numbers next, next + 1, … in the order of visits.
template <class Layer>
void number_dropouts(Layer& layer, Index& next) {
  layer.visit([&](std::string_view, auto& inner, auto... role) {
    if constexpr (std::is_same_v<decltype(inner), Dropout&>) inner.stream = next++;
    else if constexpr (sizeof...(role) == 0) number_dropouts(inner, next);
  });
}

}  // namespace tfm::inline TFM_ABI
