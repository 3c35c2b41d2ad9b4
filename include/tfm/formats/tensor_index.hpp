#pragma once
// A model in several files: the index (`model.safetensors.index.json`, `pytorch_model.bin.index.json`) beside them.
#include <filesystem>
#include <functional>

#include "tfm/formats/json.hpp"
#include "tfm/formats/tensor_store.hpp"

namespace tfm::inline TFM_ABI {

/// Reads one file of tensors.
using TensorReader = std::function<TensorStore(const std::filesystem::path&)>;

/// Reads the files that an index names, which lie beside it, each with `read`. Errors: LoadError, among others where a
/// tensor is not in the file that the index says, or in two files.
TensorStore read_tensor_index(const std::filesystem::path& path, const TensorReader& read);

}  // namespace tfm::inline TFM_ABI

#if defined(TFM_DEFINITIONS)
#include "tfm/formats/tensor_index.inl"
#endif
