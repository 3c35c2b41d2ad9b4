#pragma once
// WeightSource: a checkpoint's tensors under Hugging Face's names, whatever the file calls them.
#include <cmath>
#include <cstring>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tfm/core/error.hpp"
#include "tfm/core/parameter.hpp"
#include "tfm/formats/tensor_store.hpp"
#include "tfm/numeric/pack.hpp"

namespace tfm::inline TFM_ABI {

/// How tensors are named, and how rotary pairs are ordered, in a file.
enum class Convention : unsigned char {
  hugging_face,       ///< names as they are; pairs are halves
  gguf,               ///< llama.cpp's names; pairs of q and k are neighbours
  hugging_face_base,  ///< of transformers' LlamaModel, saved alone: as hugging_face, without "model." in front
};

namespace detail {

/// llama.cpp's name for a tensor of a LLaMA model.
inline std::string gguf_name(std::string_view name) {
  using Pair = std::pair<std::string_view, std::string_view>;
  constexpr Pair whole[] = {{"model.embed_tokens.weight", "token_embd.weight"},
                            {"model.norm.weight", "output_norm.weight"},
                            {"lm_head.weight", "output.weight"}};
  constexpr Pair in_layer[] = {{"input_layernorm.weight", "attn_norm.weight"},
                               {"self_attn.q_proj.weight", "attn_q.weight"},
                               {"self_attn.k_proj.weight", "attn_k.weight"},
                               {"self_attn.v_proj.weight", "attn_v.weight"},
                               {"self_attn.o_proj.weight", "attn_output.weight"},
                               {"post_attention_layernorm.weight", "ffn_norm.weight"},
                               {"mlp.gate_proj.weight", "ffn_gate.weight"},
                               {"mlp.up_proj.weight", "ffn_up.weight"},
                               {"mlp.down_proj.weight", "ffn_down.weight"}};
  for (const auto& [ours, theirs] : whole)
    if (name == ours) return std::string(theirs);
  constexpr std::string_view prefix = "model.layers.";
  const std::size_t dot = name.find('.', prefix.size());
  if (name.starts_with(prefix) && dot != name.npos)
    for (const auto& [ours, theirs] : in_layer)
      if (name.substr(dot + 1) == ours)
        return "blk." + std::string(name.substr(prefix.size(), dot - prefix.size())) + "." + std::string(theirs);
  return std::string(name);
}

/// "F32, BF16, …": what a file may have for a weight, scales beside it apart.
inline std::string weight_format_names() {
  return format_names([](Format format) { return !has_row_scales(format); });
}
/// "self_attn.q_proj" + suffix for "self_attn.q_proj.weight".
inline std::string beside(std::string_view weight, std::string_view suffix) {
  constexpr std::string_view end = ".weight";
  return std::string(weight.ends_with(end) ? weight.substr(0, weight.size() - end.size()) : weight) + std::string(suffix);
}

}  // namespace detail

/// Finds tensors, checks their shapes, and remembers which were used. The store must outlive it.
class WeightSource {
  const TensorStore& store_;
  Convention convention_;
  std::set<const Tensor*> used_;
  std::map<const Tensor*, std::vector<float>> scales_;  // of int8 weights: SCB / 127

  // The scales that bitsandbytes keeps beside an int8 matrix, NAME.SCB: each row's largest magnitude.
  void read_scales(const Tensor& tensor) {
    const Tensor* const absmax = store_.find(detail::beside(tensor.name, ".SCB"));
    if (absmax == nullptr || tensor.shape.size() != 2 || convention_ == Convention::gguf)
      raise(LoadError(where(tensor) + " is of type " + tensor.type_name + ", expected " + detail::weight_format_names() + ", or '" +
                      detail::beside(tensor.name, ".SCB") + "' beside a matrix of int8"));
    if (absmax->type != DataType::f32 || absmax->shape != std::vector<Index>{tensor.shape[0]})
      raise(ShapeError(where(*absmax) + " is " + absmax->type_name + " " + shape_text(absmax->shape) + ", expected F32 [" +
                       std::to_string(tensor.shape[0]) + "]"));
    if (const Tensor* const order = store_.find(detail::beside(tensor.name, ".weight_format"))) {
      if (order->type != DataType::u8 || order->bytes.size() != 1 || order->bytes[0] != std::byte{0})
        raise(LoadError(where(*order) + " is not one byte 0, which says that the matrix is row by row; other orders are not supported"));
      mark_used(*order);
    }
    std::vector<float> scales(absmax->bytes.size() / sizeof(float));
    std::memcpy(scales.data(), absmax->bytes.data(), absmax->bytes.size());
    for (float& scale : scales) {
      if (!(scale >= 0 && scale < 1e38f))
        raise(LoadError(where(*absmax) + " holds " + number_text(static_cast<double>(scale)) + ", expected finite numbers, none below 0"));
      scale /= 127.f;
    }
    scales_[&tensor] = std::move(scales);
    mark_used(*absmax);
  }

