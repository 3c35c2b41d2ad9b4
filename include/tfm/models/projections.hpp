#pragma once
// Which layer type each projection of a LLaMA block is: derive from one of these and override those that differ.
#include "tfm/layers/biased_linear.hpp"
#include "tfm/layers/linear.hpp"
#include "tfm/layers/lora_linear.hpp"

namespace tfm::inline TFM_ABI {

/// One number format for all projections; the embedding, and an output of its own, are `output_weight`.
template <Weight W>
struct EveryLinear {
  using q_proj = Linear<W>;
  using k_proj = Linear<W>;
  using v_proj = Linear<W>;
  using o_proj = Linear<W>;
  using gate_proj = Linear<W>;
  using up_proj = Linear<W>;
  using down_proj = Linear<W>;
  using output_weight = W;
};

/// The same, every projection able to carry adapters.
template <Weight W>
struct EveryLoraLinear {
  using q_proj = LoraLinear<W>;
  using k_proj = LoraLinear<W>;
  using v_proj = LoraLinear<W>;
  using o_proj = LoraLinear<W>;
  using gate_proj = LoraLinear<W>;
  using up_proj = LoraLinear<W>;
  using down_proj = LoraLinear<W>;
  using output_weight = W;
};

/// The same with room for a bias in every projection; the shape's options say which have one.
template <Weight W>
struct EveryBiasedLinear {
  using q_proj = BiasedLinear<Linear<W>>;
  using k_proj = q_proj;
  using v_proj = q_proj;
  using o_proj = q_proj;
  using gate_proj = q_proj;
  using up_proj = q_proj;
  using down_proj = q_proj;
  using output_weight = W;
};

/// Adapters and biases.
template <Weight W>
struct EveryBiasedLoraLinear {
  using q_proj = BiasedLinear<LoraLinear<W>>;
  using k_proj = q_proj;
  using v_proj = q_proj;
  using o_proj = q_proj;
  using gate_proj = q_proj;
  using up_proj = q_proj;
  using down_proj = q_proj;
  using output_weight = W;
};

}  // namespace tfm::inline TFM_ABI
