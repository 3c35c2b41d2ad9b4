#pragma once
// Adapter: the low-rank pairs of LoRA, a value beside the model.    Hu et al. 2021, arXiv:2106.09685
#include <algorithm>
#include <utility>
#include <vector>

#include "tfm/layers/gradients.hpp"

namespace tfm::inline TFM_ABI {

/// ΔW = scaling B A: A [rank, in], B [out, rank].
struct LoraPair {
  F32 a, b;
  float scaling = 0;  ///< alpha / rank

  Index rank() const noexcept { return a.rows(); }
};

/// One pair for each LoraLinear of a model, by its slot; an empty pair (rank 0) leaves that layer as it is.
class Adapter {
  std::vector<LoraPair> pairs_;

 public:
  float dropout = 0;  ///< of what A sees, in [0, 1), while training
  Adapter() = default;
  explicit Adapter(std::vector<LoraPair> pairs) : pairs_(std::move(pairs)) {}

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
};

}  // namespace tfm::inline TFM_ABI