 public:
  WeightSource(const TensorStore& store, Convention convention) : store_(store), convention_(convention) {}

  Convention convention() const noexcept { return convention_; }
  const TensorStore& store() const noexcept { return store_; }
  /// What the file calls the tensor that Hugging Face calls `name`.
  std::string stored_name(std::string_view name) const {
    if (convention_ == Convention::gguf) return detail::gguf_name(name);
    constexpr std::string_view model = "model.";
    return std::string(convention_ == Convention::hugging_face_base && name.starts_with(model) ? name.substr(model.size()) : name);
  }
  const Tensor* find(std::string_view name) const { return store_.find(stored_name(name)); }
  /// "tfm: FILE: tensor 'NAME'", which messages begin with.
  std::string where(const Tensor& tensor) const {
    return "tfm: " + store_.file_of(tensor) + ": tensor " + in_quotes(tensor.name);
  }

  /// The tensor that Hugging Face calls `name`, for a weight. Errors: LoadError if it is missing or of another type
  /// than those that tfm computes with, ShapeError if its shape is another; all name the file, the tensor, found and
  /// expected.
  const Tensor& at(std::string_view name, const WeightInfo& weight) {
    if (convention_ == Convention::hugging_face_base && name == "lm_head.weight" && find(name) == nullptr)
      detail::fail(store_.file(), "tensor 'lm_head.weight' is missing: these are the tensors of a LlamaModel without its output; save the "
                                  "LlamaForCausalLM, or, where the output is the embedding, say \"tie_word_embeddings\": true in config.json");
    const Tensor& tensor = store_.at(stored_name(name));
    const auto shape = weight.is_vector() ? std::vector<Index>{weight.cols} : std::vector<Index>{weight.rows, weight.cols};
    if (tensor.shape != shape)
      raise<ShapeError>({where(tensor), " has shape ", shape_text(tensor.shape), ", expected ", shape_text(shape)});
    const auto format = weight_format(tensor.type);
    if (!format) raise<LoadError>({where(tensor), " is of type ", tensor.type_name, ", expected ", detail::weight_format_names()});
    if (has_row_scales(*format)) read_scales(tensor);
    mark_used(tensor);
    return tensor;
  }
  /// The rows of a weight that at() has given.
  FileRows rows(const Tensor& tensor, const WeightInfo& weight) const {
    const Index rows = tensor.shape.size() == 1 ? 1 : tensor.shape[0];
    const auto scales = scales_.find(&tensor);
    return {*weight_format(tensor.type), tensor.bytes.data(), rows, tensor.shape.back(), scales == scales_.end() ? nullptr : scales->second.data(),
            convention_ == Convention::gguf ? weight.rotary_heads : 0};
  }
  void mark_used(const Tensor& tensor) { used_.insert(&tensor); }

  /// LoadError for a tensor that nobody asked for, which would change what the model computes.
  void refuse_unused() const {
    for (const Tensor& tensor : store_.tensors())
      if (!used_.contains(&tensor))
        raise<LoadError>({where(tensor), " (", tensor.type_name, " ", shape_text(tensor.shape),
                          ") has no place in a LLaMA model of this shape, expected none such"});
  }
};

}  // namespace tfm::inline TFM_ABI
