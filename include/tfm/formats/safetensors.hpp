#pragma once
// safetensors (github.com/huggingface/safetensors): reading a file, or a model in several files with their index.
#include <algorithm>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "tfm/formats/json.hpp"
#include "tfm/formats/tensor_index.hpp"
#include "tfm/formats/tensor_store.hpp"

namespace tfm::inline TFM_ABI {

namespace detail {

/// Bits of one value. Those of 4 and 6 have no bytes of their own.
inline Index safetensors_bits(DataType type) noexcept { return 8 * block_bytes(type) / block_size(type); }

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
