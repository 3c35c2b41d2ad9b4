#pragma once
// What is done to weights and caches between runs, in the host's memory and without a context: all of it is here, so that layers and
// models touch no memory themselves.
#include <cstring>

#include "tfm/core/random.hpp"
#include "tfm/core/view.hpp"

namespace tfm::inline TFM_ABI::kernels {

/// Element i of y = width (u - 1/2), u in [0, 1) by (key, i) alone.
inline void uniform(MutableView y, RandomKey key, float width) noexcept {
  for (Index i = 0; i < y.size(); ++i) y.data[i] = width * (key.uniform(static_cast<std::uint64_t>(i)) - 0.5f);
}

/// y[first_row + r][first_col + k] = factor x[r][k].
inline void put_scaled(float factor, View x, MutableView y, Index first_row, Index first_col) noexcept {
  for (Index r = 0; r < x.rows; ++r)
    for (Index k = 0; k < x.cols; ++k) y.row(first_row + r)[first_col + k] = factor * x.row(r)[k];
}

/// Bytes of one place of a cache to another, which do not overlap.
inline void copy_bytes(const std::byte* from, std::byte* to, Index count) noexcept { std::memcpy(to, from, to_size(count)); }

}  // namespace tfm::inline TFM_ABI::kernels
