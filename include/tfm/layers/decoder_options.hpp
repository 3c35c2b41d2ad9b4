#pragma once
// DecoderOptions: what distinguishes families of decoders beside their sizes, as values.
#include "tfm/core/index.hpp"

namespace tfm::inline TFM_ABI {

/// LLaMA has none of it. Biases want projections that have room for them: EveryBiasedLinear, EveryBiasedLoraLinear
/// (models/projections.hpp).
struct DecoderOptions {
  bool qkv_bias = false, o_bias = false;  ///< of attention's projections of its input, and of its output
  bool mlp_bias = false;                  ///< of gate, up and down

  constexpr bool any_bias() const noexcept { return qkv_bias || o_bias || mlp_bias; }
  bool operator==(const DecoderOptions&) const = default;
};

}  // namespace tfm::inline TFM_ABI
