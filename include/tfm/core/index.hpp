#pragma once
// Index, the one integer type for sizes and positions, and the arithmetic on sizes that everybody needs.
#include <cstddef>

#include "tfm/core/config.hpp"

namespace tfm::inline TFM_ABI {

/// A size, a row, a column, a position: signed, so that differences are ordinary numbers.
using Index = std::ptrdiff_t;

inline constexpr Index KiB = 1024, MiB = 1024 * KiB, GiB = 1024 * MiB;

/// The smallest whole number of pieces of size `piece` that holds n.
constexpr Index ceil_div(Index n, Index piece) noexcept { return (n + piece - 1) / piece; }

/// n rounded up to a multiple of `piece`.
constexpr Index round_up(Index n, Index piece) noexcept { return ceil_div(n, piece) * piece; }

/// What a container's size() or operator[] wants.
constexpr std::size_t to_size(Index n) noexcept { return static_cast<std::size_t>(n); }

}  // namespace tfm::inline TFM_ABI
