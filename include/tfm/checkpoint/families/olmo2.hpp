#pragma once
// OLMo 2: LLaMA whose norms are of the outputs of attention and feed-forward layer, and of q and k.    OLMo team 2024,
// arXiv:2501.00656
#include "tfm/checkpoint/families/llama.hpp"

namespace tfm::inline TFM_ABI {

namespace detail {

inline constexpr std::string_view olmo2_architectures[] = {"Olmo2ForCausalLM", "Olmo2Model"};
inline constexpr LayerName olmo2_layers[] = {
    {"model.embed_tokens", "model.embed_tokens", "token_embd"},
    {"model.norm", "model.norm", "output_norm"},
    {"lm_head", "lm_head", "output"},
    {"self_attn.q_proj", "self_attn.q_proj", "attn_q"},
    {"self_attn.k_proj", "self_attn.k_proj", "attn_k"},
    {"self_attn.v_proj", "self_attn.v_proj", "attn_v"},
    {"self_attn.o_proj", "self_attn.o_proj", "attn_output"},
    {"self_attn.q_norm", "self_attn.q_norm", "attn_q_norm"},
    {"self_attn.k_norm", "self_attn.k_norm", "attn_k_norm"},
    {"post_self_attn_layernorm", "post_attention_layernorm", "post_attention_norm"},
    {"mlp.gate_proj", "mlp.gate_proj", "ffn_gate"},
    {"mlp.up_proj", "mlp.up_proj", "ffn_up"},
    {"mlp.down_proj", "mlp.down_proj", "ffn_down"},
    {"post_mlp_layernorm", "post_feedforward_layernorm", "post_ffw_norm"}};
inline constexpr DecoderOptions olmo2_options{.qk_norm = QkNorm::whole, .norm_before = false, .norm_after = true};

inline void read_olmo2_options(const Json& config, DynamicLlamaShape& shape) {
  require_silu(config);
  refuse_biases(config);
  shape.options = olmo2_options;
}
inline void read_olmo2_gguf_options(const Family& family, const Gguf& gguf, DynamicLlamaShape& shape) {
  shape.options = olmo2_options;
  refuse_gguf_window(family, gguf, shape);
}
inline std::vector<std::pair<std::string, std::string>> olmo2_option_keys(const DecoderOptions& options) {
  if (options != olmo2_options)
    raise(LoadError(
        "tfm: an OLMo 2 has norms of outputs and of q and k and no other options, expected the same of the model"));
  return {{"attention_bias", "false"}};
}

}  // namespace detail

inline constexpr Family olmo2_family{.name = "olmo2",
                                     .model_type = "olmo2",
                                     .architectures = detail::olmo2_architectures,
                                     .blocks = detail::llama_blocks,
                                     .layers = detail::olmo2_layers,
                                     .neighbours_in_gguf = false,
                                     .read_options = detail::read_olmo2_options,
                                     .read_gguf_options = detail::read_olmo2_gguf_options,
                                     .option_keys = detail::olmo2_option_keys};

}  // namespace tfm::inline TFM_ABI
