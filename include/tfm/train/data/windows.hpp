#pragma once
// A long text as samples: what a language model trains on.
#include <algorithm>
#include <span>
#include <vector>

#include "tfm/core/error.hpp"
#include "tfm/core/index.hpp"
#include "tfm/train/data/causal_sample.hpp"

namespace tfm::inline TFM_ABI {

/// Consecutive pieces of `length` tokens, each asked for its last length - 1; what is left over at the end is a shorter one, if it
/// is of two tokens at least. Errors: OptionError for a length below 2.
inline std::vector<CausalSample> windows(std::span<const std::int32_t> ids, Index length) {
  if (length < 2) raise(OptionError("tfm: a piece of text needs at least 2 tokens, found " + std::to_string(length)));
  std::vector<CausalSample> samples;
  for (std::size_t at = 0; at + 1 < ids.size(); at += to_size(length)) {
    const auto piece = ids.subspan(at, std::min(to_size(length), ids.size() - at));
    const std::vector<std::int32_t> own(piece.begin(), piece.end());
    samples.push_back({own, own});
  }
  return samples;
}

}  // namespace tfm::inline TFM_ABI
