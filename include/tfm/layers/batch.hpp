#pragma once
// Batch: which rows of a matrix of tokens belong to which sequence, where they stand, and their adapters.
#include <span>

#include "tfm/core/index.hpp"

namespace tfm::inline TFM_ABI {

class Adapter;

/// Which rows of logits a forward pass computes.
enum class Logits : unsigned char {
  none,
  last,  ///< one row a sequence, of its last token
  all,   ///< a row for each token
};

/// Sequence s is rows start[s] .. start[s + 1] of every [tokens, features] matrix. Sequences may differ in length.
/// A padded batch is equal lengths plus `valid`. Owns nothing.
struct Batch {
  std::span<const Index> start;               ///< [sequences + 1]
  std::span<const Index> position{};          ///< [sequences]: where a sequence's first row stands; none: 0
  std::span<const Index> slot{};              ///< [sequences]: its place in a KvCache; none: its number
  std::span<const Adapter* const> adapter{};  ///< [sequences]: its adapter, or null; none: no sequence has one
  std::span<const Index> sample{};            ///< [sequences]: its number in the epoch, for dropout
  std::span<const unsigned char> valid{};     ///< [tokens]: 0 for padding; none: all are tokens
  std::span<const Logits> logits{};           ///< [sequences]: which rows of logits it wants; none: all of them what the pass wants

  constexpr Index sequences() const noexcept { return start.empty() ? 0 : static_cast<Index>(start.size()) - 1; }
  constexpr Index tokens() const noexcept { return start.empty() ? 0 : start.back(); }
  constexpr Index first(Index s) const noexcept { return start[to_size(s)]; }
  constexpr Index length(Index s) const noexcept { return start[to_size(s) + 1] - start[to_size(s)]; }
  constexpr Index position_of(Index s) const noexcept { return position.empty() ? 0 : position[to_size(s)]; }
  /// Tokens of a sequence that are no padding.
  constexpr Index valid_length(Index s) const noexcept {
    if (valid.empty()) return length(s);
    Index n = 0;
    for (Index t = first(s); t < first(s) + length(s); ++t) n += valid[to_size(t)] != 0 ? 1 : 0;
    return n;
  }
  /// What sequence s wants in a pass that wants `otherwise`, and how many rows of logits that are; those of the whole batch.
  constexpr Logits logits_of(Index s, Logits otherwise) const noexcept { return logits.empty() ? otherwise : logits[to_size(s)]; }
  constexpr Index logit_rows(Index s, Logits otherwise) const noexcept {
    const Logits wanted = logits_of(s, otherwise);
    return wanted == Logits::none ? 0 : wanted == Logits::last ? 1 : length(s);
  }
  constexpr Index logit_rows(Logits otherwise) const noexcept {
    Index n = 0;
    for (Index s = 0; s < sequences(); ++s) n += logit_rows(s, otherwise);
    return n;
  }
  constexpr Index sample_of(Index s) const noexcept { return sample.empty() ? s : sample[to_size(s)]; }
  constexpr Index slot_of(Index s) const noexcept { return slot.empty() ? s : slot[to_size(s)]; }
  /// Rows of padding before a sequence's first token.
  constexpr Index padding(Index s) const noexcept {
    Index n = 0;
    while (!valid.empty() && n < length(s) && valid[to_size(first(s) + n)] == 0) ++n;
    return n;
  }
  constexpr const Adapter* adapter_of(Index s) const noexcept { return adapter.empty() ? nullptr : adapter[to_size(s)]; }
};

}  // namespace tfm::inline TFM_ABI
