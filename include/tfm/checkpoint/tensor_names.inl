// What tensor_names.hpp declares.
#include <algorithm>
#include <string>

namespace tfm::inline TFM_ABI {

namespace detail {

/// Refuses names in front of which something stands, in the words of who put it there.
[[noreturn]] TFM_INLINE void refuse_prefix(const TensorStore& store, std::string_view name, std::string_view prefix) {
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

TFM_INLINE Convention folder_convention(const TensorStore& store, bool wrapped) {
  constexpr std::string_view embedding = "embed_tokens.weight", layer = "layers.0.";
  const auto begins = [&](std::string_view with) {
    return std::any_of(store.tensors().begin(), store.tensors().end(), [&](const Tensor& t) { return t.name.starts_with(with); });
  };
  if (wrapped && begins("language_model.model.layers.")) return Convention::hugging_face_text;
  if (wrapped && begins("model.language_model.layers.")) return Convention::hugging_face_language;
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
