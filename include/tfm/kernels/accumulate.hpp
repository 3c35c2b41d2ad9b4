#pragma once
// The gradient of a weight: dw += dyᵀ x.
#include <algorithm>

#include "tfm/core/context.hpp"
#include "tfm/core/view.hpp"
#include "tfm/kernels/dispatch.hpp"
#include "tfm/numeric/f32.hpp"

namespace tfm::inline TFM_ABI {
namespace kernels {

/// Whether sixteen columns of x [tokens, cols] are brought together before they are multiplied with `rows` rows: all of dw's rows read them.
constexpr bool packs_columns(Index rows, Index cols) noexcept { return cols % 16 != 0 || (cols > short_row && rows > 16); }

/// Bytes of scratch that accumulate() takes for dw [rows, cols].
constexpr Index accumulate_bytes(Index tokens, Index rows, Index cols, Index threads) noexcept {
  const Index packed = packs_columns(rows, cols) ? Arena::bytes_for(tokens * round_up(cols, 16)) : 0;
  return packed + Arena::bytes_for(threads * accumulate_floats);
}

}  // namespace kernels

inline void accumulate(Context& context, View dy, View x, MutableView dw) noexcept {
  using namespace kernels;
  const Arena::Frame frame(context.scratch);
  const Index panels = ceil_div(x.cols, 16), threads = context.threads->count();
  AccumulateTask task{dy.data, x.data, 16, x.cols, dw.rows, dw.cols, x.rows, dw.data};
  if (packs_columns(dw.rows, dw.cols)) {
    float* const packed = context.scratch.take<float>(x.rows * 16 * panels);
    const Index each = chunk_items(context, panels, 16 * x.rows, 4);
    context.run(ceil_div(panels, each), [&](Index chunk, int) {
      training_table(context).pack_columns(context, x, chunk * each, std::min(each, panels - chunk * each), packed);
    });
    task.x = packed, task.panel = 16 * x.rows, task.stride = 16;
  }
  float* const scratch = context.scratch.take<float>(threads * accumulate_floats);
  // Rows are cut into whole tiles, which comes out uneven; so wide rows are cut, too, into enough pieces that threads end together.
  const Index tall = ceil_div(dw.rows, accumulate_rows), wanted = 32 * threads;  // no block
  const Index widths = std::clamp<Index>(ceil_div(wanted, tall), 1, std::max<Index>(1, panels / 16));
  const Index heights = widths >= threads ? tall : threads * ceil_div(dw.rows, threads * accumulate_rows);
  const Index rows = round_up(ceil_div(dw.rows, heights), 6), width = round_up(ceil_div(panels, widths), 4), across = ceil_div(panels, width);
  context.run(ceil_div(dw.rows, rows) * across, [&](Index chunk, int worker) {
    const Index row = chunk / across * rows, first = chunk % across * width;
    training_table(context).accumulate_chunk(context, task, row, std::min(rows, dw.rows - row), first, std::min(width, panels - first),
                                             scratch + worker * accumulate_floats);
  });
}

}  // namespace tfm::inline TFM_ABI
