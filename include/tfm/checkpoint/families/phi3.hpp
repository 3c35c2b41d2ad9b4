#pragma once
// Phi-3 and Phi-4: LLaMA whose files have q, k and v in one tensor, gate and up in another; with a window, longrope, or heads
// that are turned in part.
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
  read_window(config, 0, shape);
}
/// llama.cpp does not heed the window that its files say, nor do we: a file is the model that it is there.
inline void read_phi3_gguf_options(const Family& family, const Gguf& gguf, DynamicLlamaShape& shape) {
  const auto turned = gguf.metadata.find("phi3.rope.dimension_count");
  if (turned && turned->integer(2, head_dim(shape)) != head_dim(shape)) shape.options.rotary_dim = turned->integer();
  gguf_longrope(family, gguf, shape);
}
inline std::vector<std::pair<std::string, std::string>> phi3_option_keys(const DecoderOptions& options) {
  if (options != DecoderOptions{.rotary_dim = options.rotary_dim, .window = options.window})
    raise(LoadError("tfm: a Phi-3 has a LLaMA's options, maybe a window, and turns heads in part, expected the same of the model"));
  return {{"attention_bias", "false"}, window_key(options.window)};
}

}  // namespace detail

inline constexpr Family phi3_family{.name = "phi3",
                                    .model_type = "phi3",
                                    .architectures = detail::phi3_architectures,
                                    .blocks = detail::llama_blocks,
                                    .layers = detail::phi3_layers,
                                    .turns_parts = true,
                                    .neighbours_in_gguf = false,
                                    .read_options = detail::read_phi3_options,
                                    .read_gguf_options = detail::read_phi3_gguf_options,
                                    .option_keys = detail::phi3_option_keys};

}  // namespace tfm::inline TFM_ABI
