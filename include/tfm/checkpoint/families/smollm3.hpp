#pragma once
// SmolLM3: LLaMA of which every fourth block has no rotary positions.    Hugging Face 2025; Yang et al. 2025,
// arXiv:2501.18795
#include "tfm/checkpoint/families/llama.hpp"

namespace tfm::inline TFM_ABI {

namespace detail {

inline constexpr std::string_view smollm3_architectures[] = {"SmolLM3ForCausalLM", "SmolLM3Model"};

inline void read_smollm3_options(const Json& config, DynamicLlamaShape& shape) {
  read_llama_options(config, shape);
  if (is_true(config, "use_sliding_window")) refuse_window(config, "sliding_window", shape);
  const auto interval = config.find_value("no_rope_layer_interval");
  shape.options.unturned_every = interval ? interval->whole(1, most_layers) : 4;
  const auto turned = config.find_value("no_rope_layers");  // 1 for those that have them
  if (!turned) return;
  Index layer = 0;
  for (const Json each : turned->elements())
    if ((each.whole(0, 1) == 1) != shape.options.turns(layer++))
      each.refuse({"found ", each.found(), ", expected a 0 for every block of number ", shape.options.unturned_every,
                   ", ", 2 * shape.options.unturned_every, " and so on alone, as no_rope_layer_interval says"});
}
inline void read_smollm3_gguf_options(const Family& family, const Gguf& gguf, DynamicLlamaShape& shape) {
  read_gguf_biases(family, gguf, shape);
  shape.options.unturned_every = 4;  // no key says it
}
inline std::vector<std::pair<std::string, std::string>> smollm3_option_keys(const DecoderOptions& options) {
  DecoderOptions plain = options;
  plain.unturned_every = 0;
  auto keys = llama_option_keys(plain);
  if (options.unturned_every == 0)
    raise(LoadError("tfm: of a SmolLM3 some blocks have no rotary positions, expected the same of the model"));
  keys.emplace_back("no_rope_layer_interval", std::to_string(options.unturned_every));
  return keys;
}

}  // namespace detail

inline constexpr Family smollm3_family{.name = "smollm3",
                                       .model_type = "smollm3",
                                       .architectures = detail::smollm3_architectures,
                                       .blocks = detail::llama_blocks,
                                       .layers = detail::llama_layers,
                                       .tied_by_default = true,
                                       .neighbours_in_gguf = true,
                                       .read_options = detail::read_smollm3_options,
                                       .read_gguf_options = detail::read_smollm3_gguf_options,
                                       .option_keys = detail::smollm3_option_keys};

}  // namespace tfm::inline TFM_ABI
