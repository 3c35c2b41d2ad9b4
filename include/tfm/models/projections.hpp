#pragma once
// Which layer type each projection of a LLaMA block is: derive from one of these and override those that differ.
#include "tfm/layers/biased_linear.hpp"
#include "tfm/layers/linear.hpp"
#include "tfm/layers/lora_linear.hpp"

namespace tfm::inline TFM_ABI {

/// One type for all projections; the embedding, and an output of its own, are `output_weight`.
template <class Layer, Weight W>
struct EveryProjection {
  using q_proj = Layer;
  using k_proj = Layer;
  using v_proj = Layer;
  using o_proj = Layer;
  using gate_proj = Layer;
  using up_proj = Layer;
  using down_proj = Layer;
  using output_weight = W;
};

/// One number format for all.
template <Weight W>
struct EveryLinear : EveryProjection<Linear<W>, W> {};

/// The same, every projection able to carry adapters.
template <Weight W>
struct EveryLoraLinear : EveryProjection<LoraLinear<W>, W> {};

/// The same with room for a bias in every projection; the shape's options say which have one.
template <Weight W>
struct EveryBiasedLinear : EveryProjection<BiasedLinear<Linear<W>>, W> {};

/// Adapters and biases.
template <Weight W>
struct EveryBiasedLoraLinear : EveryProjection<BiasedLinear<LoraLinear<W>>, W> {};

}  // namespace tfm::inline TFM_ABI
