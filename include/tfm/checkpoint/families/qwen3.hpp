#pragma once
// Qwen3 (not its mixtures of experts): LLaMA that normalises each head of q and k.    Yang et al. 2025,
// arXiv:2505.09388
#include "tfm/checkpoint/families/qwen2.hpp"

namespace tfm::inline TFM_ABI {

namespace detail {

inline constexpr std::string_view qwen3_architectures[] = {"Qwen3ForCausalLM", "Qwen3Model"};
inline constexpr LayerName qwen3_layers[] = {{"model.embed_tokens", "model.embed_tokens", "token_embd"},
                                             {"model.norm", "model.norm", "output_norm"},
                                             {"lm_head", "lm_head", "output"},
                                             {"input_layernorm", "input_layernorm", "attn_norm"},
                                             {"self_attn.q_proj", "self_attn.q_proj", "attn_q"},
                                             {"self_attn.k_proj", "self_attn.k_proj", "attn_k"},
                                             {"self_attn.v_proj", "self_attn.v_proj", "attn_v"},
                                             {"self_attn.o_proj", "self_attn.o_proj", "attn_output"},
                                             {"self_attn.q_norm", "self_attn.q_norm", "attn_q_norm"},
                                             {"self_attn.k_norm", "self_attn.k_norm", "attn_k_norm"},
                                             {"post_attention_layernorm", "post_attention_layernorm", "ffn_norm"},
                                             {"mlp.gate_proj", "mlp.gate_proj", "ffn_gate"},
                                             {"mlp.up_proj", "mlp.up_proj", "ffn_up"},
                                             {"mlp.down_proj", "mlp.down_proj", "ffn_down"}};
inline constexpr DecoderOptions qwen3_options{.qk_norm = QkNorm::heads};

inline void read_qwen3_options(const Json& config, DynamicLlamaShape& shape) {
  require_silu(config);
  refuse_biases(config);
  shape.options = qwen3_options;
  if (is_true(config, "use_sliding_window")) refuse_window(config, "sliding_window", shape);
}
inline void read_qwen3_gguf_options(const Family&, const Gguf&, DynamicLlamaShape& shape) {
  shape.options = qwen3_options;
}
inline std::vector<std::pair<std::string, std::string>> qwen3_option_keys(const DecoderOptions& options) {
  if (options != qwen3_options)
    raise(LoadError(
        "tfm: a Qwen3 normalises each head of q and k and has no other options, expected the same of the model"));
  return {{"attention_bias", "false"}, {"use_sliding_window", "false"}};
}

}  // namespace detail

inline constexpr Family qwen3_family{.name = "qwen3",
                                     .model_type = "qwen3",
                                     .architectures = detail::qwen3_architectures,
                                     .blocks = detail::llama_blocks,
                                     .layers = detail::qwen3_layers,
                                     .neighbours_in_gguf = false,
                                     .read_options = detail::read_qwen3_options,
                                     .read_gguf_options = detail::read_qwen3_gguf_options,
                                     .option_keys = detail::qwen3_option_keys};

}  // namespace tfm::inline TFM_ABI
