#pragma once
// The layers of a model that can carry adapters: walking them by name, and numbering them.
#include <string>
#include <type_traits>

#include "tfm/layers/lora_linear.hpp"
#include "tfm/layers/visit.hpp"

namespace tfm::inline TFM_ABI {

/// Calls f(name, layer) for every layer that can carry an adapter below `layer`, in the order of visit, with the checkpoint's name of it:
/// "model.layers.0.self_attn.q_proj".
template <class Layer, class F>
void visit_lora_layers(Layer& layer, const std::string& prefix, F&& f) {
  visit_named_layers(layer, prefix, [&](const std::string& name, auto& part) {
    if constexpr (CarriesAdapter<std::remove_cvref_t<decltype(part)>>) f(name, part);
  });
}

/// Gives every such layer of a model its slot, from 0 on in the order of visit: the same model always gets the same
/// numbers. Returns how many there are, which is the size of an Adapter for it. A Llama's constructor has done it.
template <class Model>
Index number_lora_slots(Model& model) {
  Index slots = 0;
  visit_lora_layers(model, "", [&](const std::string&, auto& layer) { layer.set_adapter_slot(slots++); });
  return slots;
}

}  // namespace tfm::inline TFM_ABI
