#pragma once
// A LLaMA model's shape from a GGUF file's metadata.
#include <initializer_list>
#include <string>

#include "tfm/formats/gguf.hpp"
#include "tfm/models/llama_shapes.hpp"

namespace tfm::inline TFM_ABI {

namespace detail {

inline float gguf_float(const GgufMetadata& metadata, const char* key, float otherwise, double least) {
  const auto value = metadata.find(key);
  if (!value) return otherwise;
  const double found = value->number();
  if (!(found >= least && found < 1e30))
    value->refuse({"found ", value->found(), ", expected a number of at least ", number_text(least)});
  return static_cast<float>(found);
}

/// None where nothing is said; the older key is from before scalings had a type. Llama 3.1's scaling is no key at all,
/// but a tensor, rope_freqs.weight.
inline RopeScaling gguf_rope_scaling(const GgufMetadata& metadata) {
  const auto type = metadata.find("llama.rope.scaling.type");
  if (type && type->text() != "none" && type->text() != "linear")
    type->refuse({"found ", type->found(), ", expected 'none' or 'linear'"});
  const bool newer = metadata.find("llama.rope.scaling.factor").has_value();
  const float factor = gguf_float(metadata, newer ? "llama.rope.scaling.factor" : "llama.rope.scale_linear", 0, 0);
  if (factor == 0 || factor == 1 || (type && type->text() == "none")) return {};
  return {RopeScaling::Kind::linear, factor};
}

}  // namespace detail

/// The shape as keys `llama.*` give it, the vocabulary as the embedding has it. Errors: LoadError that names file and
/// key for another architecture, experts, one part of several, or a rotary scaling that is not known; ShapeError.
inline DynamicLlamaShape read_llama_shape(const Gguf& gguf) {
  const GgufMetadata& metadata = gguf.metadata;
  const GgufValue architecture = metadata.at("general.architecture");
  if (architecture.text() != "llama")
    architecture.refuse({"found ", architecture.found(), ", expected the string 'llama'"});
  const auto must_be = [&](const char* key, Index expected, const std::string& why) {
    const auto value = metadata.find(key);
    if (value && value->integer() != expected)
      value->refuse({"found ", value->found(), ", expected ", expected, why});
  };
  if (const auto parts = metadata.find("split.count"); parts && parts->integer(0) > 1)
    parts->refuse({"found ", parts->found(), ", expected 1: a model in several GGUF files is not supported; merge them"});
  must_be("llama.expert_count", 0, ": mixtures of experts are not supported");
  const auto size = [&](const char* key, Index most = detail::largest_size) {
    return metadata.at(key).integer(1, most);
  };

  DynamicLlamaShape shape;
  shape.dim = size("llama.embedding_length");
  shape.layers = size("llama.block_count", detail::most_layers);
  shape.heads = size("llama.attention.head_count");
  const auto kv_heads = metadata.find("llama.attention.head_count_kv");
  shape.kv_heads = kv_heads ? kv_heads->integer(1, shape.heads) : shape.heads;
  shape.ffn = size("llama.feed_forward_length");
  shape.context = size("llama.context_length", detail::longest_context);
  shape.norm_eps = detail::gguf_float(metadata, "llama.attention.layer_norm_rms_epsilon", 1e-5f, 0);
  shape.rope_theta = detail::gguf_float(metadata, "llama.rope.freq_base", 10000.f, 1e-6);
  shape.rope_scaling = detail::gguf_rope_scaling(metadata);
  if (const auto key_length = metadata.find("llama.attention.key_length"))
    shape.head_dim = key_length->integer(2, detail::largest_head_dim);
  for (const char* const key : {"llama.rope.dimension_count", "llama.attention.value_length"})
    must_be(key, head_dim(shape), ", the head size");

  const Tensor& embedding = gguf.tensors.at("token_embd.weight");
  const auto refuse = [&](std::initializer_list<TextPart> what) { raise<ShapeError>({"tfm: ", metadata.file(), ": ", joined(what)}); };
  if (embedding.shape.size() != 2 || embedding.shape[0] > detail::largest_size)
    refuse({"tensor 'token_embd.weight' has shape ", shape_text(embedding.shape), ", expected [vocabulary, ", shape.dim, "]"});
  shape.vocab = embedding.shape[0];
  shape.tied = gguf.tensors.find("output.weight") == nullptr;
  if (const char* const why = misfit(shape)) refuse({"impossible shape: ", why});
  return shape;
}

}  // namespace tfm::inline TFM_ABI
