#pragma once
// Granite 3 (not its mixtures of experts): LLaMA with multipliers of the embedding, attention's scores, what blocks
// add, and logits. IBM 2024, https://github.com/ibm-granite/granite-3.0-language-models
#include "tfm/checkpoint/families/llama.hpp"
#include "tfm/checkpoint/shape_agreement.hpp"

namespace tfm::inline TFM_ABI {

namespace detail {

inline constexpr std::string_view granite_architectures[] = {"GraniteForCausalLM", "GraniteModel"};

inline void read_granite_options(const Json& config, DynamicLlamaShape& shape) {
  read_llama_options(config, shape);
  shape.options.attention_scale = positive_or(config, "attention_multiplier", 1);
  shape.options.embedding_scale = positive_or(config, "embedding_multiplier", 1);
  shape.options.residual_scale = positive_or(config, "residual_multiplier", 1);
  shape.options.logit_divisor = positive_or(config, "logits_scaling", 1);
}
inline void read_granite_gguf_options(const Family& family, const Gguf& gguf, DynamicLlamaShape& shape) {
  constexpr double least = 1e-30;  // they are positive
  read_gguf_biases(family, gguf, shape);
  shape.options.attention_scale = gguf_float(gguf.metadata, "granite.attention.scale", 0, least);
  shape.options.embedding_scale = gguf_float(gguf.metadata, "granite.embedding_scale", 1, least);
  shape.options.residual_scale = gguf_float(gguf.metadata, "granite.residual_scale", 1, least);
  shape.options.logit_divisor = gguf_float(gguf.metadata, "granite.logit_scale", 1, least);
}
inline std::vector<std::pair<std::string, std::string>> granite_option_keys(const DecoderOptions& options) {
  DecoderOptions plain = options;
  plain.attention_scale = 0, plain.embedding_scale = plain.residual_scale = plain.logit_divisor = 1;
  auto keys = llama_option_keys(plain);
  const auto add = [&](const char* key, float value) { keys.emplace_back(key, size_text(value)); };
  if (options.attention_scale == 0)
    raise(LoadError(
        "tfm: config.json of a Granite says attention_multiplier, expected options.attention_scale of the model"));
  add("attention_multiplier", options.attention_scale), add("embedding_multiplier", options.embedding_scale);
  add("residual_multiplier", options.residual_scale), add("logits_scaling", options.logit_divisor);
  return keys;
}

inline std::vector<std::pair<std::string, float>> granite_gguf_option_keys(const DecoderOptions& options) {
  return {{".attention.scale", options.attention_scale},
          {".embedding_scale", options.embedding_scale},
          {".residual_scale", options.residual_scale},
          {".logit_scale", options.logit_divisor}};
}

}  // namespace detail

inline constexpr Family granite_family{.name = "granite",
                                       .model_type = "granite",
                                       .architectures = detail::granite_architectures,
                                       .blocks = detail::llama_blocks,
                                       .layers = detail::llama_layers,
                                       .neighbours_in_gguf = true,
                                       .read_options = detail::read_granite_options,
                                       .read_gguf_options = detail::read_granite_gguf_options,
                                       .option_keys = detail::granite_option_keys,
                                       .gguf_option_keys = detail::granite_gguf_option_keys};

}  // namespace tfm::inline TFM_ABI
