// What transformer_file.hpp declares.

namespace tfm::inline TFM_ABI {

namespace detail {

/// About how many numbers a shape's weights are; a double, which no shape overflows.
TFM_INLINE double weights_of(const DynamicTransformerShape& s) noexcept {
  const auto d = static_cast<double>(s.dim), block = 12 * d * d + 4 * d * static_cast<double>(s.ffn);
  return d * static_cast<double>(s.source_vocab + 2 * s.target_vocab) + static_cast<double>(s.layers) * block;
}

}  // namespace detail

TFM_INLINE std::string transformer_config(const DynamicTransformerShape& s) {
  JsonWriter json;
  json.begin_object(JsonLayout::lines).member("type", detail::transformer_type).member("norm", detail::transformer_norm);
  json.member("source_vocab", s.source_vocab).member("target_vocab", s.target_vocab).member("dim", s.dim);
  json.member("layers", s.layers).member("heads", s.heads).member("ffn", s.ffn).member("context", s.context);
  json.member("dropout", s.dropout).member("norm_eps", s.norm_eps).member("attention_bias", s.attention_bias);
  return json.end().text() + "\n";
}

TFM_INLINE DynamicTransformerShape read_transformer_config(const std::filesystem::path& file) {
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

TFM_INLINE void save_transformer(const std::filesystem::path& folder, TrainableTransformer& model) {
  write_file(folder / "config.json", bytes_of(transformer_config(model.shape)));
  save_weights(folder / "model.safetensors", Parameters(model));
}

TFM_INLINE TrainableTransformer load_transformer(const std::filesystem::path& folder) {
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
