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

/// The format with a number of ggml's; nothing where ggml has none. (Numbers that are missing were types that ggml has given up.)
constexpr std::optional<Format> gguf_format(std::uint32_t number) noexcept {
  for (int i = 0; i < stored_format_count; ++i)
    if (const int own = gguf_number(static_cast<Format>(i)); own >= 0 && static_cast<std::uint32_t>(own) == number) return static_cast<Format>(i);
  return std::nullopt;
}

/// The bytes of a tensor of a type, whose rows are whole blocks; nothing where no file could be so large.
constexpr std::optional<Index> bytes_of(Format type, std::span<const Index> shape) noexcept {
  Index values = 1, bytes = 0;
  for (const Index dim : shape)
    if (dim == 0) return 0;
  for (const Index dim : shape)
    if (__builtin_mul_overflow(values, dim, &values)) return std::nullopt;
  if (__builtin_mul_overflow(values / block_size(type), block_bytes(type), &bytes)) return std::nullopt;
  return bytes;
}

}  // namespace tfm::inline TFM_ABI
