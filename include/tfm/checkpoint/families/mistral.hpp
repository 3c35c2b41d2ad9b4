#pragma once
// Mistral 7B and its kin: LLaMA with a window in every block, or none. In GGUF they are LLaMA's, without a window.
// Jiang et al. 2023, arXiv:2310.06825
#include "tfm/checkpoint/families/llama.hpp"

namespace tfm::inline TFM_ABI {

namespace detail {

inline constexpr std::string_view mistral_architectures[] = {"MistralForCausalLM", "MistralModel"};

inline void read_mistral_options(const Json& config, DynamicLlamaShape& shape) {
  require_silu(config);
  refuse_biases(config);
  read_window(config, 4096, shape);
}
inline std::vector<std::pair<std::string, std::string>> mistral_option_keys(const DecoderOptions& options) {
  if (options != DecoderOptions{.window = options.window})
    raise(LoadError(
        "tfm: a Mistral has a window in every block, or none, and no other options, expected the same of the model"));
  return {window_key(options.window)};
}

}  // namespace detail

inline constexpr Family mistral_family{.name = "mistral",
                                       .model_type = "mistral",
                                       .architectures = detail::mistral_architectures,
                                       .blocks = detail::llama_blocks,
                                       .layers = detail::llama_layers,
                                       .neighbours_in_gguf = true,
                                       .read_options = detail::read_mistral_options,
                                       .read_gguf_options = detail::read_gguf_biases,
                                       .option_keys = detail::mistral_option_keys};

}  // namespace tfm::inline TFM_ABI
