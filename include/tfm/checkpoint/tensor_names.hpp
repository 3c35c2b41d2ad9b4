#pragma once
// How the tensors of a Hugging Face folder are named, and what their names say of the program that wrote them.
#include <array>
#include <string_view>

#include "tfm/checkpoint/weight_source.hpp"

namespace tfm::inline TFM_ABI {

namespace detail {

/// What stands in front of a name when a model is saved together with what is wrapped around it, and how to save it without.
struct NamePrefix {
  std::string_view text, by, instead;
};
inline constexpr std::array<NamePrefix, 4> name_prefixes{
    {{"_orig_mod.", "torch.compile", "save the model's _orig_mod"},
     {"module.", "DataParallel, DistributedDataParallel or DeepSpeed", "save the model's module"},
     {"base_model.model.", "PEFT", "save what its merge_and_unload() gives, or its adapter by save_pretrained and the base apart"},
     {"_fsdp_wrapped_module.", "FullyShardedDataParallel", "save its full state dict"}}};

/// By which of Hugging Face's conventions a folder's tensors are named; `wrapped`: they may be those of a model that reads pictures, too. Errors: LoadError for names of which more stands in front than
/// either has, and for those of Meta's own files.
Convention folder_convention(const TensorStore& store, bool wrapped);

}  // namespace detail

}  // namespace tfm::inline TFM_ABI

#if defined(TFM_DEFINITIONS)
#include "tfm/checkpoint/tensor_names.inl"
#endif
