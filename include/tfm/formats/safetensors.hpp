#pragma once
// safetensors (github.com/huggingface/safetensors): reading a file, or a model in several files with their index.
#include <array>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "tfm/formats/json.hpp"
#include "tfm/formats/tensor_index.hpp"
#include "tfm/formats/tensor_store.hpp"

namespace tfm::inline TFM_ABI {

namespace detail {

struct SafetensorsType {
  std::string_view name;
  DataType type;
  Index bits;
};
/// All types of the format. Those of 4 and 6 bits have no bytes of their own.
inline constexpr std::array<SafetensorsType, 21> safetensors_types{{
    {"F32", DataType::f32, 32},      {"F16", DataType::f16, 16},      {"BF16", DataType::bf16, 16},
    {"F64", DataType::f64, 64},      {"I64", DataType::i64, 64},      {"I32", DataType::i32, 32},
    {"I16", DataType::i16, 16},      {"I8", DataType::i8, 8},         {"U8", DataType::u8, 8},
    {"BOOL", DataType::boolean, 8},  {"U16", DataType::other, 16},    {"U32", DataType::other, 32},
    {"U64", DataType::other, 64},    {"C64", DataType::other, 64},    {"F8_E5M2", DataType::other, 8},
    {"F8_E4M3", DataType::other, 8}, {"F8_E8M0", DataType::other, 8}, {"F4", DataType::other, 4},
    {"F6_E2M3", DataType::other, 6}, {"F6_E3M2", DataType::other, 6}, {"F8_E4M3FNUZ", DataType::other, 8},
}};

}  // namespace detail

/// Reads a source. The tensors are in the order of their bytes; the metadata is the file's `__metadata__`. Throws
/// LoadError for whatever the format's description forbids: among others overlaps, holes, and bytes that belong to no
/// tensor.
TensorStore read_safetensors(TensorSource source);

/// Reads the file at `path`, which is mapped.
TensorStore read_safetensors(const std::filesystem::path& path);

/// Reads bytes that the caller keeps alive; `file` is their name in messages.
TensorStore read_safetensors(std::span<const std::byte> bytes, std::string file);

/// Reads a folder's model: `stem`.safetensors, or where that is not there the files of `stem`.safetensors.index.json.
TensorStore read_safetensors_folder(const std::filesystem::path& folder, std::string_view stem = "model");

}  // namespace tfm::inline TFM_ABI

#if defined(TFM_DEFINITIONS)
#include "tfm/formats/safetensors.inl"
#endif
