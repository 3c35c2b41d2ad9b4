#pragma once
// Walking a model's weights by their checkpoint names. Loaders, savers, counters and optimizers are each one visitor.
#include <string>
#include <string_view>

#include "tfm/core/parameter.hpp"

namespace tfm::inline TFM_ABI {

/// Calls f(name, weight, role) for every weight below `layer`, with its whole name: "self_attn.q_proj.weight".
template <class Layer, class F>
void visit_weights(Layer& layer, const std::string& prefix, F&& f) {
  layer.visit([&](std::string_view name, auto& part, auto... role) {
    if constexpr (sizeof...(role) == 0) visit_weights(part, prefix + std::string(name) + ".", f);
    else f(prefix + std::string(name), part, role...);
  });
}

/// Calls f(name, part) for every layer inside `layer`, with its whole name: "model.layers.0.self_attn.q_proj".
template <class Layer, class F>
void visit_named_layers(Layer& layer, const std::string& prefix, F&& f) {
  layer.visit([&](std::string_view name, auto& part, auto... role) {
    if constexpr (sizeof...(role) == 0) {
      const std::string whole = prefix + std::string(name);
      f(whole, part);
      visit_named_layers(part, whole + ".", f);
    }
  });
}

/// Calls f(part) for every layer inside `layer`, its weights left out.
template <class Layer, class F>
void visit_layers(Layer& layer, F&& f) {
  layer.visit([&](std::string_view, auto& part, auto... role) {
    if constexpr (sizeof...(role) == 0) {
      f(part);
      visit_layers(part, f);
    }
  });
}

}  // namespace tfm::inline TFM_ABI
