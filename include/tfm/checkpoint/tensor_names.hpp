#pragma once
// How the tensors of a Hugging Face folder are named, and what their names say of the program that wrote them.
#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "tfm/checkpoint/weight_source.hpp"

namespace tfm::inline TFM_ABI {

namespace detail {

/// What stands in front of a name when a model is saved together with what is wrapped around it, and how to save it without.
struct NamePrefix {
  std::string_view text, by, instead;
};
inline constexpr std::array<NamePrefix, 4> name_prefixes{
    {{"_orig_mod.", "torch.compile", "save the model's _orig_mod"},
     {"module.", "DataParallel, DistributedDataParallel or DeepSpeed", "save the model's module"},
     {"base_model.model.", "PEFT", "save what its merge_and_unload() gives, or its adapter by save_pretrained and the base apart"},
     {"_fsdp_wrapped_module.", "FullyShardedDataParallel", "save its full state dict"}}};

/// Refuses names in front of which something stands, in the words of who put it there.
[[noreturn]] inline void refuse_prefix(const TensorStore& store, std::string_view name, std::string_view prefix) {
  std::string why, instead;
  for (std::string_view left = prefix; !left.empty();) {
    const auto known = std::find_if(name_prefixes.begin(), name_prefixes.end(), [&](const NamePrefix& p) { return left.starts_with(p.text); });
    if (known == name_prefixes.end()) break;
    why += (why.empty() ? "the model was wrapped by " : ", and by ") + std::string(known->by);
    instead += std::string(known->instead) + ", or ";
    left.remove_prefix(known->text.size());
  }
  if (why.empty()) why = "they are of a model that holds a LLaMA as a part, or of no LLaMA";
  else why += " when it was saved";
  fail(store.file(), {"the tensors' names begin with ", in_quotes(prefix), " (", in_quotes(name), "), expected 'model.': ", why, "; ", instead,
                      "take that off the names"});
}

/// By which of Hugging Face's conventions a folder's tensors are named. Errors: LoadError for names of which more stands in front than
/// either has, and for those of Meta's own files.
inline Convention folder_convention(const TensorStore& store) {
  constexpr std::string_view embedding = "embed_tokens.weight", layer = "layers.0.";
  const auto begins = [&](std::string_view with) {
    return std::any_of(store.tensors().begin(), store.tensors().end(), [&](const Tensor& t) { return t.name.starts_with(with); });
  };
  if (begins("model.layers.") || begins("model.embed_tokens.")) return Convention::hugging_face;
  if (begins("tok_embeddings."))
    fail(store.file(), "the tensors' names are those of Meta's own files ('tok_embeddings.weight'): convert them with transformers' "
                       "convert_llama_weights_to_hf.py");
  if (begins("layers.") || begins("embed_tokens.")) return Convention::hugging_face_base;
  for (const Tensor& tensor : store.tensors()) {
    const std::string_view name = tensor.name;
    const auto at = std::min(name.find(layer), name.ends_with(embedding) ? name.size() - embedding.size() : name.npos);
    if (at == name.npos || name[at - 1] != '.') continue;
    std::string_view prefix = name.substr(0, at);
    if (prefix.ends_with(".model.") && !prefix.ends_with("base_model.model.")) prefix.remove_suffix(std::string_view("model.").size());
    refuse_prefix(store, name, prefix);
  }
  return Convention::hugging_face;  // the first tensor that is missing will be named
}

}  // namespace detail

}  // namespace tfm::inline TFM_ABI
