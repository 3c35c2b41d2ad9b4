#pragma once
// LoadedAdapter: a LoRA adapter out of a file, with what the file says of it.
#include <string>
#include <vector>

#include "tfm/checkpoint/base_identity.hpp"
#include "tfm/checkpoint/peft_config.hpp"
#include "tfm/layers/adapter.hpp"

namespace tfm::inline TFM_ABI {
namespace peft {

/// How an adapter is read.
struct LoadOptions {
  BaseIdentity base{};      ///< of the model that it is for; what is empty is not compared
  bool any_base = false;    ///< take an adapter that was made for another base; a note tells
  TensorReader read_bin{};  ///< reads adapter_model.bin: tfm::read_torch of formats/torch_zip.hpp
};

struct LoadedAdapter {
  Adapter adapter;
  LoraConfig config;
  BaseIdentity base;  ///< for which it was made; empty where nothing says
  std::vector<std::string> notes;
};

namespace detail {

/// Refuses an adapter for another base, by name.
void compare_bases(LoadedAdapter& loaded, const LoadOptions& options, const std::string& file);

/// A matrix of the file, in float32. ShapeError and LoadError name the tensor.
F32 read_matrix(const TensorStore& store, const std::string& name, Index rows, Index cols);

}  // namespace detail

}  // namespace peft
}  // namespace tfm::inline TFM_ABI

#if defined(TFM_DEFINITIONS)
#include "tfm/checkpoint/loaded_adapter.inl"
#endif
