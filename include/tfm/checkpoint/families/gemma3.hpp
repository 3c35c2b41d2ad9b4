#pragma once
// Gemma 3, of text: Gemma 2 that normalises each head of q and k, caps nothing, and has five blocks with a window and a
// rotary base of their own before each without. Models that read pictures, too, have its config.json as their
// text_config. Gemma team 2025, arXiv:2503.19786
#include "tfm/checkpoint/families/gemma2.hpp"

namespace tfm::inline TFM_ABI {

namespace detail {

inline constexpr std::string_view gemma3_architectures[] = {"Gemma3ForCausalLM", "Gemma3TextModel"};
inline constexpr auto gemma3_layers = with_layers(
    gemma2_layers,
    {{"self_attn.q_norm", "self_attn.q_norm", "attn_q_norm"}, {"self_attn.k_norm", "self_attn.k_norm", "attn_k_norm"}});

inline void read_gemma3_options(const Json& config, DynamicLlamaShape& shape) {
  read_gemma_options(config, shape);
  DecoderOptions& options = shape.options;
  options.qk_norm = QkNorm::heads;
  options.attention_cap = cap_or(config, "attn_logit_softcapping", 0);
  options.logit_cap = cap_or(config, "final_logit_softcapping", 0);
  options.window_rope_theta = positive_or(config, "rope_local_base_freq", 10000);
  if (const auto rope = config.find_value("rope_parameters"))
    if (const auto local = rope->find_value("sliding_attention")) {
      options.window_rope_theta = positive_or(*local, "rope_theta", 10000);
      if (const auto kind = local->find_value("rope_type"); kind && kind->text() != "default")
        kind->refuse({"found ", kind->found(), ", expected 'default': rotary positions of windows are not scaled"});
    }
  options.full_every = 6;
  for (const std::string_view key : {"sliding_window_pattern", "_sliding_window_pattern"})
    if (const auto every = config.find_value(key)) options.full_every = every->whole(1, most_layers);
  read_window(config, 4096, shape);
  if (options.window == 0) options.window_rope_theta = 0;
}
inline void read_gemma3_gguf_options(const Family& family, const Gguf& gguf, DynamicLlamaShape& shape) {
  read_gemma_gguf_options(gguf, family, 62, shape);
  shape.options.qk_norm = QkNorm::heads;
  shape.options.logit_cap = gguf_float(gguf.metadata, "gemma3.final_logit_softcapping", 0, 0);
  shape.options.full_every = 6;
  shape.options.window_rope_theta = gguf_float(gguf.metadata, "gemma3.rope.freq_base_swa", 10000, 1e-6);
}
inline std::vector<std::pair<std::string, std::string>> gemma3_option_keys(const DecoderOptions& options) {
  if (!is_gemma(options, {.qk_norm = QkNorm::heads,
                          .norm_after = true,
                          .activation = Activation::gelu,
                          .full_every = options.full_every,
                          .window_rope_theta = options.window_rope_theta}))
    raise(
        LoadError("tfm: the model's options are not a Gemma 3's, which has norms of inputs, outputs, q and k, GELU, "
                  "and windows with a "
                  "rotary base of their own, expected the same of the model"));
  auto keys = gemma_option_keys(options);
  keys.emplace_back("rope_local_base_freq",
                    size_text(options.window_rope_theta == 0 ? 10000 : options.window_rope_theta));
  keys.emplace_back("sliding_window_pattern",
                    std::to_string(options.full_every == 0 ? most_layers : options.full_every));
  return keys;
}

}  // namespace detail

inline constexpr Family gemma3_family{
    .name = "gemma3",
    .model_type = "gemma3_text",
    .architectures = detail::gemma3_architectures,
    .blocks = detail::llama_blocks,
    .layers = detail::gemma3_layers,
    .tied_by_default = true,
    .defaults = {.vocab = 262208, .heads = 8, .kv_heads = 4, .context = 131072, .head_dim = 256, .rope_theta = 1e6f},
    .wrapped = "gemma3",
    .norms_less_one = true,
    .neighbours_in_gguf = false,
    .read_options = detail::read_gemma3_options,
    .read_gguf_options = detail::read_gemma3_gguf_options,
    .option_keys = detail::gemma3_option_keys};

}  // namespace tfm::inline TFM_ABI
