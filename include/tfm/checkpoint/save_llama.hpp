#pragma once
// save_llama: any Llama as a Hugging Face folder of its family: config.json, model.safetensors or its shards, and the tokenizer of where it
// came from.
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tfm/checkpoint/families.hpp"
#include "tfm/checkpoint/save_tokenizer.hpp"
#include "tfm/checkpoint/shape_agreement.hpp"
#include "tfm/checkpoint/stored_rows.hpp"
#include "tfm/formats/json_writer.hpp"
#include "tfm/formats/safetensors_writer.hpp"
#include "tfm/models/causal_model.hpp"
#include "tfm/models/llama_shapes.hpp"

namespace tfm::inline TFM_ABI {

struct SaveLlamaOptions {
  Format format = Format::f32;             ///< of every tensor: F32, BF16 or F16; what is quantised is dequantised
  /// Of one tensor by the name of the model's weight, the first of several that are one tensor; none, or where it gives none: `format`.
  std::function<std::optional<Format>(std::string_view)> format_of{};
  std::filesystem::path tokenizer_of{};    ///< the checkpoint whose tokenizer goes with it: folder or GGUF file; empty: none does
  Index shard_bytes = 0;                   ///< of a file's tensors at most, or one tensor; 0: all are in model.safetensors
  ProgressCallback progress{};             ///< bytes that are written
};

namespace detail {

/// The scaling by which config.json gives the model's frequencies. GGUF files of Llama 3.1 and later say it as divisors, of which
/// the scalings that Meta published are known again. LoadError for others.
RopeScaling scaling_of(const DynamicLlamaShape& shape, const std::vector<float>& frequencies);

template <class Model>
RopeScaling scaling_of(const Model& model) {
  if constexpr (requires { model.frequencies; }) return scaling_of(dynamic_shape(model.shape), model.frequencies);
  else return model.with([](const auto& held) { return scaling_of(held); });
}

/// config.json, in words that transformers 4 and 5 both read.
std::string config_text(const DynamicLlamaShape& s, const RopeScaling& scaling, Format format, const SpecialTokens& special);

/// Whether PyTorch has tensors of a format that weights are computed in.
constexpr bool in_torch(Format format) noexcept { return is_computed(format) && !torch_name(format).empty(); }

/// Weights as the tensors of a folder. Errors: OptionError for a format that such a folder has not.
std::vector<WrittenTensor> folder_tensors(std::string_view family, std::vector<StoredRows> weights, const SaveLlamaOptions& options);

/// Writes a folder of such tensors; made if need be. What save_llama returns.
std::vector<std::string> save_folder(Context& context, const DynamicLlamaShape& shape, const RopeScaling& scaling,
                                     std::span<const WrittenTensor> tensors, const std::filesystem::path& folder, const SaveLlamaOptions& options);

}  // namespace detail

/// Bytes of the tensors that save_llama would write.
template <class Model>
Index saved_llama_bytes(const Model& model, const SaveLlamaOptions& options = {}) {
  return bytes_of(detail::folder_tensors(family_of(model.shape), stored_rows(model), options));
}

/// Writes the model into `folder`, which is made if need be: what load_llama and transformers open. Names, and the order of rotary
/// pairs, are Hugging Face's of the shape's family, whatever file the model came from. One tensor is in memory beside the model. What finetune merge does:
///   auto llama = tfm::load_llama(base);
///   auto loaded = tfm::peft::load(adapter, llama.model, …);
///   auto merged = tfm::clone(llama.model);
///   tfm::merge(context, merged, loaded.adapter);
///   tfm::compare_models(context, tfm::ComparedModel{llama.model, &loaded.adapter}, tfm::ComparedModel{merged}, ids);   // printed
///   for (const std::string& note : tfm::save_llama(context, merged, out, {.tokenizer_of = base})) …
/// Returns what is to be told. Errors: OptionError for another format, LoadError where a file cannot be written or config.json cannot
/// say the model's frequencies, TokenizerError, Stopped.
template <StoredCausalModel Model>
std::vector<std::string> save_llama(Context& context, const Model& model, const std::filesystem::path& folder, const SaveLlamaOptions& options = {}) {
  const RopeScaling scaling = detail::scaling_of(model);
  const std::vector<WrittenTensor> tensors = detail::folder_tensors(family_of(model.shape), stored_rows(model), options);
  return detail::save_folder(context, dynamic_shape(model.shape), scaling, tensors, folder, options);
}

}  // namespace tfm::inline TFM_ABI

#if defined(TFM_EXTERN_TRAINING)
#include "tfm/models/any_model.hpp"

namespace tfm::inline TFM_ABI {
TFM_EXTERN_TRAINING template std::vector<std::string> save_llama(Context&, const AnyLlama&, const std::filesystem::path&, const SaveLlamaOptions&);
TFM_EXTERN_TRAINING template std::vector<std::string> save_llama(Context&, const AnyModel&, const std::filesystem::path&, const SaveLlamaOptions&);
}  // namespace tfm::inline TFM_ABI
#endif

#if defined(TFM_DEFINITIONS)
#include "tfm/checkpoint/save_llama.inl"
#endif
