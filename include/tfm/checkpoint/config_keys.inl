// What config_keys.hpp declares.
#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

namespace tfm::inline TFM_ABI {

namespace detail {

TFM_INLINE float positive(const Json& value) {
  const double number = value.number();
  if (!(number > 0 && number < 1e30)) value.refuse({"found ", value.found(), ", expected a positive number"});
  return static_cast<float>(number);
}

TFM_INLINE void read_llama3(const Json& rope, RopeScaling& scaling) {
  scaling.low_freq_factor = positive(rope.at("low_freq_factor"));
  scaling.high_freq_factor = positive(rope.at("high_freq_factor"));
  scaling.original_context = positive(rope.at("original_max_position_embeddings"));
  if (!(scaling.high_freq_factor > scaling.low_freq_factor))
    rope.refuse("high_freq_factor must be larger than low_freq_factor");
}

/// 0.1 mscale ln(factor) + 1, where two of these are given: their quotient.
TFM_INLINE void read_yarn(const Json& rope, RopeScaling& scaling) {
  scaling.beta_fast = positive_or(rope, "beta_fast", 32), scaling.beta_slow = positive_or(rope, "beta_slow", 1);
  if (const auto truncate = rope.find_value("truncate"); truncate && !truncate->boolean())
    truncate->refuse("found false, expected true: yarn's pairs are whole ones");
  const auto stretched = [&](std::string_view key) {
    return scaling.factor <= 1 ? 1. : 1 + 0.1 * static_cast<double>(positive(rope.at(key))) * std::log(static_cast<double>(scaling.factor));
  };
  if (rope.find_value("attention_factor")) scaling.magnitude = positive(rope.at("attention_factor"));
  else if (rope.find_value("mscale") && rope.find_value("mscale_all_dim"))
    scaling.magnitude = static_cast<float>(stretched("mscale") / stretched("mscale_all_dim"));
  else scaling.magnitude = usual_magnitude(scaling.kind, scaling.factor, scaling.original_context);
}

TFM_INLINE void read_longrope(const Json& rope, const DynamicLlamaShape& shape, RopeScaling& scaling) {
  for (const auto& [key, factors] : {std::pair<const char*, std::array<float, RopeScaling::most_factors>*>{"short_factor", &scaling.short_factors}, {"long_factor", &scaling.long_factors}}) {
    const Json list = rope.at(key);
    if (list.size() != rotary_dim(shape) / 2 || list.size() > RopeScaling::most_factors)
      list.refuse({"found ", list.size(), " factors, expected ", rotary_dim(shape) / 2, ", one a pair, and ", RopeScaling::most_factors, " at most"});
    Index i = 0;
    for (const Json each : list.elements()) (*factors)[to_size(i++)] = positive(each);
  }
  scaling.factor = positive_or(rope, "factor", static_cast<float>(shape.context) / scaling.original_context);
  scaling.magnitude = positive_or(rope, "attention_factor", usual_magnitude(scaling.kind, scaling.factor, scaling.original_context));
}

TFM_INLINE RopeScaling read_rope_scaling(const Json& root, const Json& rope, const Json& kind, const DynamicLlamaShape& shape) {
  using Kind = RopeScaling::Kind;
  RopeScaling scaling;
  const std::string_view name = kind.text() == "su" ? "longrope" : kind.text();  // as Phi-3's first files call it
  if (name == "default") return scaling;
  for (const Kind each : {Kind::linear, Kind::llama3, Kind::yarn, Kind::longrope, Kind::dynamic})
    if (tfm::name(each) == name) scaling.kind = each;
  if (scaling.kind == Kind::none)
    kind.refuse({"found ", kind.found(), ", expected 'default', 'linear', 'llama3', 'yarn', 'longrope' or 'dynamic'"});
  constexpr std::string_view original = "original_max_position_embeddings";
  const auto context = static_cast<float>(shape.context);
  if (scaling.kind == Kind::dynamic) scaling.original_context = context;
  else if (scaling.kind != Kind::linear) scaling.original_context = positive_or(rope, original, positive_or(root, original, context));
  if (scaling.kind == Kind::longrope) {
    read_longrope(rope, shape, scaling);
    return scaling;
  }
  scaling.factor = positive(rope.at("factor"));
  if (scaling.kind == Kind::llama3) read_llama3(rope, scaling);
  if (scaling.kind == Kind::yarn) read_yarn(rope, scaling);
  return scaling;
}

TFM_INLINE void read_rope(const Json& root, DynamicLlamaShape& shape, bool parts) {
  const auto turned_part = [&](const Json& object) {
    const auto part = object.find_value("partial_rotary_factor");
    if (!part || part->number() == 1) return;
    if (!parts) part->refuse({"found ", part->found(), ", expected 1: the whole head is turned"});
    const double turned = static_cast<double>(head_dim(shape)) * part->number();
    if (!(turned >= 2 && turned <= static_cast<double>(head_dim(shape))))
      part->refuse({"found ", part->found(), ", expected a part of a head of ", head_dim(shape), " that has at least 2 values"});
    shape.options.rotary_dim = static_cast<Index>(turned);
  };
  if (const auto theta = root.find_value("rope_theta")) shape.rope_theta = positive(*theta);
  turned_part(root);
  for (const std::string_view key : {"rope_scaling", "rope_parameters"}) {
    auto rope = root.find_value(key);
    if (!rope) continue;
    if (const auto full = rope->find_value("full_attention")) rope = full;  // of blocks without a window
    if (const auto theta = rope->find_value("rope_theta")) shape.rope_theta = positive(*theta);
    turned_part(*rope);
    auto kind = rope->find_value("rope_type");
    if (!kind) kind = rope->find_value("type");
    if (kind) shape.rope_scaling = read_rope_scaling(root, *rope, *kind, shape);
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

TFM_INLINE void read_window(const Json& root, Index otherwise, DynamicLlamaShape& shape) {
  DecoderOptions& options = shape.options;
  const auto window = root.find("sliding_window");
  options.window = !window ? otherwise : window->is_none() ? 0 : window->whole(1, longest_context);
  if (const auto types = root.find_value("layer_types")) {
    if (types->size() != shape.layers) types->refuse({"found ", types->size(), " types, expected one for each of ", shape.layers, " layers"});
    std::vector<bool> slides;
    for (const Json each : types->elements()) {
      if (each.text() != "sliding_attention" && each.text() != "full_attention")
        each.refuse({"found ", each.found(), ", expected 'sliding_attention' or 'full_attention'"});
      slides.push_back(each.text() == "sliding_attention");
    }
    const auto said = [&] {
      for (Index l = 0; l < shape.layers; ++l)
        if (slides[to_size(l)] != (options.window_of(l) != 0)) return false;
      return true;
    };
    if (!said()) {  // of the file's own: every so-many-th, from the first on, or none
      const auto full = std::find(slides.begin(), slides.end(), false);
      const bool any = std::find(slides.begin(), slides.end(), true) != slides.end();
      options.window_from = 0, options.full_every = full == slides.end() ? 0 : full - slides.begin() + 1;
      if (!any) options.window = 0;
      if (!said()) types->refuse("found a pattern of windows that is not one layer in every so many without");
    }
  }
  if (options.window >= shape.context && options.window_rope_theta == 0) options.window = 0;
  if (options.window == 0) options.window_from = options.full_every = 0;
}

TFM_INLINE float cap_or(const Json& root, std::string_view key, float otherwise) {
  const auto value = root.find(key);
  return !value ? otherwise : value->is_none() ? 0 : positive(*value);
}

TFM_INLINE std::pair<std::string, std::string> window_key(Index window) {
  return {"sliding_window", window == 0 ? "null" : std::to_string(window)};
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
