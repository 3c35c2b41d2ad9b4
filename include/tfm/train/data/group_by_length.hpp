#pragma once
// An epoch's order in which neighbours are of like lengths, so that a batch of theirs has little padding.
#include <algorithm>
#include <span>
#include <vector>

#include "tfm/train/task.hpp"

namespace tfm::inline TFM_ABI {

/// A permutation of the samples that the key alone decides: shuffled, cut into groups of up to 50 batches (fewer where that would make
/// fewer than four groups), and each group sorted, the longest first. The longest sample of all changes places with the first, so that
/// the most memory is asked for at the beginning.    transformers, TrainingArguments.group_by_length
inline std::vector<Index> grouped_by_length(std::span<const Index> lengths, Index batch, RandomKey key) {
  const auto n = static_cast<Index>(lengths.size());
  std::vector<Index> order = shuffled(n, key);
  const Index size = batch * std::clamp<Index>(n / (batch * 4), 1, 50);
  const auto longer = [&](Index a, Index b) { return lengths[to_size(a)] > lengths[to_size(b)]; };
  for (Index first = 0; first < n; first += size)
    std::stable_sort(order.begin() + first, order.begin() + std::min(first + size, n), longer);
  const auto longest = std::min_element(order.begin(), order.end(), longer);
  if (longest != order.end()) std::iter_swap(order.begin(), longest);
  return order;
}

}  // namespace tfm::inline TFM_ABI
