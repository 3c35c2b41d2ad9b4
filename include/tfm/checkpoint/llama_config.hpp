#pragma once
// LlamaConfig: a model's shape, and what a checkpoint says of its special tokens, from Hugging Face's config.json.
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tfm/checkpoint/quantised_folder.hpp"
#include "tfm/formats/json.hpp"
#include "tfm/models/llama_shapes.hpp"

namespace tfm::inline TFM_ABI {

struct LlamaConfig {
  DynamicLlamaShape shape;
  std::optional<std::int32_t> bos, pad;  ///< none where the file has null or a negative id
  std::vector<std::int32_t> eos;
  std::optional<float> int8_threshold;  ///< of a checkpoint that bitsandbytes has made int8: its llm_int8_threshold; infinite: no outliers
};

namespace detail {

/// A key's token ids: a number or a list of numbers; what is negative, NaN or infinite means none.
inline std::vector<std::int32_t> token_ids(const Json& root, std::string_view key) {
  std::vector<std::int32_t> ids;
  const auto add = [&](const Json& value) {
    if (value.is_none()) return;
    if (const Index id = value.whole(-1, INT32_MAX); id >= 0) ids.push_back(static_cast<std::int32_t>(id));
  };
  const auto value = root.find_value(key);
  if (value && value->is(JsonKind::array)) {
    for (const Json id : value->elements()) add(id);
  } else if (value) {
    add(*value);
  }
  return ids;
}
inline std::optional<std::int32_t> token_id(const Json& root, std::string_view key) {
  const auto ids = token_ids(root, key);
  return ids.empty() ? std::nullopt : std::optional(ids.front());
}

inline float positive(const Json& value) {
  const double number = value.number();
  if (!(number > 0 && number < 1e30)) value.refuse({"found ", value.found(), ", expected a positive number"});
  return static_cast<float>(number);
}

inline RopeScaling read_rope_scaling(const Json& rope, const Json& kind) {
  RopeScaling scaling;
  if (kind.text() == "default") return scaling;
  if (kind.text() != "linear" && kind.text() != "llama3")
    kind.refuse({"found ", kind.found(), ", expected 'default', 'linear' or 'llama3'"});
  scaling.kind = kind.text() == "linear" ? RopeScaling::Kind::linear : RopeScaling::Kind::llama3;
  scaling.factor = positive(rope.at("factor"));
  if (scaling.kind == RopeScaling::Kind::linear) return scaling;
  scaling.low_freq_factor = positive(rope.at("low_freq_factor"));
  scaling.high_freq_factor = positive(rope.at("high_freq_factor"));
  scaling.original_context = positive(rope.at("original_max_position_embeddings"));
  if (!(scaling.high_freq_factor > scaling.low_freq_factor))
    rope.refuse("high_freq_factor must be larger than low_freq_factor");
  return scaling;
}

/// The newest spelling is rope_parameters; before it rope_theta stood at the root, and rope_scaling had the key
/// "rope_type", or "type" before that.
inline void read_rope(const Json& root, DynamicLlamaShape& shape) {
  const auto whole_head = [](const Json& object) {
    const auto part = object.find_value("partial_rotary_factor");
    if (part && part->number() != 1) part->refuse({"found ", part->found(), ", expected 1: the whole head is turned"});
  };
  if (const auto theta = root.find_value("rope_theta")) shape.rope_theta = positive(*theta);
  whole_head(root);
  for (const std::string_view key : {"rope_scaling", "rope_parameters"}) {
    const auto rope = root.find_value(key);
    if (!rope) continue;
    if (const auto theta = rope->find_value("rope_theta")) shape.rope_theta = positive(*theta);
    whole_head(*rope);
    auto kind = rope->find_value("rope_type");
    if (!kind) kind = rope->find_value("type");
    if (kind) shape.rope_scaling = read_rope_scaling(*rope, *kind);
  }
}

/// Refuses what would make another model of the same tensors.
inline void require_plain_llama(const Json& root) {
  if (const auto type = root.find_value("model_type")) {
    if (type->text() != "llama") type->refuse({"found ", type->found(), ", expected 'llama'"});
  } else if (const auto architectures = root.find_value("architectures")) {
    bool known = false;
    for (const Json name : architectures->elements())
      known = known || name.text() == "LlamaForCausalLM" || name.text() == "LLaMAForCausalLM" || name.text() == "LlamaModel";
    if (!known) architectures->refuse("names no LLaMA, expected 'LlamaForCausalLM'");
  }
  const auto act = root.find_value("hidden_act");
  if (act && act->text() != "silu" && act->text() != "swish")
    act->refuse({"found ", act->found(), ", expected 'silu'"});
  for (const std::string_view key : {"attention_bias", "mlp_bias"})
    if (const auto bias = root.find_value(key); bias && bias->boolean())
      bias->refuse("found true, expected false: biases are not supported");
  if (const auto pairs = root.find_value("rope_interleaved"); pairs && pairs->boolean())
    pairs->refuse("found true, expected false: rotary pairs are halves");
}

/// What bitsandbytes says of a checkpoint in 8 bits; other kinds of quantised checkpoints are refused. Its threshold of 0, as an infinite
/// one, means that nothing is an outlier.
inline void read_quantization(const Json& root, LlamaConfig& config) {
  if (const auto compressed = root.find_value("compression_config"))
    compressed->refuse({"the weights are quantised by compressed-tensors", read_instead});
  const auto quantised = root.find_value("quantization_config");
  if (!quantised || !is_bitsandbytes_int8(*quantised)) return;
  const auto threshold = quantised->find_value("llm_int8_threshold");
  const bool never = threshold && (threshold->is_none() || threshold->number() == 0);
  config.int8_threshold = never ? std::numeric_limits<float>::infinity() : threshold ? positive(*threshold) : 6.f;
}

}  // namespace detail

/// Reads config.json. Errors: LoadError that names the file, the key, what was found and what was expected; a model
/// that is no LLaMA, has biases or is quantised, but by bitsandbytes to int8, is refused by the key that says so.
inline LlamaConfig read_llama_config(const JsonDocument& document) {
  const Json root = document.root();
  detail::require_plain_llama(root);
  const auto size = [&](std::string_view key) { return root.at(key).whole(1, detail::largest_size); };

  LlamaConfig config;
  DynamicLlamaShape& shape = config.shape;
  shape.vocab = size("vocab_size");
  shape.dim = size("hidden_size");
  shape.layers = root.at("num_hidden_layers").whole(1, detail::most_layers);
  shape.heads = size("num_attention_heads");
  const auto kv_heads = root.find_value("num_key_value_heads");
  shape.kv_heads = kv_heads ? kv_heads->whole(1, shape.heads) : shape.heads;
  shape.ffn = size("intermediate_size");
  auto context = root.find_value("max_position_embeddings");
  if (!context) context = root.find_value("max_sequence_length");  // so the first conversions of LLaMA called it
  shape.context = context ? context->whole(1, detail::longest_context) : 2048;
  if (const auto head_dim = root.find_value("head_dim"))
    shape.head_dim = head_dim->whole(2, detail::largest_head_dim);
  if (const auto eps = root.find_value("rms_norm_eps")) {
    const double value = eps->number();
    if (!(value >= 0 && value < 1)) eps->refuse({"found ", eps->found(), ", expected a number from 0 to 1"});
    shape.norm_eps = static_cast<float>(value);
  } else {
    shape.norm_eps = 1e-6f;  // what transformers assumes
  }
  if (const auto tied = root.find_value("tie_word_embeddings")) shape.tied = tied->boolean();
  detail::read_rope(root, shape);
  detail::read_quantization(root, config);
  if (const char* const why = misfit(shape)) root.refuse({"impossible shape: ", why});

  config.bos = detail::token_id(root, "bos_token_id");
  config.pad = detail::token_id(root, "pad_token_id");
  config.eos = detail::token_ids(root, "eos_token_id");
  return config;
}

/// What generation_config.json says ends a text. Errors: LoadError.
inline std::vector<std::int32_t> read_generation_eos(const JsonDocument& document) {
  return detail::token_ids(document.root(), "eos_token_id");
}

}  // namespace tfm::inline TFM_ABI
