#pragma once
// DataType: how the numbers of a tensor are stored in a file, whether or not tfm computes with them: the same table as Format's.
#include <optional>

#include "tfm/numeric/format_table.hpp"

namespace tfm::inline TFM_ABI {

using DataType = Format;

/// The number format in which tfm computes with a weight of this type, if there is one. (Int8 is none of them: its
/// scales are a tensor of their own; see weight_format().)
constexpr std::optional<Format> format_of(DataType type) noexcept {
  return is_computed(type) && !has_row_scales(type) ? std::optional(type) : std::nullopt;
}

}  // namespace tfm::inline TFM_ABI
