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

/// What the gate of the feed-forward layer goes through.
enum class Activation : unsigned char {
  silu,
  gelu,  ///< in its form with tanh: Gemma
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
  Activation activation = Activation::silu;
  float attention_cap = 0, logit_cap = 0;  ///< scores, and logits, are cap tanh(x / cap); 0: as they are
  Index rotary_dim = 0;                    ///< values of each head that are turned, its first; 0: all (Phi-4-mini: 96 of 128)
  /// A token sees so many positions, its own among them, in blocks from window_from on, but for every full_every-th
  /// block (Gemma 2: 2, Gemma 3: 6; 0: for none). window 0: all before it, in all blocks.
  Index window = 0, window_from = 0, full_every = 0;
  float window_rope_theta = 0;  ///< the base of rotary positions, unscaled, in blocks with a window (Gemma 3: 10,000); 0: as in others

  constexpr bool any_bias() const noexcept { return qkv_bias || o_bias || mlp_bias; }
  /// Whether block `layer` turns q and k.
  constexpr bool turns(Index layer) const noexcept { return unturned_every == 0 || (layer + 1) % unturned_every != 0; }
  /// The window of block `layer`; 0: none.
  constexpr Index window_of(Index layer) const noexcept {
    return layer >= window_from && (full_every == 0 || (layer + 1) % full_every != 0) ? window : 0;
  }
  /// Whether block `layer` has rotary positions of base window_rope_theta.
  constexpr bool turns_locally(Index layer) const noexcept { return window_rope_theta != 0 && window_of(layer) != 0; }
  bool operator==(const DecoderOptions&) const = default;
};

}  // namespace tfm::inline TFM_ABI
