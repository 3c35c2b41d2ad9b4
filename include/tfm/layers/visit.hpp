#pragma once
// Walking a model's weights by their checkpoint names. Loaders, savers, counters and optimizers are each one visitor.
#include <string>
#include <string_view>

#include "tfm/core/parameter.hpp"

namespace tfm::inline TFM_ABI {

namespace detail {
/// "model.layers.0." and "self_attn" to their name. Not inlined: every visitor has it once for each kind of layer.
[[gnu::noinline]] inline std::string name_below(std::string_view prefix, std::string_view name, std::string_view end = "") {
  std::string whole(prefix);
  whole.append(name).append(end);
  return whole;
}
}  // namespace detail

/// Calls f(name, weight, info) for every weight below `layer`, with its whole name: "self_attn.q_proj.weight".
template <class Layer, class F>
void visit_weights(Layer& layer, const std::string& prefix, F&& f) {
  layer.visit([&](std::string_view name, auto& part, auto... info) {
    if constexpr (sizeof...(info) == 0) visit_weights(part, detail::name_below(prefix, name, "."), f);
    else f(detail::name_below(prefix, name), part, info...);
  });
}

/// Calls f(name, part) for every layer inside `layer`, with its whole name: "model.layers.0.self_attn.q_proj".
template <class Layer, class F>
void visit_named_layers(Layer& layer, const std::string& prefix, F&& f) {
  layer.visit([&](std::string_view name, auto& part, auto... info) {
    if constexpr (sizeof...(info) == 0) {
      const std::string whole = detail::name_below(prefix, name);
      f(whole, part);
      visit_named_layers(part, detail::name_below(whole, "."), f);
    }
  });
}

/// Calls f(part) for every layer inside `layer`, its weights left out.
template <class Layer, class F>
void visit_layers(Layer& layer, F&& f) {
  layer.visit([&](std::string_view, auto& part, auto... info) {
    if constexpr (sizeof...(info) == 0) {
      f(part);
      visit_layers(part, f);
    }
  });
}

}  // namespace tfm::inline TFM_ABI
