// What config_keys.hpp declares.

namespace tfm::inline TFM_ABI {

namespace detail {

TFM_INLINE float positive(const Json& value) {
  const double number = value.number();
  if (!(number > 0 && number < 1e30)) value.refuse({"found ", value.found(), ", expected a positive number"});
  return static_cast<float>(number);
}

TFM_INLINE RopeScaling read_rope_scaling(const Json& rope, const Json& kind) {
  RopeScaling scaling;
  if (kind.text() == "default") return scaling;
  if (kind.text() != "linear" && kind.text() != "llama3")
    kind.refuse({"found ", kind.found(), ", expected 'default', 'linear' or 'llama3'"});
  scaling.kind = kind.text() == "linear" ? RopeScaling::Kind::linear : RopeScaling::Kind::llama3;
  scaling.factor = positive(rope.at("factor"));
  if (scaling.kind == RopeScaling::Kind::linear) return scaling;
  scaling.low_freq_factor = positive(rope.at("low_freq_factor"));
  scaling.high_freq_factor = positive(rope.at("high_freq_factor"));
  scaling.original_context = positive(rope.at("original_max_position_embeddings"));
  if (!(scaling.high_freq_factor > scaling.low_freq_factor))
    rope.refuse("high_freq_factor must be larger than low_freq_factor");
  return scaling;
}

TFM_INLINE void read_rope(const Json& root, DynamicLlamaShape& shape) {
  const auto whole_head = [](const Json& object) {
    const auto part = object.find_value("partial_rotary_factor");
    if (part && part->number() != 1) part->refuse({"found ", part->found(), ", expected 1: the whole head is turned"});
  };
  if (const auto theta = root.find_value("rope_theta")) shape.rope_theta = positive(*theta);
  whole_head(root);
  for (const std::string_view key : {"rope_scaling", "rope_parameters"}) {
    const auto rope = root.find_value(key);
    if (!rope) continue;
    if (const auto theta = rope->find_value("rope_theta")) shape.rope_theta = positive(*theta);
    whole_head(*rope);
    auto kind = rope->find_value("rope_type");
    if (!kind) kind = rope->find_value("type");
    if (kind) shape.rope_scaling = read_rope_scaling(*rope, *kind);
  }
}

TFM_INLINE float gguf_float(const GgufMetadata& metadata, std::string_view key, float otherwise, double least) {
  const auto value = metadata.find(key);
  if (!value) return otherwise;
  const double found = value->number();
  if (!(found >= least && found < 1e30))
    value->refuse({"found ", value->found(), ", expected a number of at least ", number_text(least)});
  return static_cast<float>(found);
}

TFM_INLINE bool is_true(const Json& root, std::string_view key) {
  const auto value = root.find_value(key);
  return value && value->boolean();
}

TFM_INLINE void refuse_window(const Json& root, std::string_view key, const DynamicLlamaShape& shape) {
  const auto window = root.find_value(key);
  if (window && window->number() < static_cast<double>(shape.context))
    window->refuse({"found ", window->found(), ", expected none or at least the context of ", shape.context,
                    ": sliding windows are not supported"});
}

TFM_INLINE float positive_or(const Json& root, std::string_view key, float otherwise) {
  const auto value = root.find_value(key);
  return value ? positive(*value) : otherwise;
}

TFM_INLINE void refuse_biases(const Json& root) {
  for (const std::string_view key : {"attention_bias", "mlp_bias"})
    if (is_true(root, key))
      root.find_value(key)->refuse("found true, expected false: no biases are known of this family");
}

TFM_INLINE void require_silu(const Json& root) {
  const auto act = root.find_value("hidden_act");
  if (act && act->text() != "silu" && act->text() != "swish")
    act->refuse({"found ", act->found(), ", expected 'silu'"});
}

}  // namespace detail

}  // namespace tfm::inline TFM_ABI
