#pragma once
// Hugging Face folders whose weights somebody has quantised: bitsandbytes' int8 is read, the others are refused by name.
#include <string>
#include <string_view>

#include "tfm/formats/json.hpp"
#include "tfm/formats/tensor_store.hpp"

namespace tfm::inline TFM_ABI {

namespace detail {

inline constexpr std::string_view read_instead =
    ", which is not read: take the model that it was made from, in F32, F16 or BF16, or in bitsandbytes' int8 (load_in_8bit), or a GGUF file of it "
    "in Q8_0, Q6_K or Q4_K_M";

/// Whether `quantised`, a config.json's quantization_config, is of bitsandbytes' int8. LoadError that names any other method. Versions
/// of transformers before 4.33 did not write the method, and knew bitsandbytes alone.
bool is_bitsandbytes_int8(const Json& quantised);

/// Refuses tensors that only a quantised model has, by their names, whatever config.json says. Errors: LoadError.
void refuse_quantised_tensors(const TensorStore& store);

}  // namespace detail

}  // namespace tfm::inline TFM_ABI

#if defined(TFM_DEFINITIONS)
#include "tfm/checkpoint/quantised_folder.inl"
#endif
