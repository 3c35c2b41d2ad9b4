#pragma once
// Layers that carry adapters as a family's files have them: of fused projections several are one layer there, with one
// pair.
#include <algorithm>
#include <deque>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "tfm/checkpoint/families.hpp"
#include "tfm/layers/lora_slots.hpp"

namespace tfm::inline TFM_ABI {
namespace peft::detail {

/// Where a layer of the model is in files.
struct StoredLayer {
  std::string name;            ///< there
  Index first = 0, rows = 0;  ///< its first row in it, and all rows of it
};

/// Of each layer that can carry an adapter, by its slot. Errors: ShapeError where slots are not numbered.
template <class Model>
std::vector<StoredLayer> stored_layers(const Model& model) {
  const Family* family = &llama_family;
  if constexpr (requires { model.shape.family; }) family = &family_named(model.shape.family);
  std::vector<StoredLayer> layers;
  std::map<std::string, Index> rows;
  visit_lora_layers(model, "", [&](const std::string& name, const auto& layer) {
    if (layer.adapter_slot() != static_cast<Index>(layers.size()))
      raise(ShapeError("tfm: " + name + " has no adapter slot: call number_lora_slots(model) first"));
    std::string stored = stored_layer_name(*family, Convention::hugging_face, name);
    Index& before = rows[stored];
    layers.push_back({std::move(stored), before, 0});
    before += layer.base_weight().rows();
  });
  for (StoredLayer& layer : layers) layer.rows = rows.at(layer.name);
  return layers;
}

/// Rows first .. first + count of a matrix; itself where these are all.
F32 rows_of(F32 matrix, Index first, Index count);

/// An adapter's pairs as files have them.
class StoredPairs {
  std::deque<LoraPair> joined_;

  static bool same(const F32& a, const F32& b);
  // One pair for several layers, of which `first` says where they begin: sum over i of B_i A_i in its rows.
  static LoraPair joined(const std::vector<std::pair<const LoraPair*, Index>>& parts, Index rows);

 public:
  std::vector<std::pair<std::string, const LoraPair*>> layers;  ///< null: not touched

  /// Errors: ShapeError for pairs of other sizes than the model's layers, or of which two scalings would have to be
  /// one.
  template <class Model>
  StoredPairs(const Adapter& adapter, const Model& model) {
    const std::vector<StoredLayer> stored = stored_layers(model);
    if (adapter.size() > static_cast<Index>(stored.size()))
      raise(ShapeError("tfm: the adapter has " + std::to_string(adapter.size()) + " pairs, the model " +
                       std::to_string(stored.size()) + " layers that can carry one"));
    std::map<std::string, std::vector<std::pair<const LoraPair*, Index>>> parts;
    visit_lora_layers(model, "", [&](const std::string& name, const auto& layer) {
      const Index slot = layer.adapter_slot();
      const LoraPair* const pair = adapter.touches(slot) ? &adapter[slot] : nullptr;
      if (pair != nullptr && !layer.fits(*pair))
        raise(ShapeError("tfm: the adapter's pair for " + name + " has not that layer's shape"));
      parts[stored[to_size(slot)].name].emplace_back(pair, stored[to_size(slot)].first);
    });
    for (const StoredLayer& layer : stored) {
      if (layer.first > 0) continue;
      const auto& own = parts.at(layer.name);
      const bool touched = std::any_of(own.begin(), own.end(), [](const auto& part) { return part.first != nullptr; });
      if (touched && own.size() > 1) joined_.push_back(joined(own, layer.rows));
      layers.emplace_back(layer.name, !touched ? nullptr : own.size() > 1 ? &joined_.back() : own.front().first);
    }
  }
  const LoraPair* of(const std::string& layer) const;
};

}  // namespace peft::detail
}  // namespace tfm::inline TFM_ABI

#if defined(TFM_DEFINITIONS)
#include "tfm/checkpoint/peft_layers.inl"
#endif
