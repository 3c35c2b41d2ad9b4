#pragma once
// save_llama: any Llama as a Hugging Face folder of its family: config.json, model.safetensors, and the tokenizer of where it
// came from.
#include <algorithm>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tfm/checkpoint/families.hpp"
#include "tfm/checkpoint/save_tokenizer.hpp"
#include "tfm/checkpoint/shape_agreement.hpp"
#include "tfm/core/progress.hpp"
#include "tfm/formats/json_writer.hpp"
#include "tfm/formats/safetensors_writer.hpp"
#include "tfm/layers/visit.hpp"
#include "tfm/models/causal_model.hpp"
#include "tfm/models/llama_shapes.hpp"
#include "tfm/numeric/rows.hpp"

namespace tfm::inline TFM_ABI {

struct SaveLlamaOptions {
  Format format = Format::f32;             ///< of every tensor: F32, BF16 or F16; what is quantised is dequantised
  /// Of one tensor by the name of the model's weight, the first of several that are one tensor; none, or where it gives none: `format`.
  std::function<std::optional<Format>(std::string_view)> format_of{};
  std::filesystem::path tokenizer_of{};    ///< the checkpoint whose tokenizer goes with it: folder or GGUF file; empty: none does
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

/// A tensor that save_llama writes, without its bytes, and the weights that it is made of: their rows one below the other, or their
/// values one behind the other.
struct SavedTensor {
  Tensor tensor;
  std::vector<std::pair<std::string, WeightInfo>> parts;
};
template <class Model>
std::vector<SavedTensor> saved_tensors(const Model& model, const SaveLlamaOptions& options) {
  const Family& family = family_named(family_of(model.shape));
  std::vector<SavedTensor> tensors;
  visit_weights(model, "", [&](const std::string& name, const auto&, const WeightInfo& info) {
    std::string stored = stored_weight_name(family, Convention::hugging_face, name);
    const auto same = std::find_if(tensors.rbegin(), tensors.rend(), [&](const SavedTensor& t) { return t.tensor.name == stored; });
    if (same != tensors.rend()) {
      same->tensor.shape.front() += info.is_vector() ? info.cols : info.rows;
      same->parts.emplace_back(name, info);
      return;
    }
    const Format format = (options.format_of ? options.format_of(name) : std::nullopt).value_or(options.format);
    if (!in_torch(format))
      raise<OptionError>({"tfm: a Hugging Face folder's tensors are ", format_names(in_torch), ", found ", tfm::name(format)});
    Tensor tensor;
    tensor.name = std::move(stored);
    tensor.type = format;
    if (info.is_vector()) tensor.shape = {info.cols};
    else tensor.shape = {info.rows, info.cols};
    tensors.push_back({std::move(tensor), {{name, info}}});
  });
  return tensors;
}
Index saved_bytes(const std::vector<SavedTensor>& tensors);

}  // namespace detail

/// Bytes of the tensors that save_llama would write.
template <class Model>
Index saved_llama_bytes(const Model& model, const SaveLlamaOptions& options = {}) {
  return detail::saved_bytes(detail::saved_tensors(model, options));
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
  const std::vector<detail::SavedTensor> saved = detail::saved_tensors(model, options);
  const Index total = detail::saved_bytes(saved);
  std::map<std::string_view, std::function<void(Index, float*)>> rows;  // by the weight's name: one row of it
  std::vector<Tensor> tensors;
  std::map<std::string_view, const detail::SavedTensor*> by_name;
  for (const detail::SavedTensor& each : saved) {
    tensors.push_back(each.tensor);
    by_name[each.tensor.name] = &each;
    for (const auto& [name, info] : each.parts) rows[name];
  }
  const bool less_one = family_named(family_of(model.shape)).norms_less_one;
  visit_weights(model, "", [&](const std::string& name, const auto& weight, const WeightInfo& info) {
    const bool lessened = less_one && info.role == WeightRole::norm;
    rows.at(name) = [&weight, cols = lessened ? info.cols : 0](Index r, float* out) {
      row(weight, r, out);
      for (Index i = 0; i < cols; ++i) out[i] -= 1;
    };
  });

  std::error_code failed;
  std::filesystem::create_directories(folder, failed);
  if (failed) raise(LoadError("tfm: cannot make the folder " + folder.string() + ": " + failed.message()));
  SavedTokenizer tokenizer;
  if (!options.tokenizer_of.empty()) tokenizer = save_tokenizer(options.tokenizer_of, folder, model.shape.vocab);
  std::vector<std::byte> bytes;
  Index done = 0;
  write_safetensors(folder / "model.safetensors", tensors, {{"format", "pt"}}, [&](const Tensor& tensor) -> std::span<const std::byte> {
    const Format format = tensor.type;
    Index at = 0;
    bytes.clear();
    for (const auto& [name, info] : by_name.at(tensor.name)->parts) {
      const Index cols = info.cols, row_size = row_bytes(format, cols);
      const auto& read = rows.at(name);
      bytes.resize(to_size(at + info.rows * row_size));
      context.run(info.rows, [&](Index r, int) {
        std::vector<float> floats(to_size(cols));
        read(r, floats.data());
        quantise_row(format, floats.data(), cols, bytes.data() + at + r * row_size);
      });
      at += info.rows * row_size;
    }
    if (context.stop.stop_requested()) raise(Stopped());
    done += static_cast<Index>(bytes.size());
    if (options.progress) options.progress({"writing", done, total});
    return bytes;
  });
  write_file(folder / "config.json", bytes_of(detail::config_text(dynamic_shape(model.shape), scaling, options.format, tokenizer.special)));
  return tokenizer.notes;
}

}  // namespace tfm::inline TFM_ABI

#if defined(TFM_COMPILED) && (defined(TFM_COMPILED_TRAINING) || !defined(TFM_DEFINITIONS))
#include "tfm/models/any_model.hpp"

namespace tfm::inline TFM_ABI {
TFM_EXTERN_TRAINING template std::vector<std::string> save_llama(Context&, const AnyLlama&, const std::filesystem::path&, const SaveLlamaOptions&);
TFM_EXTERN_TRAINING template std::vector<std::string> save_llama(Context&, const AnyModel&, const std::filesystem::path&, const SaveLlamaOptions&);
}  // namespace tfm::inline TFM_ABI
#endif

#if defined(TFM_DEFINITIONS)
#include "tfm/checkpoint/save_llama.inl"
#endif
