#pragma once
// A pass of training over a causal model: how it is run, and the bytes that it takes.
#include <algorithm>

#include "tfm/core/index.hpp"

namespace tfm::inline TFM_ABI {

class Adapter;

/// What backward computes again, from the random key of the step, in place of keeping it.    Chen et al. 2016,
/// arXiv:1604.06174
enum class Recompute : unsigned char {
  nothing,
  blocks,  ///< of each block the input is kept alone: a third more time, memory of one block in place of all
};

/// Sizes of a batch, and how it is run.
struct TrainingPass {
  Index tokens{}, sequences{};
  Index longest{};                   ///< tokens of the longest sequence
  const Adapter* adapter = nullptr;  ///< what all of them wear, or none
  Recompute recompute = Recompute::blocks;
  bool backward = true;              ///< gradients are asked for: dropout is on, and backward follows
};

/// Bytes of the two arenas.
struct PassMemory {
  Index kept{}, scratch{};
  constexpr Index total() const noexcept { return kept + scratch; }
  /// Of passes that follow one another.
  constexpr PassMemory or_more(const PassMemory& other) const noexcept {
    return {std::max(kept, other.kept), std::max(scratch, other.scratch)};
  }
};

}  // namespace tfm::inline TFM_ABI
