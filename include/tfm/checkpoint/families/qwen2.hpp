#pragma once
// Qwen2 and Qwen2.5, Coder and Math among them: LLaMA with biases in q, k and v.    Yang et al. 2024, arXiv:2407.10671
#include "tfm/checkpoint/families/llama.hpp"

namespace tfm::inline TFM_ABI {

namespace detail {

inline constexpr std::string_view qwen2_architectures[] = {"Qwen2ForCausalLM", "Qwen2Model"};

/// A window counts with use_sliding_window alone, and from block max_window_layers on.
inline void read_qwen2_window(const Json& config, DynamicLlamaShape& shape) {
  if (!is_true(config, "use_sliding_window")) return;
  const auto from = config.find_value("max_window_layers");
  shape.options.window_from = from ? from->whole(0, most_layers) : 28;
  read_window(config, 4096, shape);
}
inline std::vector<std::pair<std::string, std::string>> qwen2_window_keys(const DecoderOptions& options) {
  return {{"max_window_layers", std::to_string(options.window_from)},
          window_key(options.window),
          {"use_sliding_window", json_boolean(options.window != 0)}};
}

inline void read_qwen2_options(const Json& config, DynamicLlamaShape& shape) {
  require_silu(config);
  shape.options.qkv_bias = true;
  read_qwen2_window(config, shape);
}
inline std::vector<std::pair<std::string, std::string>> qwen2_option_keys(const DecoderOptions& options) {
  if (options != DecoderOptions{.qkv_bias = true, .window = options.window, .window_from = options.window_from})
    raise(LoadError("tfm: a Qwen2 has biases in q, k and v, maybe a window, and no other options, expected the same of the model"));
  return qwen2_window_keys(options);
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
