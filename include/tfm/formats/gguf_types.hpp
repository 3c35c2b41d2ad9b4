#pragma once
// The types of GGUF: of its metadata values, and of its tensors (ggml's), with their numbers in the file.
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "tfm/formats/data_type.hpp"

namespace tfm::inline TFM_ABI {

/// What a metadata value is.
enum class GgufType : std::uint32_t { u8, i8, u16, i16, u32, i32, f32, boolean, text, array, u64, i64, f64 };
inline constexpr std::uint32_t gguf_type_count = 13;

constexpr std::string_view name(GgufType type) noexcept {
  constexpr std::array<std::string_view, gguf_type_count> names{
      "u8", "i8", "u16", "i16", "u32", "i32", "f32", "boolean", "string", "array", "u64", "i64", "f64"};
  return names[static_cast<std::size_t>(type)];
}

/// Bytes of one value; 0 where they vary (a string, an array).
constexpr std::size_t bytes_of(GgufType type) noexcept {
  constexpr std::array<std::size_t, gguf_type_count> bytes{1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};
  return bytes[static_cast<std::size_t>(type)];
}

/// A type of tensors: `block` values along a row take `bytes`.
struct GgmlType {
  std::uint32_t number;
  std::string_view name;
  DataType type;
  Index block, bytes;
};

/// All types that ggml knows by now. The numbers between them were types that ggml has given up.
inline constexpr std::array<GgmlType, 34> ggml_types{{
    {0, "F32", DataType::f32, 1, 4},
    {1, "F16", DataType::f16, 1, 2},
    {2, "Q4_0", DataType::q4_0, 32, 18},
    {3, "Q4_1", DataType::q4_1, 32, 20},
    {6, "Q5_0", DataType::other, 32, 22},
    {7, "Q5_1", DataType::other, 32, 24},
    {8, "Q8_0", DataType::q8_0, 32, 34},
    {9, "Q8_1", DataType::other, 32, 36},
    {10, "Q2_K", DataType::other, 256, 84},
    {11, "Q3_K", DataType::other, 256, 110},
    {12, "Q4_K", DataType::other, 256, 144},
    {13, "Q5_K", DataType::other, 256, 176},
    {14, "Q6_K", DataType::other, 256, 210},
    {15, "Q8_K", DataType::other, 256, 292},
    {16, "IQ2_XXS", DataType::other, 256, 66},
    {17, "IQ2_XS", DataType::other, 256, 74},
    {18, "IQ3_XXS", DataType::other, 256, 98},
    {19, "IQ1_S", DataType::other, 256, 50},
    {20, "IQ4_NL", DataType::other, 32, 18},
    {21, "IQ3_S", DataType::other, 256, 110},
    {22, "IQ2_S", DataType::other, 256, 82},
    {23, "IQ4_XS", DataType::other, 256, 136},
    {24, "I8", DataType::i8, 1, 1},
    {25, "I16", DataType::i16, 1, 2},
    {26, "I32", DataType::i32, 1, 4},
    {27, "I64", DataType::i64, 1, 8},
    {28, "F64", DataType::f64, 1, 8},
    {29, "IQ1_M", DataType::other, 256, 56},
    {30, "BF16", DataType::bf16, 1, 2},
    {34, "TQ1_0", DataType::other, 256, 54},
    {35, "TQ2_0", DataType::other, 256, 66},
    {39, "MXFP4", DataType::other, 32, 17},
    {40, "NVFP4", DataType::other, 64, 36},
    {41, "Q1_0", DataType::other, 128, 18},
}};

/// The type with a number, or with a name; null where ggml has none.
constexpr const GgmlType* find_ggml_type(std::uint32_t number) noexcept {
  for (const auto& type : ggml_types)
    if (type.number == number) return &type;
  return nullptr;
}
constexpr const GgmlType* find_ggml_type(std::string_view name) noexcept {
  for (const auto& type : ggml_types)
    if (type.name == name) return &type;
  return nullptr;
}

/// The bytes of a tensor of a type, whose rows are whole blocks; nothing where no file could be so large.
constexpr std::optional<Index> bytes_of(const GgmlType& type, std::span<const Index> shape) noexcept {
  Index values = 1, bytes = 0;
  for (const Index dim : shape)
    if (dim == 0) return 0;
  for (const Index dim : shape)
    if (__builtin_mul_overflow(values, dim, &values)) return std::nullopt;
  if (__builtin_mul_overflow(values / type.block, type.bytes, &bytes)) return std::nullopt;
  return bytes;
}

}  // namespace tfm::inline TFM_ABI
