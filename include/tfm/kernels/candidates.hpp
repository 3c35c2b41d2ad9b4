#pragma once
// What a sampler looks at of a row of logits: the largest, and the k largest.
#include "tfm/kernels/dispatch.hpp"
#include "tfm/kernels/kth_largest.hpp"

namespace tfm::inline TFM_ABI::kernels {

/// Of each row of logits the lowest id among the largest: token -1 where one is NaN or +inf, or all are -inf. Rows that a stop leaves out
/// keep what `largest` [rows] held.
inline void largest_logits(Context& context, View logits, LargestLogit* largest) noexcept {
  by_rows(context, logits.rows, logits.cols, [&](Index first, Index count) {
    table(context).largest_logits(context, logits.slice(first, count), largest + first);
  });
}

/// The k largest of a row of logits and those as large as the k-th, by rising id: ids, values [vocabulary] are written, how many is returned.
/// Those that are -inf are never among them. No logit is NaN; 1 <= k. It runs on the calling thread, and whether or not a stop was requested.
inline Index top_k(Context& context, View logits, Index k, std::int32_t* ids, float* values) noexcept {
  Index count = 0;
  table(context).top_k(context, logits, k, ids, values, &count);
  return count;
}

}  // namespace tfm::inline TFM_ABI::kernels
