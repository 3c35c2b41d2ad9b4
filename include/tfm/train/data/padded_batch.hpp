#pragma once
// PaddedBatch: texts of different lengths as the rectangle that transformers' collators make of them. CausalTask itself needs none:
// it takes texts one behind the other, and counts padding only where its arithmetic asks for that (CausalTaskOptions::left_pad).
#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "tfm/core/error.hpp"
#include "tfm/train/data/causal_sample.hpp"
#include "tfm/train/losses.hpp"

namespace tfm::inline TFM_ABI {

enum class PaddingSide : unsigned char { left, right };

/// `samples` rows of `width` each: ids, labels (ignored_label where padded) and 1 for a token, 0 for padding.
struct PaddedBatch {
  Index samples = 0, width = 0;
  std::vector<std::int32_t> ids, labels, attention_mask;
};

/// The samples padded with `pad` to the longest of them, rounded up to a multiple: transformers' DataCollatorForSeq2Seq with padding=True.
/// Errors: OptionError for a multiple below 1.
inline PaddedBatch padded_batch(std::span<const CausalSample> samples, std::int32_t pad, PaddingSide side = PaddingSide::left, Index multiple = 8) {
  if (multiple < 1) raise(OptionError("tfm: multiple must be at least 1, found " + std::to_string(multiple)));
  std::size_t longest = 0;
  for (const CausalSample& sample : samples) longest = std::max(longest, sample.ids.size());
  PaddedBatch batch{.samples = static_cast<Index>(samples.size()), .width = round_up(static_cast<Index>(longest), multiple), .ids = {}, .labels = {}, .attention_mask = {}};
  for (const CausalSample& sample : samples) {
    const std::size_t missing = to_size(batch.width) - sample.ids.size();
    const auto row = [&](std::vector<std::int32_t>& to, const std::vector<std::int32_t>& values, std::int32_t filler) {
      if (side == PaddingSide::left) to.insert(to.end(), missing, filler);
      to.insert(to.end(), values.begin(), values.end());
      if (side == PaddingSide::right) to.insert(to.end(), missing, filler);
    };
    row(batch.ids, sample.ids, pad);
    row(batch.labels, sample.labels, ignored_label);
    row(batch.attention_mask, std::vector<std::int32_t>(sample.ids.size(), 1), 0);
  }
  return batch;
}

}  // namespace tfm::inline TFM_ABI
