#pragma once
// A trained Transformer as a folder: config.json holds its shape, model.safetensors its weights under d2l.ai's names.
#include <charconv>
#include <filesystem>
#include <string>
#include <string_view>

#include "tfm/formats/json.hpp"
#include "tfm/formats/json_text.hpp"
#include "tfm/models/transformer.hpp"
#include "tfm/train/checkpoint_folder.hpp"
#include "tfm/train/parameters.hpp"

namespace tfm::inline TFM_ABI {

/// The encoder-decoder that trains, of sizes known at run time.
using TrainableTransformer = Transformer<DynamicTransformerShape, EveryLinear<F32>>;

namespace detail {
inline constexpr std::string_view transformer_type = "encoder-decoder", transformer_norm = "post";

/// About how many numbers a shape's weights are; a double, which no shape overflows.
inline double weights_of(const DynamicTransformerShape& s) noexcept {
  const auto d = static_cast<double>(s.dim), block = 12 * d * d + 4 * d * static_cast<double>(s.ffn);
  return d * static_cast<double>(s.source_vocab + 2 * s.target_vocab) + static_cast<double>(s.layers) * block;
}
/// The shortest digits that say which float it is.
inline std::string float_text(float value) {
  char digits[32];
  return {digits, std::to_chars(digits, digits + sizeof digits, value).ptr};
}
}  // namespace detail

/// config.json's text.
inline std::string transformer_config(const DynamicTransformerShape& s) {
  std::string text = "{\n  \"type\": " + json_string(detail::transformer_type) + ",\n  \"norm\": " + json_string(detail::transformer_norm);
  const auto add = [&](std::string_view key, const std::string& value) {
    text.append(",\n  ").append(json_string(key)).append(": ").append(value);
  };
  add("source_vocab", std::to_string(s.source_vocab)), add("target_vocab", std::to_string(s.target_vocab));
  add("dim", std::to_string(s.dim)), add("layers", std::to_string(s.layers)), add("heads", std::to_string(s.heads));
  add("ffn", std::to_string(s.ffn)), add("context", std::to_string(s.context));
  add("dropout", detail::float_text(s.dropout)), add("norm_eps", detail::float_text(s.norm_eps));
  add("attention_bias", s.attention_bias ? "true" : "false");
  return text + "\n}\n";
}

/// The shape that config.json states. LoadError for what is missing, of another type or impossible.
inline DynamicTransformerShape read_transformer_config(const std::filesystem::path& file) {
  const JsonDocument document = read_json(file);
  const Json root = document.root();
  const auto expect = [&](std::string_view key, std::string_view value) {
    if (const Json found = root.at(key); found.text() != value)
      found.refuse("found " + found.found() + ", expected " + in_quotes(value));
  };
  expect("type", detail::transformer_type), expect("norm", detail::transformer_norm);
  const auto size = [&](std::string_view key) { return root.at(key).integer(1, detail::largest_width); };
  DynamicTransformerShape s{.source_vocab = size("source_vocab"), .target_vocab = size("target_vocab"), .dim = size("dim"),
                            .layers = size("layers"), .heads = size("heads"), .ffn = size("ffn"), .context = size("context"),
                            .dropout = static_cast<float>(root.at("dropout").number()),
                            .norm_eps = static_cast<float>(root.at("norm_eps").number()),
                            .attention_bias = root.at("attention_bias").boolean()};
  if (const char* const why = misfit(s)) root.refuse(why);
  return s;
}

/// Writes config.json and model.safetensors into the folder, each whole or not at all. LoadError if that fails.
inline void save_transformer(const std::filesystem::path& folder, TrainableTransformer& model) {
  write_file(folder / "config.json", bytes_of(transformer_config(model.shape)));
  save_weights(folder / "model.safetensors", Parameters(model));
}

/// What save_transformer wrote, or PyTorch under the same names. LoadError for a file that cannot be read or does not fit
/// the shape; ShapeError for a shape that is larger than the file.
inline TrainableTransformer load_transformer(const std::filesystem::path& folder) {
  const DynamicTransformerShape shape = read_transformer_config(folder / "config.json");
  const std::filesystem::path weights = folder / "model.safetensors";
  // A shape is a few digits, its weights may be all memory there is: the file must be about as large.
  const auto bytes = static_cast<double>(MappedFile::open(weights)->bytes().size());
  if (4 * detail::weights_of(shape) > bytes || static_cast<double>(shape.context) * static_cast<double>(shape.dim) > 1e8 + bytes)
    raise(ShapeError("tfm: " + weights.string() + ": found " + number_text(bytes) + " bytes, too few for the shape in config.json, whose weights are " +
                     number_text(4 * detail::weights_of(shape)) + " bytes or more"));
  TrainableTransformer model(shape);
  load_weights(weights, Parameters(model));
  return model;
}

}  // namespace tfm::inline TFM_ABI
