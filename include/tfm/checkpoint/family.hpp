#pragma once
// Family: what distinguishes the checkpoints of one family of decoders, as data: what files call it and its weights, in
// which order they have rotary pairs, and what its config.json says that others' do not.
#include <algorithm>
#include <array>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tfm/formats/gguf.hpp"
#include "tfm/formats/json.hpp"
#include "tfm/models/llama_shapes.hpp"

namespace tfm::inline TFM_ABI {

/// How tensors are named in a file.
enum class Convention : unsigned char {
  hugging_face,
  gguf,               ///< llama.cpp's names
  hugging_face_base,  ///< of transformers' LlamaModel, saved alone: as hugging_face, without "model." in front
  hugging_face_text,  ///< of the text in a model that reads pictures, too: as hugging_face, with "language_model." in front
  hugging_face_language,  ///< the same as later versions have it: "model.language_model." for "model."
};

/// A layer's names: what its weights' names are without ".weight" or ".bias", and without the number of the block in
/// front.
struct LayerName {
  std::string_view ours;  ///< as the model's visit has it
  std::string_view hugging_face, gguf;

  constexpr std::string_view in(Convention convention) const noexcept {
    return convention == Convention::gguf ? gguf : hugging_face;
  }
};

namespace detail {
/// One family's names and those of layers that another has besides.
template <std::size_t A, std::size_t B>
consteval std::array<LayerName, A + B> with_layers(const LayerName (&layers)[A], const LayerName (&more)[B]) {
  std::array<LayerName, A + B> all;
  std::copy(more, more + B, std::copy(layers, layers + A, all.begin()));
  return all;
}
}  // namespace detail

/// A line of the table in families.hpp. Layers with one name in a file are parts of one tensor there, from top to
/// bottom in the order of the model's visit: Phi-3's qkv_proj and gate_up_proj.
struct Family {
  std::string_view name;         ///< GGUF's general.architecture, with which its keys begin; the shape's `family`
  std::string_view model_type;   ///< config.json's
  std::span<const std::string_view> architectures;  ///< config.json's; the first is written
  LayerName blocks;              ///< what stands in front of a block's number
  std::span<const LayerName> layers;
  bool tied_by_default = false;  ///< what a config.json without tie_word_embeddings means
  DynamicLlamaShape defaults{};  ///< sizes, and base of rotary positions, where config.json has no key; 0: it must have
  std::string_view wrapped{};    ///< model_type of a config.json that has this family's as its text_config; none: there is none
  bool norms_less_one = false;   ///< Hugging Face's files, not GGUF's, have norms' weights less 1
  bool turns_parts = false;      ///< a part of each head may be turned (partial_rotary_factor)
  std::string_view output = "lm_head.weight";  ///< ours: files may have it where the output is the embedding
  bool neighbours_in_gguf;  ///< GGUF files have the two rows (or biases) of a rotary pair side by side, not as halves
  /// The shape's options as config.json gives them; refuses what would make another model of the same tensors. Sizes
  /// and rotary keys have been read.
  void (*read_options)(const Json& config, DynamicLlamaShape& shape);
  /// The same of a GGUF file, whose sizes have been read.
  void (*read_gguf_options)(const Family& family, const Gguf& gguf, DynamicLlamaShape& shape);
  /// The keys and values (as JSON) of config.json that say these options.
  std::vector<std::pair<std::string, std::string>> (*option_keys)(const DecoderOptions& options);
  /// The keys of a GGUF file that say them, behind the family's name, and their numbers; null: there are none.
  std::vector<std::pair<std::string, float>> (*gguf_option_keys)(const DecoderOptions& options) = nullptr;
};

/// What a file calls the layer that visit calls `layer`: "model.layers.3.self_attn.q_proj" is "blk.3.attn_q" in GGUF.
std::string stored_layer_name(const Family& family, Convention convention, std::string_view layer);
/// The same of a weight: "model.layers.3.self_attn.q_proj.weight".
std::string stored_weight_name(const Family& family, Convention convention, std::string_view weight);

/// Whether a GGUF file has the tensor of one of our weights.
bool has_weight(const Family& family, const Gguf& gguf, std::string_view weight);

}  // namespace tfm::inline TFM_ABI

#if defined(TFM_DEFINITIONS)
#include "tfm/checkpoint/family.inl"
#endif
