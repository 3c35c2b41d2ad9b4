#pragma once
// Qwen2 and Qwen2.5, Coder and Math among them: LLaMA with biases in q, k and v.    Yang et al. 2024, arXiv:2407.10671
#include "tfm/checkpoint/families/llama.hpp"

namespace tfm::inline TFM_ABI {

namespace detail {

inline constexpr std::string_view qwen2_architectures[] = {"Qwen2ForCausalLM", "Qwen2Model"};

inline void read_qwen2_options(const Json& config, DynamicLlamaShape& shape) {
  require_silu(config);
  shape.options.qkv_bias = true;
  if (is_true(config, "use_sliding_window")) refuse_window(config, "sliding_window", shape);
}
inline std::vector<std::pair<std::string, std::string>> qwen2_option_keys(const DecoderOptions& options) {
  if (options != DecoderOptions{.qkv_bias = true})
    raise(LoadError("tfm: a Qwen2 has biases in q, k and v and no other options, expected the same of the model"));
  return {{"use_sliding_window", "false"}};
}

}  // namespace detail

inline constexpr Family qwen2_family{.name = "qwen2",
                                     .model_type = "qwen2",
                                     .architectures = detail::qwen2_architectures,
                                     .blocks = detail::llama_blocks,
                                     .layers = detail::llama_layers,
                                     .neighbours_in_gguf = false,
                                     .read_options = detail::read_qwen2_options,
                                     .read_gguf_options = detail::read_gguf_biases,
                                     .option_keys = detail::qwen2_option_keys};

}  // namespace tfm::inline TFM_ABI
