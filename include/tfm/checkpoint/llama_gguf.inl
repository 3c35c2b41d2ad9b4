// What llama_gguf.hpp declares.
#include <cstring>
#include <initializer_list>
#include <utility>
#include <vector>

namespace tfm::inline TFM_ABI {

namespace detail {

/// None where nothing is said; the older key is from before scalings had a type. Llama 3.1's scaling is no key at all,
/// but a tensor, rope_freqs.weight.
TFM_INLINE RopeScaling gguf_rope_scaling(const GgufMetadata& metadata, const std::string& family) {
  const auto type = metadata.find(family + ".rope.scaling.type");
  if (type && type->text() != "none" && type->text() != "linear" && type->text() != "yarn" && type->text() != "longrope")
    type->refuse({"found ", type->found(), ", expected 'none', 'linear', 'yarn' or 'longrope'"});
  if (type && type->text() == "longrope") return {};  // a matter of two tensors: gguf_longrope
  const bool newer = metadata.find(family + ".rope.scaling.factor").has_value();
  const float factor = gguf_float(metadata, family + (newer ? ".rope.scaling.factor" : ".rope.scale_linear"), 0, 0);
  if (factor == 0 || factor == 1 || (type && type->text() == "none")) return {};
  if (!type || type->text() == "linear") return {RopeScaling::Kind::linear, factor};
  RopeScaling yarn{.kind = RopeScaling::Kind::yarn, .factor = factor};
  const auto number = [&](const char* key, float otherwise) { return gguf_float(metadata, family + ".rope.scaling." + key, otherwise, 1e-30); };
  yarn.original_context = number("original_context_length", static_cast<float>(metadata.at(family + ".context_length").integer(1, longest_context)));
  yarn.beta_fast = number("yarn_beta_fast", 32), yarn.beta_slow = number("yarn_beta_slow", 1);
  yarn.magnitude = number("attn_factor", 1) * usual_magnitude(yarn.kind, factor, yarn.original_context);
  return yarn;
}

TFM_INLINE void gguf_longrope(const Family& family, const Gguf& gguf, DynamicLlamaShape& shape) {
  const Tensor *const shorter = gguf.tensors.find(gguf_short_factors), *const longer = gguf.tensors.find(gguf_long_factors);
  if (shorter == nullptr && longer == nullptr) return;
  const std::string key = std::string(family.name) + ".rope.scaling.";
  RopeScaling& scaling = shape.rope_scaling = {.kind = RopeScaling::Kind::longrope};
  scaling.original_context = gguf_float(gguf.metadata, key + "original_context_length", static_cast<float>(shape.context), 1);
  scaling.factor = static_cast<float>(shape.context) / scaling.original_context;
  scaling.magnitude = gguf_float(gguf.metadata, key + "attn_factor", 1, 1e-30);
  const Index half = rotary_dim(shape) / 2;
  for (const auto& [name, factors] : {std::pair{gguf_short_factors, &scaling.short_factors}, std::pair{gguf_long_factors, &scaling.long_factors}}) {
    const Tensor& tensor = gguf.tensors.at(name);
    const auto refuse = [&](std::initializer_list<TextPart> what) { raise<ShapeError>({"tfm: ", gguf.metadata.file(), ": tensor ", in_quotes(tensor.name), joined(what)}); };
    if (!tensor.holds<float>() || tensor.shape != std::vector<Index>{half} || half > RopeScaling::most_factors)
      refuse({" is ", tensor.type_name, " ", shape_text(tensor.shape), ", expected F32 [", half, "], ", RopeScaling::most_factors, " at most"});
    std::memcpy(factors->data(), tensor.bytes.data(), tensor.bytes.size());
    for (Index i = 0; i < half; ++i)
      if (const float factor = (*factors)[to_size(i)]; !(factor > 0 && factor < 1e30f))
        refuse({" holds ", number_text(static_cast<double>(factor)), " at place ", i, ", expected positive numbers"});
  }
}

TFM_INLINE void refuse_gguf_window(const Family& family, const Gguf& gguf, const DynamicLlamaShape& shape) {
  const auto window = gguf.metadata.find(std::string(family.name) + ".attention.sliding_window");
  if (window && window->integer(0) > 0 && window->integer(0) < shape.context)
    window->refuse({"found ", window->found(), ", expected none or at least the context of ", shape.context, ": no windows are known of this family"});
}

/// Refuses GGUF files that are no language model, by what they are.
TFM_INLINE void require_language_model(const GgufMetadata& metadata) {
  const auto is = [&](const char* key, std::string_view word) {
    const auto value = metadata.find(key);
    return value && value->type() == GgufType::text && value->text() == word;
  };
  const auto refuse = [&](std::string_view what) { fail(metadata.file(), what); };
  if (is("general.type", "mmproj") || is("general.architecture", "clip"))
    refuse("this is the projector of a multimodal model (mmproj, CLIP), which turns pictures or sound into embeddings, and no language model: open "
           "the GGUF file of the language model that lies beside it");
  if (is("general.type", "adapter"))
    refuse("this is an adapter in GGUF, not a model: give its base as the model, and this as its adapter");
  if (is("general.type", "imatrix") || metadata.find("imatrix.chunk_count"))
    refuse("this is an importance matrix (imatrix), by which llama.cpp quantises, and no model: open the model that it was made of");
  if (is("general.architecture", "controlvector"))
    refuse("this is a control vector, which is added to a model's activations, and no model: open the model that it was made for");
}

}  // namespace detail

TFM_INLINE const Family& family_of_gguf(const GgufMetadata& metadata) {
  detail::require_language_model(metadata);
  const GgufValue architecture = metadata.at("general.architecture");
  const std::string_view name = architecture.text();
  const Family* const family = find_family([&](const Family& f) { return f.name == name; });
  const std::string_view what = detail::what_is(name);
  if (family == nullptr) architecture.refuse({"found ", architecture.found(), what.empty() ? "" : ", ", what, ", tfm opens: ", family_names()});
  return *family;
}

TFM_INLINE DynamicLlamaShape read_llama_shape(const Gguf& gguf) {
  const GgufMetadata& metadata = gguf.metadata;
  const Family& family = family_of_gguf(metadata);
  const std::string own(family.name);
  const auto must_be = [&](const std::string& key, Index expected, const std::string& why) {
    const auto value = metadata.find(key);
    if (value && value->integer() != expected)
      value->refuse({"found ", value->found(), ", expected ", expected, why});
  };
  if (const auto parts = metadata.find("split.count"); parts && parts->integer(1) != static_cast<Index>(gguf.tensors.sources().size()))
    parts->refuse({"found ", parts->found(), ", expected 1 of bytes in memory: a model in several GGUF files is opened by the path of one of them"});
  must_be(own + ".expert_count", 0, ": mixtures of experts are not supported");
  const auto size = [&](const std::string& key, Index most = detail::largest_size) {
    return metadata.at(key).integer(1, most);
  };

  DynamicLlamaShape shape;
  shape.dim = size(own + ".embedding_length");
  shape.layers = size(own + ".block_count", detail::most_layers);
  shape.heads = size(own + ".attention.head_count");
  const auto kv_heads = metadata.find(own + ".attention.head_count_kv");
  shape.kv_heads = kv_heads ? kv_heads->integer(1, shape.heads) : shape.heads;
  shape.ffn = size(own + ".feed_forward_length");
  shape.context = size(own + ".context_length", detail::longest_context);
  shape.norm_eps = detail::gguf_float(metadata, own + ".attention.layer_norm_rms_epsilon", 1e-5f, 0);
  shape.rope_theta = detail::gguf_float(metadata, own + ".rope.freq_base", 10000.f, 1e-6);
  shape.rope_scaling = detail::gguf_rope_scaling(metadata, own);
  if (const auto key_length = metadata.find(own + ".attention.key_length"))
    shape.head_dim = key_length->integer(2, detail::largest_head_dim);
  must_be(own + ".attention.value_length", head_dim(shape), ", the head size");
  if (!family.turns_parts) must_be(own + ".rope.dimension_count", head_dim(shape), ", the head size");

  if (gguf.tensors.tensors().empty())
    detail::fail(metadata.file(), "this is a vocabulary alone: the file holds no tensor; open the GGUF file of the whole model");
  const auto stored = [&](const char* weight) { return stored_weight_name(family, Convention::gguf, weight); };
  const Tensor& embedding = gguf.tensors.at(stored("model.embed_tokens.weight"));
  const auto refuse = [&](std::initializer_list<TextPart> what) { raise<ShapeError>({"tfm: ", metadata.file(), ": ", joined(what)}); };
  if (embedding.shape.size() != 2 || embedding.shape[0] > detail::largest_size)
    refuse({"tensor ", in_quotes(embedding.name), " has shape ", shape_text(embedding.shape), ", expected [vocabulary, ", shape.dim, "]"});
  shape.vocab = embedding.shape[0];
  shape.tied = !has_weight(family, gguf, family.output);
  family.read_gguf_options(family, gguf, shape);
  shape.family = family.name;
  if (const char* const why = misfit(shape)) refuse({"impossible shape: ", why});
  return shape;
}

TFM_INLINE std::string vocab_size_note(const GgufMetadata& metadata, Index vocab) {
  const std::string key = joined({family_of_gguf(metadata).name, ".vocab_size"});
  const auto said = metadata.find(key);
  if (!said || (said->type() != GgufType::text && said->type() != GgufType::array && said->number() == static_cast<double>(vocab))) return {};
  return joined({key, " is ", said->found(), ", and the embedding has ", vocab, " rows: these are used"});
}

}  // namespace tfm::inline TFM_ABI
