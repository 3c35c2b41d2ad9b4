#pragma once
// Keys of config.json and GGUF that several families have: activations, biases, windows, rotary positions.
#include <optional>
#include <string>
#include <string_view>

#include "tfm/formats/gguf.hpp"
#include "tfm/formats/json.hpp"
#include "tfm/models/llama_shapes.hpp"

namespace tfm::inline TFM_ABI {

namespace detail {

float positive(const Json& value);

/// The newest spelling is rope_parameters; before it rope_theta stood at the root, and rope_scaling had the key
/// "rope_type", or "type" before that.
void read_rope(const Json& root, DynamicLlamaShape& shape);

/// A number in a GGUF file's metadata.
float gguf_float(const GgufMetadata& metadata, std::string_view key, float otherwise, double least);

bool is_true(const Json& root, std::string_view key);
inline std::string json_boolean(bool value) { return value ? "true" : "false"; }

/// Refuses a window that is shorter than the context.
void refuse_window(const Json& root, std::string_view key, const DynamicLlamaShape& shape);

float positive_or(const Json& root, std::string_view key, float otherwise);
/// Refuses biases where a family's files have no place for them.
void refuse_biases(const Json& root);

void require_silu(const Json& root);

}  // namespace detail

}  // namespace tfm::inline TFM_ABI

#if defined(TFM_DEFINITIONS)
#include "tfm/checkpoint/config_keys.inl"
#endif
