#pragma once
// Rows of memory: filled, copied, taken by their numbers, and those of a weight's table.
#include <cstdint>
#include <span>

#include "tfm/kernels/dispatch.hpp"
#include "tfm/kernels/matmul.hpp"

namespace tfm::inline TFM_ABI::kernels {

/// Row t of y = row rows[t] of x.
inline void take_rows(Context& context, View x, const Index* rows, MutableView y) noexcept {
  by_rows(context, y.rows, y.cols, [&](Index first, Index count) { table(context).take_rows(context, x, rows + first, y.slice(first, count)); });
}
/// Row rows[t] of y = row t of x; the other rows stay. No row is named twice.
inline void put_rows(Context& context, View x, const Index* rows, MutableView y) noexcept {
  by_rows(context, x.rows, x.cols, [&](Index first, Index count) { table(context).put_rows(context, x.slice(first, count), rows + first, y); });
}

/// Row t of y = row ids[t] of w [vocabulary, dim], dequantised: an embedding. Any Weight; a user's own format is asked for its rows.
template <class W>
void weight_rows(Context& context, const W& w, std::span<const std::int32_t> ids, MutableView y) noexcept {
  by_rows(context, y.rows, 8 * y.cols, [&](Index first, Index count) {
    if constexpr (requires { as_product(w, y); }) {
      const Product weight = as_product(w, y);
      table(context).weight_rows(context, weight.w, weight.row_major, ids.data() + first, y.slice(first, count));
    } else {
      for (Index t = first; t < first + count; ++t) row(w, ids[to_size(t)], y.row(t));
    }
  });
}

}  // namespace tfm::inline TFM_ABI::kernels
