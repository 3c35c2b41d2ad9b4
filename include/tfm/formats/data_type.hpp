#pragma once
// DataType: how the numbers of a tensor are stored in a file, whether or not tfm computes with them.
#include <array>
#include <optional>
#include <string_view>

#include "tfm/core/index.hpp"
#include "tfm/numeric/format.hpp"

namespace tfm::inline TFM_ABI {

/// The types that readers tell apart. A tensor of any other known type is `other`, and its `type_name` says which.
enum class DataType : unsigned char { f64, f32, f16, bf16, i64, i32, i16, i8, u8, boolean, q8_0, q4_0, q4_1, other };
inline constexpr int data_type_count = 14;

constexpr std::string_view name(DataType type) noexcept {
  constexpr std::array<std::string_view, data_type_count> names{"F64", "F32", "F16",  "BF16", "I64",  "I32",  "I16",
                                                                "I8",  "U8",  "BOOL", "Q8_0", "Q4_0", "Q4_1", "other"};
  return names[static_cast<std::size_t>(type)];
}

/// Values in a block of the type; 1 where there are no blocks. Not for `other`.
constexpr Index block_size(DataType type) noexcept {
  return type == DataType::q8_0 || type == DataType::q4_0 || type == DataType::q4_1 ? 32 : 1;
}

/// Bytes of one block. Not for `other`.
constexpr Index block_bytes(DataType type) noexcept {
  constexpr std::array<Index, data_type_count> bytes{8, 4, 2, 2, 8, 4, 2, 1, 1, 1, 34, 18, 20, 0};
  return bytes[static_cast<std::size_t>(type)];
}

/// The number format in which tfm computes with a weight of this type, if there is one. (Int8 is none of them: its
/// scales are a tensor of their own.)
constexpr std::optional<Format> format_of(DataType type) noexcept {
  switch (type) {
    case DataType::f32: return Format::f32;
    case DataType::bf16: return Format::bf16;
    case DataType::f16: return Format::f16;
    case DataType::q8_0: return Format::q8_0;
    case DataType::q4_0: return Format::q4_0;
    case DataType::q4_1: return Format::q4_1;
    default: return std::nullopt;
  }
}

}  // namespace tfm::inline TFM_ABI
