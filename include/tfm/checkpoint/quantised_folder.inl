// What quantised_folder.hpp declares.
#include <algorithm>
#include <array>
#include <utility>

namespace tfm::inline TFM_ABI {

namespace detail {

/// "GPTQ" for 'gptq'; a method that is not known keeps its own name.
TFM_INLINE std::string quantisation_name(std::string_view method) {
  using Pair = std::pair<std::string_view, std::string_view>;
  constexpr std::array<Pair, 13> known{{{"gptq", "GPTQ"}, {"awq", "AWQ"}, {"hqq", "HQQ"}, {"fp8", "FP8"}, {"fbgemm_fp8", "FP8"}, {"mxfp4", "MXFP4"},
                                        {"compressed-tensors", "compressed-tensors"}, {"aqlm", "AQLM"}, {"eetq", "EETQ"}, {"quanto", "Quanto"},
                                        {"torchao", "torchao"}, {"bitnet", "BitNet"}, {"auto-round", "AutoRound"}}};
  const auto found = std::find_if(known.begin(), known.end(), [&](const Pair& pair) { return pair.first == method; });
  return found == known.end() ? in_quotes(method) : std::string(found->second);
}

TFM_INLINE bool is_bitsandbytes_int8(const Json& quantised) {
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

TFM_INLINE void refuse_quantised_tensors(const TensorStore& store) {
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
