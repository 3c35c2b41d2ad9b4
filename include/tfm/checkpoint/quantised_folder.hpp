#pragma once
// Hugging Face folders whose weights somebody has quantised: bitsandbytes' int8 is read, the others are refused by name.
#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "tfm/formats/json.hpp"
#include "tfm/formats/tensor_store.hpp"

namespace tfm::inline TFM_ABI {

namespace detail {

inline constexpr std::string_view read_instead =
    ", which is not read: take the model that it was made from, in F32, F16 or BF16, or in bitsandbytes' int8 (load_in_8bit), or a GGUF file of it "
    "in Q8_0, Q4_0 or Q4_1";

/// "GPTQ" for 'gptq'; a method that is not known keeps its own name.
inline std::string quantisation_name(std::string_view method) {
  using Pair = std::pair<std::string_view, std::string_view>;
  constexpr std::array<Pair, 13> known{{{"gptq", "GPTQ"}, {"awq", "AWQ"}, {"hqq", "HQQ"}, {"fp8", "FP8"}, {"fbgemm_fp8", "FP8"}, {"mxfp4", "MXFP4"},
                                        {"compressed-tensors", "compressed-tensors"}, {"aqlm", "AQLM"}, {"eetq", "EETQ"}, {"quanto", "Quanto"},
                                        {"torchao", "torchao"}, {"bitnet", "BitNet"}, {"auto-round", "AutoRound"}}};
  const auto found = std::find_if(known.begin(), known.end(), [&](const Pair& pair) { return pair.first == method; });
  return found == known.end() ? in_quotes(method) : std::string(found->second);
}

/// Whether `quantised`, a config.json's quantization_config, is of bitsandbytes' int8. LoadError that names any other method. Versions
/// of transformers before 4.33 did not write the method, and knew bitsandbytes alone.
inline bool is_bitsandbytes_int8(const Json& quantised) {
  const auto says = [&](std::string_view key) {
    const auto value = quantised.find_value(key);
    return value && value->boolean();
  };
  const auto method = quantised.find_value("quant_method");
  if (method && method->text() != "bitsandbytes") method->refuse({"the weights are quantised by ", quantisation_name(method->text()), read_instead});
  if (says("load_in_4bit")) {
    const auto type = quantised.find_value("bnb_4bit_quant_type");
    quantised.refuse({"the weights are in 4 bits by bitsandbytes (", type ? printable(type->text(), 20) : "load_in_4bit", ")", read_instead});
  }
  if (!says("load_in_8bit")) {
    const std::string_view by = method ? "the weights are quantised by bitsandbytes, without load_in_8bit" : "the weights are quantised, and no quant_method says how";
    quantised.refuse({by, read_instead});
  }
  return true;
}

/// Refuses tensors that only a quantised model has, by their names, whatever config.json says. Errors: LoadError.
inline void refuse_quantised_tensors(const TensorStore& store) {
  using Pair = std::pair<std::string_view, std::string_view>;
  constexpr std::array<Pair, 8> kinds{{{".qweight", "GPTQ or AWQ"}, {".qzeros", "GPTQ or AWQ"}, {".weight.absmax", "bitsandbytes in 4 bits"},
                                       {".weight.quant_map", "bitsandbytes in 4 bits"}, {".weight_packed", "compressed-tensors"},
                                       {".weight_scale_inv", "FP8"}, {".weight_scale", "FP8 or compressed-tensors"}, {".W_q", "HQQ"}}};
  for (const Tensor& tensor : store.tensors())
    for (const auto& [end, kind] : kinds)
      if (std::string_view(tensor.name).ends_with(end))
        fail(store.file_of(tensor), {"tensor ", in_quotes(tensor.name), " is of a model that is quantised by ", kind, read_instead});
}

}  // namespace detail

}  // namespace tfm::inline TFM_ABI
