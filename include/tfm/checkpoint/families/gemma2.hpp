#pragma once
// Gemma 2: norms of inputs and outputs, GeGLU, embeddings times the root of their width, capped scores and logits, a
// window in every other block.    Gemma team 2024, arXiv:2408.00118
#include <cmath>

#include "tfm/checkpoint/families/llama.hpp"
#include "tfm/checkpoint/shape_agreement.hpp"

namespace tfm::inline TFM_ABI {

namespace detail {

inline constexpr std::string_view gemma2_architectures[] = {"Gemma2ForCausalLM", "Gemma2Model"};
inline constexpr LayerName gemma2_layers[] = {
    {"model.embed_tokens", "model.embed_tokens", "token_embd"},
    {"model.norm", "model.norm", "output_norm"},
    {"lm_head", "lm_head", "output"},
    {"input_layernorm", "input_layernorm", "attn_norm"},
    {"self_attn.q_proj", "self_attn.q_proj", "attn_q"},
    {"self_attn.k_proj", "self_attn.k_proj", "attn_k"},
    {"self_attn.v_proj", "self_attn.v_proj", "attn_v"},
    {"self_attn.o_proj", "self_attn.o_proj", "attn_output"},
    {"post_self_attn_layernorm", "post_attention_layernorm", "post_attention_norm"},
    {"post_attention_layernorm", "pre_feedforward_layernorm", "ffn_norm"},
    {"mlp.gate_proj", "mlp.gate_proj", "ffn_gate"},
    {"mlp.up_proj", "mlp.up_proj", "ffn_up"},
    {"mlp.down_proj", "mlp.down_proj", "ffn_down"},
    {"post_mlp_layernorm", "post_feedforward_layernorm", "post_ffw_norm"}};

inline float one_over_root(double x) { return static_cast<float>(1 / std::sqrt(x)); }

/// What all of a Gemma's blocks have.
inline DecoderOptions gemma_options(const DynamicLlamaShape& shape) {
  return {.norm_after = true,
          .embedding_scale = static_cast<float>(std::sqrt(static_cast<double>(shape.dim))),
          .activation = Activation::gelu};
}
/// The same as config.json gives it, with scores divided by the root of query_pre_attn_scalar.
inline void read_gemma_options(const Json& config, DynamicLlamaShape& shape) {
  refuse_biases(config);
  if (const auto activation = config.find_value("hidden_activation");
      activation && activation->text() != "gelu_pytorch_tanh")
    activation->refuse({"found ", activation->found(), ", expected 'gelu_pytorch_tanh'"});
  if (is_true(config, "use_bidirectional_attention"))
    config.at("use_bidirectional_attention")
        .refuse("found true, expected false: a token sees what stands before it alone");
  shape.options = gemma_options(shape);
  shape.options.attention_scale = one_over_root(static_cast<double>(positive_or(config, "query_pre_attn_scalar", 256)));
}
/// A GGUF file says neither: llama.cpp divides scores by the root of the head size, and in the models of 27 billion
/// parameters, which it knows by their layers, of the width of a head's part of the embedding.
inline void read_gemma_gguf_options(const Gguf& gguf, const Family& family, Index layers_of_27b,
                                    DynamicLlamaShape& shape) {
  shape.options = gemma_options(shape);
  shape.options.attention_scale =
      one_over_root(static_cast<double>(shape.layers == layers_of_27b ? shape.dim / shape.heads : head_dim(shape)));
  const auto window = gguf.metadata.find(std::string(family.name) + ".attention.sliding_window");
  shape.options.window = window ? window->integer(0, longest_context) : 4096;
}
inline std::vector<std::pair<std::string, std::string>> gemma_option_keys(const DecoderOptions& options) {
  const double scalar =
                   1 / (static_cast<double>(options.attention_scale) * static_cast<double>(options.attention_scale)),
               whole = std::round(scalar);
  const auto cap = [](float value) { return value == 0 ? std::string("null") : size_text(value); };
  return {
      {"attention_bias", "false"},
      {"attn_logit_softcapping", cap(options.attention_cap)},
      {"final_logit_softcapping", cap(options.logit_cap)},
      {"hidden_activation", "\"gelu_pytorch_tanh\""},
      {"query_pre_attn_scalar",
       one_over_root(whole) == options.attention_scale ? std::to_string(static_cast<Index>(whole)) : size_text(scalar)},
      window_key(options.window)};
}
/// Whether these are a Gemma's options, those apart that config.json has keys for.
inline bool is_gemma(DecoderOptions options, DecoderOptions expected) {
  if (!(options.attention_scale > 0)) return false;
  options.attention_scale = expected.attention_scale, options.embedding_scale = expected.embedding_scale,
  options.window = expected.window;
  options.attention_cap = expected.attention_cap, options.logit_cap = expected.logit_cap;
  return options == expected;
}

inline void read_gemma2_options(const Json& config, DynamicLlamaShape& shape) {
  read_gemma_options(config, shape);
  shape.options.attention_cap = cap_or(config, "attn_logit_softcapping", 50);
  shape.options.logit_cap = cap_or(config, "final_logit_softcapping", 30);
  shape.options.full_every = 2;
  read_window(config, 4096, shape);
}
inline void read_gemma2_gguf_options(const Family& family, const Gguf& gguf, DynamicLlamaShape& shape) {
  read_gemma_gguf_options(gguf, family, 46, shape);
  shape.options.attention_cap = gguf_float(gguf.metadata, "gemma2.attn_logit_softcapping", 50, 0);
  shape.options.logit_cap = gguf_float(gguf.metadata, "gemma2.final_logit_softcapping", 30, 0);
  shape.options.full_every = 2;
}
inline std::vector<std::pair<std::string, std::string>> gemma2_option_keys(const DecoderOptions& options) {
  if (!is_gemma(options,
                {.norm_after = true, .activation = Activation::gelu, .full_every = options.window == 0 ? 0 : 2}))
    raise(LoadError("tfm: the model's options are not a Gemma 2's, which has norms of inputs and outputs, GELU, and a "
                    "window in every other block, expected the same of the model"));
  return gemma_option_keys(options);
}

}  // namespace detail

inline constexpr Family gemma2_family{.name = "gemma2",
                                      .model_type = "gemma2",
                                      .architectures = detail::gemma2_architectures,
                                      .blocks = detail::llama_blocks,
                                      .layers = detail::gemma2_layers,
                                      .tied_by_default = true,
                                      .defaults = {.heads = 8, .kv_heads = 4, .context = 8192, .head_dim = 256},
                                      .norms_less_one = true,
                                      .neighbours_in_gguf = false,
                                      .read_options = detail::read_gemma2_options,
                                      .read_gguf_options = detail::read_gemma2_gguf_options,
                                      .option_keys = detail::gemma2_option_keys};

}  // namespace tfm::inline TFM_ABI
