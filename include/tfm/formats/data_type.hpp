#pragma once
// DataType: how the numbers of a tensor are stored in a file, whether or not tfm computes with them: the same table as Format's.
#include <cstdint>
#include <optional>

#include "tfm/numeric/format_table.hpp"

namespace tfm::inline TFM_ABI {

using DataType = Format;

/// What files call numbers of a C++ type.
template <class T>
inline constexpr DataType data_type_of = [] {
  static_assert(sizeof(T) == 0, "tfm: no type of tensors in files is asked for by this C++ type");
  return DataType{};
}();
template <>
inline constexpr DataType data_type_of<float> = DataType::f32;
template <>
inline constexpr DataType data_type_of<std::uint8_t> = DataType::u8;

/// The number format in which tfm computes with a weight of this type, if there is one. (Int8 is none of them: its
/// scales are a tensor of their own; see weight_format().)
constexpr std::optional<Format> format_of(DataType type) noexcept {
  return is_computed(type) && !has_row_scales(type) ? std::optional(type) : std::nullopt;
}

}  // namespace tfm::inline TFM_ABI
