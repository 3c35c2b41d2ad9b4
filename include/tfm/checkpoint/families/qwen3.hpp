#pragma once
// Qwen3 (not its mixtures of experts): LLaMA that normalises each head of q and k.    Yang et al. 2025,
// arXiv:2505.09388
#include "tfm/checkpoint/families/qwen2.hpp"

namespace tfm::inline TFM_ABI {

namespace detail {

inline constexpr std::string_view qwen3_architectures[] = {"Qwen3ForCausalLM", "Qwen3Model"};
inline constexpr auto qwen3_layers = with_layers(llama_layers, {{"self_attn.q_norm", "self_attn.q_norm", "attn_q_norm"},
                                                                {"self_attn.k_norm", "self_attn.k_norm", "attn_k_norm"}});
inline constexpr DecoderOptions qwen3_options{.qk_norm = QkNorm::heads};

inline void read_qwen3_options(const Json& config, DynamicLlamaShape& shape) {
  require_silu(config);
  refuse_biases(config);
  shape.options = qwen3_options;
  read_qwen2_window(config, shape);
}
inline void read_qwen3_gguf_options(const Family& family, const Gguf& gguf, DynamicLlamaShape& shape) {
  shape.options = qwen3_options;
  refuse_gguf_window(family, gguf, shape);
}
inline std::vector<std::pair<std::string, std::string>> qwen3_option_keys(const DecoderOptions& options) {
  DecoderOptions plain = options;
  plain.window = plain.window_from = 0;
  if (plain != qwen3_options)
    raise(LoadError("tfm: a Qwen3 normalises each head of q and k, maybe has a window, and has no other options, expected "
                    "the same of the model"));
  auto keys = qwen2_window_keys(options);
  keys.emplace_back("attention_bias", "false");
  return keys;
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
