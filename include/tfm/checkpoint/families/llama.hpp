#pragma once
// LLaMA 1 to 3.3, and what was trained in its form: TinyLlama, SmolLM 1 and 2, Yi, …
// Touvron et al. 2023, arXiv:2302.13971 and 2307.09288
#include "tfm/checkpoint/config_keys.hpp"
#include "tfm/checkpoint/family.hpp"

namespace tfm::inline TFM_ABI {

namespace detail {

inline constexpr std::string_view llama_architectures[] = {"LlamaForCausalLM", "LLaMAForCausalLM", "LlamaModel"};

/// Others' layers are mostly called so, too.
inline constexpr LayerName llama_layers[] = {{"model.embed_tokens", "model.embed_tokens", "token_embd"},
                                             {"model.norm", "model.norm", "output_norm"},
                                             {"lm_head", "lm_head", "output"},
                                             {"input_layernorm", "input_layernorm", "attn_norm"},
                                             {"self_attn.q_proj", "self_attn.q_proj", "attn_q"},
                                             {"self_attn.k_proj", "self_attn.k_proj", "attn_k"},
                                             {"self_attn.v_proj", "self_attn.v_proj", "attn_v"},
                                             {"self_attn.o_proj", "self_attn.o_proj", "attn_output"},
                                             {"post_attention_layernorm", "post_attention_layernorm", "ffn_norm"},
                                             {"mlp.gate_proj", "mlp.gate_proj", "ffn_gate"},
                                             {"mlp.up_proj", "mlp.up_proj", "ffn_up"},
                                             {"mlp.down_proj", "mlp.down_proj", "ffn_down"}};
inline constexpr LayerName llama_blocks{"model.layers.", "model.layers.", "blk."};

inline void read_llama_options(const Json& config, DynamicLlamaShape& shape) {
  require_silu(config);
  shape.options.qkv_bias = shape.options.o_bias = is_true(config, "attention_bias");
  shape.options.mlp_bias = is_true(config, "mlp_bias");
  if (const auto pairs = config.find_value("rope_interleaved"); pairs && pairs->boolean())
    pairs->refuse("found true, expected false: rotary pairs are halves");
}
/// Biases, of which no key tells.
inline void read_gguf_biases(const Family& family, const Gguf& gguf, DynamicLlamaShape& shape) {
  shape.options.qkv_bias = has_weight(family, gguf, "model.layers.0.self_attn.q_proj.bias");
  shape.options.o_bias = has_weight(family, gguf, "model.layers.0.self_attn.o_proj.bias");
  shape.options.mlp_bias = has_weight(family, gguf, "model.layers.0.mlp.down_proj.bias");
  refuse_gguf_window(family, gguf, shape);
}
inline std::vector<std::pair<std::string, std::string>> llama_option_keys(const DecoderOptions& options) {
  if (options != DecoderOptions{.qkv_bias = options.o_bias, .o_bias = options.o_bias, .mlp_bias = options.mlp_bias})
    raise(
        LoadError("tfm: the model is none that config.json of a LLaMA can say: biases in some of attention's "
                  "projections alone, or options of "
                  "other families"));
  return {{"attention_bias", json_boolean(options.o_bias)}, {"mlp_bias", json_boolean(options.mlp_bias)}};
}

}  // namespace detail

inline constexpr Family llama_family{.name = "llama",
                                     .model_type = "llama",
                                     .architectures = detail::llama_architectures,
                                     .blocks = detail::llama_blocks,
                                     .layers = detail::llama_layers,
                                     .neighbours_in_gguf = true,
                                     .read_options = detail::read_llama_options,
                                     .read_gguf_options = detail::read_gguf_biases,
                                     .option_keys = detail::llama_option_keys};

}  // namespace tfm::inline TFM_ABI
