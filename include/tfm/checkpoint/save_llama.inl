// What save_llama.hpp declares.
#include <cmath>
#include <utility>

namespace tfm::inline TFM_ABI {

namespace detail {

TFM_INLINE RopeScaling scaling_of(const DynamicLlamaShape& shape, const std::vector<float>& frequencies) {
  using Kind = RopeScaling::Kind;
  const RopeScaling stated = shape.rope_scaling;
  const auto half = static_cast<Index>(frequencies.size());
  for (const RopeScaling& scaling : {stated, RopeScaling{.kind = Kind::llama3, .factor = 8}, RopeScaling{.kind = Kind::llama3, .factor = 32}}) {
    bool same = true;
    for (Index i = 0; same && i < half; ++i) {
      const float frequency = rope_frequency(i, 2 * half, shape.rope_theta, scaling, shape.context);
      same = std::abs(frequencies[to_size(i)] - frequency) <= 1e-4f * frequency;
    }
    if (same) return scaling;
  }
  raise(LoadError("tfm: the model's rotary frequencies are those of no scaling that config.json can say, expected those of the shape's, or one of Llama 3's"));
}

TFM_INLINE std::string config_text(const DynamicLlamaShape& s, const RopeScaling& scaling, Format format, const SpecialTokens& special) {
  const Family& family = family_named(s.family);
  JsonWriter json;
  json.begin_object(JsonLayout::lines).key("architectures").begin_array().value(family.architectures.front()).end();
  for (const auto& [key, value] : family.option_keys(s.options)) json.key(key).json(value);
  json.key("attention_dropout").json("0.0");
  json.member("bos_token_id", special.bos).member("eos_token_id", special.eos).member("pad_token_id", special.pad);
  json.member("head_dim", head_dim(s)).member("hidden_act", s.options.activation == Activation::silu ? "silu" : "gelu_pytorch_tanh").member("hidden_size", s.dim);
  json.member("intermediate_size", s.ffn).member("max_position_embeddings", s.context);
  json.member("model_type", family.model_type).member("num_attention_heads", s.heads).member("num_hidden_layers", s.layers);
  json.member("num_key_value_heads", s.kv_heads).member("rms_norm_eps", s.norm_eps);
  using Kind = RopeScaling::Kind;
  constexpr const char* original = "original_max_position_embeddings";
  if (scaling.kind == Kind::longrope) json.member(original, static_cast<Index>(scaling.original_context));  // where Phi-3 has it
  if (rotary_dim(s) != head_dim(s)) json.member("partial_rotary_factor", static_cast<double>(rotary_dim(s)) / static_cast<double>(head_dim(s)));
  json.key("rope_scaling");
  if (scaling.kind == Kind::none) {
    json.null();
  } else {
    json.begin_object().member("rope_type", name(scaling.kind)).member("factor", scaling.factor);
    if (scaling.kind == Kind::llama3) json.member("low_freq_factor", scaling.low_freq_factor).member("high_freq_factor", scaling.high_freq_factor);
    if (scaling.kind == Kind::yarn) json.member("beta_fast", scaling.beta_fast).member("beta_slow", scaling.beta_slow);
    if (scaling.kind == Kind::yarn || scaling.kind == Kind::longrope) json.member("attention_factor", scaling.magnitude);
    if (scaling.kind == Kind::longrope)
      for (const auto& [key, factors] : {std::pair{"short_factor", &scaling.short_factors}, std::pair{"long_factor", &scaling.long_factors}}) {
        json.key(key).begin_array();
        for (Index i = 0; i < rotary_dim(s) / 2; ++i) json.value((*factors)[to_size(i)]);
        json.end();
      }
    if (scaling.kind != Kind::linear && scaling.kind != Kind::dynamic) json.member(original, static_cast<Index>(scaling.original_context));
    json.end();
  }
  json.member("rope_theta", s.rope_theta).member("tie_word_embeddings", s.tied).member("torch_dtype", torch_name(format));
  return json.member("use_cache", true).member("vocab_size", s.vocab).end().text() + "\n";
}

TFM_INLINE Index saved_bytes(const std::vector<SavedTensor>& tensors) {
  Index total = 0;
  for (const auto& [tensor, parts] : tensors)
    total += (tensor.shape.size() == 1 ? 1 : tensor.shape[0]) * row_bytes(tensor.type, tensor.shape.back());
  return total;
}

}  // namespace detail

}  // namespace tfm::inline TFM_ABI
