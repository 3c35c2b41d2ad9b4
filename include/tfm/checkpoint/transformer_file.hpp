#pragma once
// A trained Transformer as a folder: config.json holds its shape, model.safetensors its weights under d2l.ai's names.
#include <filesystem>
#include <string>
#include <string_view>

#include "tfm/formats/json.hpp"
#include "tfm/formats/json_writer.hpp"
#include "tfm/models/transformer.hpp"
#include "tfm/train/checkpoint_folder.hpp"
#include "tfm/train/parameters.hpp"

namespace tfm::inline TFM_ABI {

/// The encoder-decoder that trains, of sizes known at run time.
using TrainableTransformer = Transformer<DynamicTransformerShape, EveryLinear<F32>>;

namespace detail {
inline constexpr std::string_view transformer_type = "encoder-decoder", transformer_norm = "post";

}  // namespace detail

/// config.json's text.
std::string transformer_config(const DynamicTransformerShape& s);

/// The shape that config.json states. LoadError for what is missing, of another type or impossible.
DynamicTransformerShape read_transformer_config(const std::filesystem::path& file);

/// Writes config.json and model.safetensors into the folder, each whole or not at all. LoadError if that fails.
void save_transformer(const std::filesystem::path& folder, TrainableTransformer& model);

/// What save_transformer wrote, or PyTorch under the same names. LoadError for a file that cannot be read or does not fit
/// the shape; ShapeError for a shape that is larger than the file.
TrainableTransformer load_transformer(const std::filesystem::path& folder);

}  // namespace tfm::inline TFM_ABI

#if defined(TFM_DEFINITIONS)
#include "tfm/checkpoint/transformer_file.inl"
#endif
