#pragma once
// LoraConfig: what PEFT's adapter_config.json says of a LoRA adapter.    github.com/huggingface/peft
#include <algorithm>
#include <cmath>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tfm/formats/json.hpp"
#include "tfm/formats/json_text.hpp"

namespace tfm::inline TFM_ABI {
namespace peft {

/// The names are PEFT's, and so are the meanings. What PEFT knows beside them is refused by its key.
struct LoraConfig {
  Index r = 8;
  double alpha = 16;
  double dropout = 0;
  bool rslora = false;                                        ///< scaling is alpha / sqrt(r), not alpha / r
  std::vector<std::string> targets;                           ///< ends of layers' names; empty: every projection
  std::vector<Index> layers;                                  ///< layers_to_transform; empty: all
  std::vector<std::pair<std::string, Index>> rank_pattern;    ///< for layers whose names end so, in place of r
  std::vector<std::pair<std::string, double>> alpha_pattern;  ///< the same of alpha
  std::string base_model;                                     ///< base_model_name_or_path: only words

  /// "self_attn.q_proj" and "q_proj" both mean "model.layers.0.self_attn.q_proj".
  static bool ends_as(std::string_view layer, std::string_view target) noexcept {
    return layer == target || (layer.size() > target.size() && layer.ends_with(target) &&
                               layer[layer.size() - target.size() - 1] == '.');
  }
  Index rank_of(std::string_view layer) const {
    for (const auto& [target, value] : rank_pattern)
      if (ends_as(layer, target)) return value;
    return r;
  }
  float scaling_of(std::string_view layer) const {
    double value = alpha;
    for (const auto& [target, own] : alpha_pattern)
      if (ends_as(layer, target)) {
        value = own;
        break;
      }
    const auto rank = static_cast<double>(rank_of(layer));
    return static_cast<float>(value / (rslora ? std::sqrt(rank) : rank));
  }
};

namespace detail {

inline constexpr Index largest_rank = 65'536;

inline double positive(const Json& value) {
  const double number = value.number();
  if (!(number > 0 && number < 1e30)) value.refuse("found " + value.found() + ", expected a positive number");
  return number;
}

/// A name, which PEFT takes for a regular expression in some places: these are not run.
inline std::string plain_name(const Json& value, std::string_view text) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.';
  };
  if (text.empty() || !std::all_of(text.begin(), text.end(), plain))
    value.refuse("found " + in_quotes(text) + ", expected a layer's name; regular expressions are not supported");
  return std::string(text);
}

/// What would make the same tensors another model, and must be off: absent, null, false or empty.
inline void refuse_what_is_not_lora(const Json& root) {
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

/// Reads adapter_config.json of any version of PEFT. Errors: LoadError that names the file, the key, what was found and
/// what was expected.
inline LoraConfig read_config(const JsonDocument& document) {
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

/// The text of adapter_config.json, with the keys that every version of PEFT knows.
inline std::string config_text(const LoraConfig& config) {
  const auto list = [](const auto& items, auto&& each) {
    std::string text;
    for (const auto& item : items) text += (text.empty() ? "" : ", ") + each(item);
    return text;
  };
  const auto pattern = [&](const auto& items) {
    return "{" + list(items, [](const auto& item) {
             return json_string(item.first) + ": " + number_text(static_cast<double>(item.second));
           }) + "}";
  };
  std::string text = "{\n  \"base_model_name_or_path\": ";
  text += config.base_model.empty() ? "null" : json_string(config.base_model);
  text += ",\n  \"bias\": \"none\",\n  \"fan_in_fan_out\": false,\n  \"inference_mode\": true,\n  \"init_lora_weights\": true";
  text += ",\n  \"lora_alpha\": " + number_text(config.alpha) + ",\n  \"lora_dropout\": " + number_text(config.dropout);
  text += ",\n  \"modules_to_save\": null,\n  \"peft_type\": \"LORA\",\n  \"r\": " + std::to_string(config.r);
  text += ",\n  \"target_modules\": ";
  text += config.targets.empty() ? "\"all-linear\"" : "[" + list(config.targets, [](const std::string& name) { return json_string(name); }) + "]";
  text += ",\n  \"task_type\": \"CAUSAL_LM\"";
  if (!config.layers.empty())
    text += ",\n  \"layers_to_transform\": [" + list(config.layers, [](Index i) { return std::to_string(i); }) + "]";
  if (!config.rank_pattern.empty()) text += ",\n  \"rank_pattern\": " + pattern(config.rank_pattern);
  if (!config.alpha_pattern.empty()) text += ",\n  \"alpha_pattern\": " + pattern(config.alpha_pattern);
  if (config.rslora) text += ",\n  \"use_rslora\": true";
  return text + "\n}\n";
}

}  // namespace peft
}  // namespace tfm::inline TFM_ABI
