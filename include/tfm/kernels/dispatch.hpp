#pragma once
// What every kernel's entry shares: the table that runs, and how work is cut into chunks.
#include <algorithm>

#include "tfm/kernels/tables.hpp"

namespace tfm::inline TFM_ABI::kernels {

/// How many of `items` make a chunk, each of `work` multiply-adds or the like: enough that handing it out costs nothing
/// (0.1 us against about 10), little enough that a stop is noticed within 10 ms on one slow core, a multiple of `step`; and as many
/// chunks for each thread as for any other. `worth`: chunks get as large as that where each thread still has one.
inline Index chunk_items(const Context& context, Index items, Index work, Index step, Index worth = 1) noexcept {
  constexpr Index least = 1 << 16, most = 1 << 26;
  const Index threads = context.threads->count(), even = items / (8 * threads), cost = std::max<Index>(work, 1);
  const Index n = std::max({std::min(even, most / cost), least / cost, std::min(worth / cost, ceil_div(items, threads))});
  const Index each = std::max(step, n / step * step), chunks = ceil_div(items, each);
  return chunks < 2 ? each : round_up(ceil_div(items, round_up(chunks, threads)), step);
}

/// body(first, count) over `rows` rows that cost `work` each, in parallel where it pays.
template <class Body>
inline void by_rows(Context& context, Index rows, Index work, Body body) {
  const Index each = chunk_items(context, rows, work, 1);
  context.run(ceil_div(rows, each), [&](Index chunk, int) { body(chunk * each, std::min(each, rows - chunk * each)); });
}

/// The same over columns, whose sums over rows have one owner each: pieces of whole lanes.
template <class Body>
inline void by_columns(Context& context, Index cols, Index work, Body body) {
  const Index each = chunk_items(context, cols, work, 16);
  context.run(ceil_div(cols, each), [&](Index chunk, int) { body(chunk * each, std::min(each, cols - chunk * each)); });
}

/// Every element of y becomes `value`.
inline void fill(Context& context, MutableView y, float value) noexcept {
  by_rows(context, y.rows, y.cols, [&](Index first, Index count) { table(context).fill(context, y.slice(first, count), value); });
}
/// y = x, of as many rows and columns; they do not overlap.
inline void copy(Context& context, View x, MutableView y) noexcept {
  by_rows(context, x.rows, x.cols, [&](Index first, Index count) { table(context).copy(context, x.slice(first, count), y.slice(first, count)); });
}

}  // namespace tfm::inline TFM_ABI::kernels
