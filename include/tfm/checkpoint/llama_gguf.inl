// What llama_gguf.hpp declares.
#include <initializer_list>

namespace tfm::inline TFM_ABI {

namespace detail {

/// None where nothing is said; the older key is from before scalings had a type. Llama 3.1's scaling is no key at all,
/// but a tensor, rope_freqs.weight.
TFM_INLINE RopeScaling gguf_rope_scaling(const GgufMetadata& metadata, const std::string& family) {
  const auto type = metadata.find(family + ".rope.scaling.type");
  if (type && type->text() != "none" && type->text() != "linear")
    type->refuse({"found ", type->found(), ", expected 'none' or 'linear'"});
  const bool newer = metadata.find(family + ".rope.scaling.factor").has_value();
  const float factor = gguf_float(metadata, family + (newer ? ".rope.scaling.factor" : ".rope.scale_linear"), 0, 0);
  if (factor == 0 || factor == 1 || (type && type->text() == "none")) return {};
  return {RopeScaling::Kind::linear, factor};
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
  if (family == nullptr) architecture.refuse({"found ", architecture.found(), ", tfm opens: ", family_names()});
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
  if (const auto window = metadata.find(own + ".attention.sliding_window"); window && window->integer(0) > 0 && window->integer(0) < shape.context)
    window->refuse({"found ", window->found(), ", expected none or at least the context of ", shape.context, ": sliding windows are not supported"});
  shape.norm_eps = detail::gguf_float(metadata, own + ".attention.layer_norm_rms_epsilon", 1e-5f, 0);
  shape.rope_theta = detail::gguf_float(metadata, own + ".rope.freq_base", 10000.f, 1e-6);
  shape.rope_scaling = detail::gguf_rope_scaling(metadata, own);
  if (const auto key_length = metadata.find(own + ".attention.key_length"))
    shape.head_dim = key_length->integer(2, detail::largest_head_dim);
  for (const std::string& key : {own + ".rope.dimension_count", own + ".attention.value_length"})
    must_be(key, head_dim(shape), ", the head size");

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
