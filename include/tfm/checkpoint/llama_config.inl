// What llama_config.hpp declares.
#include <algorithm>
#include <limits>
#include <string>

namespace tfm::inline TFM_ABI {

namespace detail {

/// A key's token ids: a number or a list of numbers; what is negative, NaN or infinite means none.
TFM_INLINE std::vector<std::int32_t> token_ids(const Json& root, std::string_view key) {
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

TFM_INLINE std::optional<std::int32_t> token_id(const Json& root, std::string_view key) {
  const auto ids = token_ids(root, key);
  return ids.empty() ? std::nullopt : std::optional(ids.front());
}

/// What stands in a config.json of a model that reads pictures, too: its text model's part; of others all.
TFM_INLINE Json text_config_of(const Json& root) {
  const auto type = root.find_value("model_type");
  if (!type) return root;
  const std::string_view name = type->text();
  return find_family([&](const Family& f) { return !f.wrapped.empty() && f.wrapped == name; }) == nullptr ? root : root.at("text_config");
}

/// The family that config.json names by its model_type, or else by its architectures; LLaMA where it has neither, as the first
/// conversions had not. Errors: LoadError for another than those in the table.
TFM_INLINE const Family& family_of_config(const Json& root) {
  const auto refuse = [](const Json& value, std::string_view found, std::string_view name) {
    const std::string_view what = what_is(name);
    value.refuse({"found ", found, what.empty() ? "" : ", ", what, ", tfm opens: ", family_names()});
  };
  if (const auto type = root.find_value("model_type")) {
    const std::string_view name = type->text();
    const Family* const family = find_family([&](const Family& f) { return f.model_type == name; });
    if (family == nullptr) refuse(*type, type->found(), name);
    return *family;
  }
  const auto architectures = root.find_value("architectures");
  if (!architectures) return llama_family;
  std::string names;
  for (const Json each : architectures->elements()) {
    const std::string_view name = each.text();
    const Family* const family = find_family(
        [&](const Family& f) { return std::find(f.architectures.begin(), f.architectures.end(), name) != f.architectures.end(); });
    if (family != nullptr) return *family;
    names += (names.empty() ? "" : ", ") + in_quotes(name);
  }
  refuse(*architectures, names.empty() ? "none" : names, {});
  return llama_family;
}

/// What bitsandbytes says of a checkpoint in 8 bits; other kinds of quantised checkpoints are refused. Its threshold of 0, as an infinite
/// one, means that nothing is an outlier.
TFM_INLINE void read_quantization(const Json& root, LlamaConfig& config) {
  if (const auto compressed = root.find_value("compression_config"))
    compressed->refuse({"the weights are quantised by compressed-tensors", read_instead});
  const auto quantised = root.find_value("quantization_config");
  if (!quantised || !is_bitsandbytes_int8(*quantised)) return;
  const auto threshold = quantised->find_value("llm_int8_threshold");
  const bool never = threshold && (threshold->is_none() || threshold->number() == 0);
  config.int8_threshold = never ? std::numeric_limits<float>::infinity() : threshold ? positive(*threshold) : 6.f;
}

}  // namespace detail

TFM_INLINE LlamaConfig read_llama_config(const JsonDocument& document) {
  const Json outer = document.root(), root = detail::text_config_of(outer);
  const Family& family = detail::family_of_config(root);
  const auto size = [&](std::string_view key, Index otherwise) {
    const auto value = root.find_value(key);
    return value || otherwise == 0 ? root.at(key).whole(1, detail::largest_size) : otherwise;
  };

  LlamaConfig config;
  DynamicLlamaShape& shape = config.shape;
  shape.vocab = size("vocab_size", family.defaults.vocab);
  shape.dim = size("hidden_size", 0);
  shape.layers = root.at("num_hidden_layers").whole(1, detail::most_layers);
  shape.heads = size("num_attention_heads", family.defaults.heads);
  const auto kv_heads = root.find_value("num_key_value_heads");
  shape.kv_heads = kv_heads ? kv_heads->whole(1, shape.heads) : family.defaults.kv_heads != 0 ? family.defaults.kv_heads : shape.heads;
  shape.ffn = size("intermediate_size", 0);
  auto context = root.find_value("max_position_embeddings");
  if (!context) context = root.find_value("max_sequence_length");  // so the first conversions of LLaMA called it
  shape.context = context ? context->whole(1, detail::longest_context) : family.defaults.context != 0 ? family.defaults.context : 2048;
  shape.head_dim = family.defaults.head_dim, shape.rope_theta = family.defaults.rope_theta;
  if (const auto head_dim = root.find_value("head_dim"))
    shape.head_dim = head_dim->whole(2, detail::largest_head_dim);
  if (const auto eps = root.find_value("rms_norm_eps")) {
    const double value = eps->number();
    if (!(value >= 0 && value < 1)) eps->refuse({"found ", eps->found(), ", expected a number from 0 to 1"});
    shape.norm_eps = static_cast<float>(value);
  } else {
    shape.norm_eps = 1e-6f;  // what transformers assumes
  }
  const auto tied = root.find_value("tie_word_embeddings");
  shape.tied = tied ? tied->boolean() : family.tied_by_default;
  shape.family = family.name;
  family.read_options(root, shape);
  detail::read_rope(root, shape, family.turns_parts);
  detail::read_quantization(outer, config);
  if (const char* const why = misfit(shape)) root.refuse({"impossible shape: ", why});

  const auto where = [&](std::string_view key) { return outer.find_value(key) ? outer : root; };
  config.bos = detail::token_id(where("bos_token_id"), "bos_token_id");
  config.pad = detail::token_id(where("pad_token_id"), "pad_token_id");
  config.eos = detail::token_ids(where("eos_token_id"), "eos_token_id");
  return config;
}

TFM_INLINE std::vector<std::int32_t> read_generation_eos(const JsonDocument& document) {
  return detail::token_ids(document.root(), "eos_token_id");
}

}  // namespace tfm::inline TFM_ABI
