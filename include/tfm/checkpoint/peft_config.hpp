#pragma once
// LoraConfig: what PEFT's adapter_config.json says of a LoRA adapter.    github.com/huggingface/peft
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tfm/formats/json.hpp"
#include "tfm/formats/json_writer.hpp"

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
  static bool ends_as(std::string_view layer, std::string_view target) noexcept;
  Index rank_of(std::string_view layer) const;
  float scaling_of(std::string_view layer) const;
};

namespace detail {

inline constexpr Index largest_rank = 65'536;

double positive(const Json& value);

}  // namespace detail

/// Reads adapter_config.json of any version of PEFT. Errors: LoadError that names the file, the key, what was found and
/// what was expected.
LoraConfig read_config(const JsonDocument& document);

/// The text of adapter_config.json, with the keys that every version of PEFT knows.
std::string config_text(const LoraConfig& config);

}  // namespace peft
}  // namespace tfm::inline TFM_ABI

#if defined(TFM_DEFINITIONS)
#include "tfm/checkpoint/peft_config.inl"
#endif
