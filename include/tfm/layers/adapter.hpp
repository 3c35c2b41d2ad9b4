#pragma once
// Adapter: the low-rank pairs of LoRA, a value beside the model.    Hu et al. 2021, arXiv:2106.09685
#include <algorithm>
#include <cmath>
#include <concepts>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "tfm/core/error.hpp"
#include "tfm/kernels/host.hpp"
#include "tfm/layers/gradients.hpp"
#include "tfm/layers/visit.hpp"

namespace tfm::inline TFM_ABI {

/// ΔW = scaling B A: A [rank, in], B [out, rank].
struct LoraPair {
  F32 a, b;
  float scaling = 0;   ///< alpha / rank
  std::string name{};  ///< of the layer, as in checkpoints: "model.layers.0.self_attn.q_proj"

  Index rank() const noexcept { return a.rows(); }
};

/// A layer that can carry an adapter's pair: it knows its slot and the weight that the pair changes.
template <class Layer>
concept CarriesAdapter = requires(const Layer& layer, Layer& own, const LoraPair& pair) {
  { layer.adapter_slot() } -> std::convertible_to<Index>;
  own.set_adapter_slot(Index{});
  { layer.fits(pair) } -> std::convertible_to<bool>;
  layer.base_weight().rows();
};

/// How a new adapter is made. The defaults are Alpaca-LoRA's.
struct AdapterOptions {
  Index rank = 8;
  float alpha = 16;
  float dropout = 0.05f;                              ///< of what A sees, while training
  std::vector<std::string> targets{"q_proj", "v_proj"};  ///< last parts of layers' names
  bool rank_stabilised = false;                       ///< scaling alpha / sqrt(rank)    Kalajdzievski 2023, arXiv:2312.03732
  std::uint64_t seed = 0;
};

/// One pair for each layer of a model that can carry one, by its slot; an empty pair (rank 0) leaves that layer as it is.
class Adapter {
  std::vector<LoraPair> pairs_;

 public:
  float dropout = 0;  ///< of what A sees, in [0, 1), while training
  Adapter() = default;
  explicit Adapter(std::vector<LoraPair> pairs) : pairs_(std::move(pairs)) {}
  /// A new one, as PEFT initialises it: A uniform within 1 / sqrt(in), B zero, so that at first nothing changes.
  /// Errors: OptionError for a target that is no layer of the model which can carry an adapter, a rank below 1, a dropout
  /// outside [0, 1).
  template <class Model>
    requires requires(const Model& model) { model.shape; }
  Adapter(const Model& model, const AdapterOptions& options) : dropout(options.dropout) {
    if (options.rank < 1) raise<OptionError>({"tfm: an adapter's rank must be at least 1, found ", options.rank});
    if (!(options.dropout >= 0 && options.dropout < 1)) raise<OptionError>({"tfm: an adapter's dropout must be in [0, 1), found ", std::to_string(options.dropout)});
    std::vector<bool> found(options.targets.size());
    visit_named_layers(model, "", [&](const std::string& name, const auto& layer) {
      if constexpr (CarriesAdapter<std::remove_cvref_t<decltype(layer)>>) {
        pairs_.push_back({});
        pairs_.back().name = name;
        for (std::size_t i = 0; i < found.size(); ++i)
          if (name == options.targets[i] || name.ends_with("." + options.targets[i])) {
            found[i] = true;
            initialise(pairs_.back(), layer.base_weight().rows(), layer.base_weight().cols(), options, RandomKey{options.seed}.with(pairs_.size()));
          }
      }
    });
    for (std::size_t i = 0; i < found.size(); ++i)
      if (!found[i]) raise<OptionError>({"tfm: no layer of the model that can carry an adapter is called '", options.targets[i], "'"});
  }

  Index size() const noexcept { return static_cast<Index>(pairs_.size()); }
  const LoraPair& operator[](Index slot) const noexcept { return pairs_[to_size(slot)]; }
  LoraPair& operator[](Index slot) noexcept { return pairs_[to_size(slot)]; }
  /// The largest rank.
  Index rank() const noexcept {
    Index most = 0;
    for (const LoraPair& pair : pairs_) most = std::max(most, pair.rank());
    return most;
  }
  /// Whether the layer at `slot` is changed.
  bool touches(Index slot) const noexcept { return slot >= 0 && slot < size() && (*this)[slot].rank() > 0; }

 private:
  static void initialise(LoraPair& pair, Index out, Index in, const AdapterOptions& options, RandomKey key) {
    pair.a = F32(options.rank, in);
    pair.b = F32(out, options.rank);
    const auto rank = static_cast<float>(options.rank);
    pair.scaling = options.alpha / (options.rank_stabilised ? std::sqrt(rank) : rank);
    const float width = 2.f / std::sqrt(static_cast<float>(in));
    kernels::uniform(pair.a.values(), key, width);
  }
};

/// One of several adapters that are applied at once.
struct WeightedAdapter {
  const Adapter* adapter = nullptr;
  float weight = 1;  ///< what its change is multiplied with; below 0 it is taken away
};

/// Several adapters as one: ΔW = Σ weight scaling B A. Their A stand below one another, their B side by side ("cat" in PEFT's
/// add_weighted_adapter), so that nothing is left out, and a mix of equal weights and scalings has their very numbers. For use,
/// not for training: it drops nothing. Errors: ShapeError for adapters of different models.
inline Adapter mix(std::span<const WeightedAdapter> parts) {
  std::vector<LoraPair> pairs(parts.empty() ? 0 : to_size(parts.front().adapter->size()));
  for (Index slot = 0; slot < static_cast<Index>(pairs.size()); ++slot) {
    std::vector<std::pair<const LoraPair*, float>> touched;  // and its whole factor
    Index rank = 0;
    for (const WeightedAdapter& part : parts) {
      if (part.adapter->size() != static_cast<Index>(pairs.size()))
        raise(ShapeError("tfm: adapters of " + std::to_string(pairs.size()) + " and " + std::to_string(part.adapter->size()) +
                         " layers cannot be mixed, expected adapters of one model"));
      if (!part.adapter->touches(slot)) continue;
      const LoraPair& pair = (*part.adapter)[slot];
      if (const float factor = part.weight * pair.scaling; factor != 0) touched.emplace_back(&pair, factor), rank += pair.rank();
      if (!touched.empty() && (pair.a.cols() != touched.front().first->a.cols() || pair.b.rows() != touched.front().first->b.rows()))
        raise(ShapeError("tfm: adapters of different sizes cannot be mixed, in slot " + std::to_string(slot)));
    }
    if (touched.empty()) continue;
    const LoraPair& like = *touched.front().first;
    LoraPair& mixed = pairs[to_size(slot)];
    mixed = {F32(rank, like.a.cols()), F32(like.b.rows(), rank), touched.front().second, like.name};
    Index first = 0;
    for (const auto& [pair, factor] : touched) {
      kernels::put_scaled(1, pair->a.view(), mixed.a.values(), first, 0);
      kernels::put_scaled(factor / mixed.scaling, pair->b.view(), mixed.b.values(), 0, first);
      first += pair->rank();
    }
  }
  return Adapter(std::move(pairs));
}

}  // namespace tfm::inline TFM_ABI
