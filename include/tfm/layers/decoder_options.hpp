#pragma once
// DecoderOptions: what distinguishes families of decoders beside their sizes, as values.
#include "tfm/core/index.hpp"

namespace tfm::inline TFM_ABI {

/// Over what q and k are normalised before they are turned.
enum class QkNorm : unsigned char {
  none,
  heads,  ///< each head by itself, all with one weight of head_dim values: Qwen3, Gemma 3
  whole,  ///< all heads together: OLMo 2
};

/// The defaults are LLaMA's. Biases want projections that have room for them: EveryBiasedLinear, EveryBiasedLoraLinear
/// (models/projections.hpp).
struct DecoderOptions {
  bool qkv_bias = false, o_bias = false;  ///< of attention's projections of its input, and of its output
  bool mlp_bias = false;                  ///< of gate, up and down
  QkNorm qk_norm = QkNorm::none;
  /// Where attention and the feed-forward layer have norms: of their input, of their output.
  bool norm_before = true, norm_after = false;
  Index unturned_every = 0;  ///< every so-many-th block has no rotary positions (SmolLM3: 4); 0: all have
  float attention_scale = 0;                    ///< scores are multiplied with it; 0: 1 / sqrt(head size)
  float embedding_scale = 1, residual_scale = 1;  ///< of embeddings, and of what a block's two layers add
  float logit_divisor = 1;

  constexpr bool any_bias() const noexcept { return qkv_bias || o_bias || mlp_bias; }
  /// Whether block `layer` turns q and k.
  constexpr bool turns(Index layer) const noexcept { return unturned_every == 0 || (layer + 1) % unturned_every != 0; }
  bool operator==(const DecoderOptions&) const = default;
};

}  // namespace tfm::inline TFM_ABI
