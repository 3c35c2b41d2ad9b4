#pragma once
// LoRA adapters as llama.cpp's GGUF files: general.type "adapter", adapter.type "lora", adapter.lora.alpha, and for
// each layer's weight NAME the tensors NAME.lora_a [rank, in] and NAME.lora_b [out, rank]. The change is alpha / rank
// times B A, with the rank of each layer. The rows of B lie as the base's do in GGUF.    github.com/ggml-org/llama.cpp,
// convert_lora_to_gguf.py and src/llama-adapter.cpp
#include <algorithm>
#include <cmath>
#include <deque>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tfm/checkpoint/llama_gguf.hpp"
#include "tfm/checkpoint/loaded_adapter.hpp"
#include "tfm/checkpoint/peft_layers.hpp"
#include "tfm/formats/gguf_writer.hpp"
#include "tfm/layers/lora_slots.hpp"
#include "tfm/numeric/pack.hpp"

namespace tfm::inline TFM_ABI {
namespace peft {

namespace detail {

/// adapter.lora.alpha of an adapter for models of a family. Errors: LoadError for a file that is none.
float gguf_adapter_alpha(const GgufMetadata& metadata, const Family& family);

/// The rank of a layer whose A this is.
Index gguf_adapter_rank(const TensorStore& store, const Tensor& a);

/// Rows of B in the order of another file, of so many heads whose rotary pairs are neighbours in GGUF; 0: they are in
/// the same order.
F32 sorted_rows(const F32& b, Index heads, bool into_gguf);

/// Of each layer whose rows a GGUF file has in another order: by how many heads.
template <class Model>
std::map<std::string, Index> sorted_layers(const Model& model, const Family& family) {
  std::map<std::string, Index> heads;
  if (family.neighbours_in_gguf)
    visit_weights(model, "", [&](const std::string& name, const auto&, const WeightInfo& info) {
      if (info.rotary_heads > 0 && name.ends_with(".weight"))
        heads[name.substr(0, name.rfind('.'))] = info.rotary_heads;
    });
  return heads;
}

void write_gguf_adapter(const Family& family, float alpha,
                        const std::vector<std::pair<std::string, const F32*>>& tensors,
                        const std::filesystem::path& path);

}  // namespace detail

/// Reads the adapter in a GGUF file for `model`. Errors: LoadError, ShapeError: for a file that is no LoRA adapter, one
/// for another architecture, and a tensor that is missing, not finite, of another shape or type, or of a layer that
/// cannot carry adapters.
template <class Model>
LoadedAdapter load_gguf(const std::filesystem::path& path, const Model& model, const LoadOptions& options = {}) {
  const Family& family = family_named(family_of(model.shape));
  const Gguf gguf = read_gguf(path);
  const TensorStore& store = gguf.tensors;
  const float alpha = detail::gguf_adapter_alpha(gguf.metadata, family);
  LoadedAdapter loaded;
  loaded.config.alpha = static_cast<double>(alpha), loaded.config.r = 0;
  detail::compare_bases(loaded, options, path.string());
  const std::vector<detail::StoredLayer> stored = detail::stored_layers(model);
  const std::map<std::string, Index> sorted = detail::sorted_layers(model, family);
  std::vector<LoraPair> pairs(stored.size());
  std::set<const Tensor*> used;
  bool changes = false;
  visit_lora_layers(model, "", [&](const std::string& own, const auto& layer) {
    const std::string name = stored_layer_name(family, Convention::gguf, own) + ".weight";
    const Tensor *const a = store.find(name + ".lora_a"), *const b = store.find(name + ".lora_b");
    if (a == nullptr && b == nullptr) return;
    const Index rank = detail::gguf_adapter_rank(store, store.at(name + ".lora_a"));
    const auto& [whole, first, out] = stored[to_size(layer.adapter_slot())];
    const auto heads = sorted.find(own);
    LoraPair& pair = pairs[to_size(layer.adapter_slot())];
    pair.a = detail::read_matrix(store, name + ".lora_a", rank, layer.base_weight().cols());
    pair.b = detail::rows_of(detail::sorted_rows(detail::read_matrix(store, name + ".lora_b", out, rank),
                                                 heads == sorted.end() ? 0 : heads->second, false),
                             first, layer.base_weight().rows());
    pair.scaling = alpha == 0 ? 1 : alpha / static_cast<float>(rank);
    pair.name = own;
    used.insert(a), used.insert(b);
    loaded.config.r = std::max(loaded.config.r, rank);
    if (const std::string kind = whole.substr(whole.rfind('.') + 1);
        std::ranges::find(loaded.config.targets, kind) == loaded.config.targets.end())
      loaded.config.targets.push_back(kind);
    const View values = pair.b.view();
    changes = changes || std::any_of(values.data, values.data + values.size(), [](float x) { return x != 0; });
  });
  for (const Tensor& tensor : store.tensors())
    if (!used.contains(&tensor))
      raise(LoadError("tfm: " + store.file_of(tensor) + ": tensor " + in_quotes(tensor.name) +
                      " belongs to no layer of the model that can carry adapters, expected none such"));
  if (!changes) loaded.notes.push_back("every B of the adapter is zero: it changes nothing");
  loaded.adapter = Adapter(std::move(pairs));
  return loaded;
}

/// Writes the adapter as the GGUF file at `path`, in float32, whole or not at all: what llama.cpp opens beside the
/// base's GGUF file. Errors: ShapeError for an adapter that is empty, is not this model's, or whose layers would need
/// several alpha; LoadError where the file cannot be written.
template <class Model>
void save_gguf(const Adapter& adapter, const Model& model, const std::filesystem::path& path) {
  const Family& family = family_named(family_of(model.shape));
  const detail::StoredPairs pairs(adapter, model);
  const std::map<std::string, Index> sorted = detail::sorted_layers(model, family);
  std::map<std::string, std::string> own_names;  // of the first layer that is in one of Hugging Face's
  visit_lora_layers(model, "", [&](const std::string& own, const auto&) {
    own_names.try_emplace(stored_layer_name(family, Convention::hugging_face, own), own);
  });
  std::vector<std::pair<std::string, const F32*>> tensors;
  std::deque<F32> turned;
  std::optional<float> alpha;
  for (const auto& [name, pair] : pairs.layers) {
    if (pair == nullptr) continue;
    const float own = pair->scaling * static_cast<float>(pair->rank());
    if (alpha && std::abs(*alpha - own) > 1e-6f * std::abs(own))
      raise(ShapeError("tfm: the adapter's layers differ in alpha, the scaling times the rank: " + number_text(*alpha) +
                       " and, of " + name + ", " + number_text(own) + "; a GGUF file has one"));
    if (!alpha) alpha = own;
    const std::string& layer = own_names.at(name);
    const std::string stored = stored_layer_name(family, Convention::gguf, layer) + ".weight";
    const auto heads = sorted.find(layer);
    turned.push_back(detail::sorted_rows(pair->b, heads == sorted.end() ? 0 : heads->second, true));
    tensors.emplace_back(stored + ".lora_a", &pair->a), tensors.emplace_back(stored + ".lora_b", &turned.back());
  }
  if (!alpha) raise(ShapeError("tfm: the adapter is empty: it has a pair for no layer of the model"));
  detail::write_gguf_adapter(family, *alpha, tensors, path);
}

}  // namespace peft
}  // namespace tfm::inline TFM_ABI

#if defined(TFM_DEFINITIONS)
#include "tfm/checkpoint/gguf_adapter.inl"
#endif
