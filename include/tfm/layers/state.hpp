#pragma once
// State: what a model keeps of sequences between passes, of whatever kind: keys and values, or what a recurrent layer
// carries on.
#include <concepts>

#include "tfm/core/index.hpp"

namespace tfm::inline TFM_ABI {

/// A value of `sequences()` slots, each of which holds length(slot) of context() positions:
/// - advance(slot, n) counts n positions that every layer has appended;
/// - truncate(slot, n) forgets what stands at n and after it, and says where the slot ends then: at n, or, of a kind
///   that cannot go back to any place, before it, at the last checkpoint that it kept. What lies between is to be
///   evaluated again; 0 is always one of its checkpoints;
/// - fork(from, to) makes slot `to` a copy of slot `from`, to be continued differently.
template <class S>
concept State = std::movable<S> && requires(S& state, const S& seen, Index slot, Index n) {
  { seen.sequences() } -> std::convertible_to<Index>;
  { seen.context() } -> std::convertible_to<Index>;
  { seen.length(slot) } -> std::convertible_to<Index>;
  state.advance(slot, n);
  { state.truncate(slot, n) } -> std::convertible_to<Index>;
  state.fork(slot, slot);
};

}  // namespace tfm::inline TFM_ABI
