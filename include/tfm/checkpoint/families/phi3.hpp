#pragma once
// Phi-3 and Phi-4: LLaMA whose files have q, k and v in one tensor, gate and up in another.
// Abdin et al. 2024, arXiv:2404.14219 and 2412.08905
#include "tfm/checkpoint/families/llama.hpp"

namespace tfm::inline TFM_ABI {

namespace detail {

inline constexpr std::string_view phi3_architectures[] = {"Phi3ForCausalLM", "Phi3Model"};
inline constexpr LayerName phi3_layers[] = {{"model.embed_tokens", "model.embed_tokens", "token_embd"},
                                            {"model.norm", "model.norm", "output_norm"},
                                            {"lm_head", "lm_head", "output"},
                                            {"input_layernorm", "input_layernorm", "attn_norm"},
                                            {"self_attn.q_proj", "self_attn.qkv_proj", "attn_qkv"},
                                            {"self_attn.k_proj", "self_attn.qkv_proj", "attn_qkv"},
                                            {"self_attn.v_proj", "self_attn.qkv_proj", "attn_qkv"},
                                            {"self_attn.o_proj", "self_attn.o_proj", "attn_output"},
                                            {"post_attention_layernorm", "post_attention_layernorm", "ffn_norm"},
                                            {"mlp.gate_proj", "mlp.gate_up_proj", "ffn_up"},
                                            {"mlp.up_proj", "mlp.gate_up_proj", "ffn_up"},
                                            {"mlp.down_proj", "mlp.down_proj", "ffn_down"}};

inline void read_phi3_options(const Json& config, DynamicLlamaShape& shape) {
  require_silu(config);
  refuse_window(config, "sliding_window", shape);
}
inline std::vector<std::pair<std::string, std::string>> phi3_option_keys(const DecoderOptions& options) {
  if (options != DecoderOptions{})
    raise(LoadError("tfm: a Phi-3 has a LLaMA's options, expected the same of the model"));
  return {{"attention_bias", "false"}, {"sliding_window", "null"}};
}

}  // namespace detail

inline constexpr Family phi3_family{.name = "phi3",
                                    .model_type = "phi3",
                                    .architectures = detail::phi3_architectures,
                                    .blocks = detail::llama_blocks,
                                    .layers = detail::phi3_layers,
                                    .neighbours_in_gguf = false,
                                    .read_options = detail::read_phi3_options,
                                    .read_gguf_options = detail::read_gguf_biases,
                                    .option_keys = detail::phi3_option_keys};

}  // namespace tfm::inline TFM_ABI
