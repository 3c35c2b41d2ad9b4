// What peft_config.hpp declares.
#include <algorithm>
#include <cmath>

namespace tfm::inline TFM_ABI {

namespace peft {

TFM_INLINE bool LoraConfig::ends_as(std::string_view layer, std::string_view target) noexcept {
  return layer == target || (layer.size() > target.size() && layer.ends_with(target) &&
                             layer[layer.size() - target.size() - 1] == '.');
}

TFM_INLINE Index LoraConfig::rank_of(std::string_view layer) const {
  for (const auto& [target, value] : rank_pattern)
    if (ends_as(layer, target)) return value;
  return r;
}

TFM_INLINE float LoraConfig::scaling_of(std::string_view layer) const {
  double value = alpha;
  for (const auto& [target, own] : alpha_pattern)
    if (ends_as(layer, target)) {
      value = own;
      break;
    }
  const auto rank = static_cast<double>(rank_of(layer));
  return static_cast<float>(value / (rslora ? std::sqrt(rank) : rank));
}

namespace detail {

TFM_INLINE double positive(const Json& value) {
  const double number = value.number();
  if (!(number > 0 && number < 1e30)) value.refuse("found " + value.found() + ", expected a positive number");
  return number;
}

/// A name, which PEFT takes for a regular expression in some places: these are not run.
TFM_INLINE std::string plain_name(const Json& value, std::string_view text) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.';
  };
  if (text.empty() || !std::all_of(text.begin(), text.end(), plain))
    value.refuse("found " + in_quotes(text) + ", expected a layer's name; regular expressions are not supported");
  return std::string(text);
}

/// What would make the same tensors another model, and must be off: absent, null, false or empty.
TFM_INLINE void refuse_what_is_not_lora(const Json& root) {
  for (const std::string_view key :
       {"use_dora", "use_qalora", "use_bdlora", "lora_bias", "modules_to_save", "layer_replication", "exclude_modules",
        "trainable_token_indices", "target_parameters", "alora_invocation_tokens", "arrow_config", "enable_lora",
        "fan_in_fan_out", "layers_pattern", "kasa_config", "velora_config", "monteclora_config", "lora_ga_config"}) {
    const auto value = root.find_value(key);
    if (!value) continue;
    const bool empty = (value->is(JsonKind::array) || value->is(JsonKind::object)) && value->size() == 0;
    if (!empty && !(value->is(JsonKind::boolean) && !value->boolean()))
      value->refuse("found " + value->found() + ", expected nothing: it is not supported");
  }
  if (const auto type = root.find_value("peft_type"); type && type->text() != "LORA")
    type->refuse("found " + type->found() + ", expected 'LORA'");
  if (const auto bias = root.find_value("bias"); bias && bias->text() != "none")
    bias->refuse("found " + bias->found() + ", expected 'none'");
  // Other ways to begin change the base's weights, over which the adapter alone is something else.
  if (const auto start = root.find_value("init_lora_weights"); start && !start->is(JsonKind::boolean))
    if (const auto way = start->text(); way != "gaussian" && way != "eva" && way != "orthogonal")
      start->refuse("found " + start->found() + ", expected true, false, 'gaussian', 'eva' or 'orthogonal'");
}

}  // namespace detail

TFM_INLINE LoraConfig read_config(const JsonDocument& document) {
  const Json root = document.root();
  detail::refuse_what_is_not_lora(root);
  LoraConfig config;
  config.r = root.at("r").whole(1, detail::largest_rank);
  config.alpha = detail::positive(root.at("lora_alpha"));
  if (const auto value = root.find_value("lora_dropout")) {
    config.dropout = value->number();
    if (!(config.dropout >= 0 && config.dropout < 1))
      value->refuse("found " + value->found() + ", expected a number from 0 to below 1");
  }
  if (const auto value = root.find_value("use_rslora")) config.rslora = value->boolean();
  const Json targets = root.at("target_modules");
  if (!targets.is(JsonKind::text)) {
    for (const Json target : targets.elements()) config.targets.push_back(detail::plain_name(target, target.text()));
    if (config.targets.empty()) targets.refuse("found no name, expected the layers that are adapted");
  } else if (targets.text() != "all-linear") {
    targets.refuse("found " + targets.found() + ", expected a list of names, or 'all-linear'");
  }
  if (const auto value = root.find_value("layers_to_transform")) {
    if (!value->is(JsonKind::array)) config.layers.push_back(value->whole(0));
    else
      for (const Json layer : value->elements()) config.layers.push_back(layer.whole(0));
  }
  if (const auto value = root.find_value("rank_pattern"))
    for (const Json own : value->members())
      config.rank_pattern.emplace_back(detail::plain_name(own, own.key()), own.whole(1, detail::largest_rank));
  if (const auto value = root.find_value("alpha_pattern"))
    for (const Json own : value->members())
      config.alpha_pattern.emplace_back(detail::plain_name(own, own.key()), detail::positive(own));
  if (const auto value = root.find_value("base_model_name_or_path")) config.base_model = value->text();
  return config;
}

TFM_INLINE std::string config_text(const LoraConfig& config) {
  JsonWriter json;
  json.begin_object(JsonLayout::lines).key("base_model_name_or_path");
  config.base_model.empty() ? json.null() : json.value(config.base_model);
  json.member("bias", "none").member("fan_in_fan_out", false).member("inference_mode", true).member("init_lora_weights", true);
  json.member("lora_alpha", config.alpha).member("lora_dropout", config.dropout).key("modules_to_save").null();
  json.member("peft_type", "LORA").member("r", config.r);
  const auto list = [&](const char* key, const auto& values) {
    json.key(key).begin_array();
    for (const auto& value : values) json.value(value);
    json.end();
  };
  const auto pattern = [&](const char* key, const auto& values) {
    if (values.empty()) return;
    json.key(key).begin_object();
    for (const auto& [target, value] : values) json.member(target, value);
    json.end();
  };
  if (config.targets.empty()) json.member("target_modules", "all-linear");
  else list("target_modules", config.targets);
  json.member("task_type", "CAUSAL_LM");
  if (!config.layers.empty()) list("layers_to_transform", config.layers);
  pattern("rank_pattern", config.rank_pattern), pattern("alpha_pattern", config.alpha_pattern);
  if (config.rslora) json.member("use_rslora", true);
  return json.end().text() + "\n";
}

}  // namespace peft

}  // namespace tfm::inline TFM_ABI
