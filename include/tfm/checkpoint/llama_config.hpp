#pragma once
// LlamaConfig: a model's shape, and what a checkpoint says of its special tokens, from Hugging Face's config.json.
#include <optional>
#include <string_view>
#include <vector>

#include "tfm/checkpoint/families.hpp"
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

/// Reads config.json. Errors: LoadError that names the file, the key, what was found and what was expected; a model
/// of a family that is not in families.hpp, or quantised, but by bitsandbytes to int8, is refused by the key that says so.
LlamaConfig read_llama_config(const JsonDocument& document);

/// What generation_config.json says ends a text. Errors: LoadError.
std::vector<std::int32_t> read_generation_eos(const JsonDocument& document);

}  // namespace tfm::inline TFM_ABI

#if defined(TFM_DEFINITIONS)
#include "tfm/checkpoint/llama_config.inl"
#endif
