#pragma once
// Keys of config.json and GGUF that several families have: activations, biases, windows, rotary positions.
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "tfm/formats/gguf.hpp"
#include "tfm/formats/json.hpp"
#include "tfm/models/llama_shapes.hpp"

namespace tfm::inline TFM_ABI {

struct Family;

namespace detail {

/// Where GGUF files have longrope's factors.
inline constexpr const char *gguf_short_factors = "rope_factors_short.weight", *gguf_long_factors = "rope_factors_long.weight";

float positive(const Json& value);

/// The newest spelling is rope_parameters, of which there may be several by kinds of layers; before it rope_theta stood at the root,
/// and rope_scaling had the key "rope_type", or "type" before that. Sizes and options have been read. `parts`: a part of each head may be turned.
void read_rope(const Json& root, DynamicLlamaShape& shape, bool parts);

/// longrope, where a GGUF file has its factors as tensors. Sizes and options have been read. Errors: LoadError, ShapeError.
void gguf_longrope(const Family& family, const Gguf& gguf, DynamicLlamaShape& shape);
/// Refuses a window of a GGUF file that is shorter than the context.
void refuse_gguf_window(const Family& family, const Gguf& gguf, const DynamicLlamaShape& shape);

/// A number in a GGUF file's metadata.
float gguf_float(const GgufMetadata& metadata, std::string_view key, float otherwise, double least);

bool is_true(const Json& root, std::string_view key);
inline std::string json_boolean(bool value) { return value ? "true" : "false"; }

/// Refuses a window that is shorter than the context.
void refuse_window(const Json& root, std::string_view key, const DynamicLlamaShape& shape);
/// sliding_window, in the blocks that the options say already; null: none. layer_types, where they are listed, must say the same, but
/// full_every may follow from them. A window of the whole context is none.
void read_window(const Json& root, Index otherwise, DynamicLlamaShape& shape);
/// The key's number, or 0 for null.
float cap_or(const Json& root, std::string_view key, float otherwise);
/// A window's key and value for config.json.
std::pair<std::string, std::string> window_key(Index window);

float positive_or(const Json& root, std::string_view key, float otherwise);
/// Refuses biases where a family's files have no place for them.
void refuse_biases(const Json& root);

void require_silu(const Json& root);

}  // namespace detail

}  // namespace tfm::inline TFM_ABI

#if defined(TFM_DEFINITIONS)
#include "tfm/checkpoint/config_keys.inl"
#endif
