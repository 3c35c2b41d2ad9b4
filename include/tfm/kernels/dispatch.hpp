#pragma once
// What every kernel's entry shares: which region runs, and how work is cut into chunks.
#include "tfm/core/context.hpp"
#include "tfm/kernels/cpu/regions.hpp"

namespace tfm::inline TFM_ABI::kernels {

/// The region reports itself; several workers write the same value.
inline void report(Context& context, Isa ran) noexcept {
  __atomic_store_n(reinterpret_cast<unsigned char*>(&context.ran), static_cast<unsigned char>(ran), __ATOMIC_RELAXED);
}

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

/// body(first, count) over `rows` rows that cost `work` each, in parallel where it pays; it returns the region that ran.
template <class Body>
inline void by_rows(Context& context, Index rows, Index work, Body body) {
  const Index each = chunk_items(context, rows, work, 1);
  context.run(ceil_div(rows, each), [&](Index chunk, int) {
    const Isa ran = body(chunk * each, std::min(each, rows - chunk * each));
    report(context, ran);
  });
}

/// The same over columns, whose sums over rows have one owner each: pieces of whole lanes.
template <class Body>
inline void by_columns(Context& context, Index cols, Index work, Body body) {
  const Index each = chunk_items(context, cols, work, 16);
  context.run(ceil_div(cols, each), [&](Index chunk, int) {
    const Isa ran = body(chunk * each, std::min(each, cols - chunk * each));
    report(context, ran);
  });
}

}  // namespace tfm::inline TFM_ABI::kernels
