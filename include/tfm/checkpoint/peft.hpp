#pragma once
// LoRA adapters as PEFT's folders: adapter_config.json beside adapter_model.safetensors (or, to be read, .bin). A GGUF file is read too.
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tfm/checkpoint/gguf_adapter.hpp"
#include "tfm/checkpoint/peft_layers.hpp"
#include "tfm/checkpoint/peft_config.hpp"
#include "tfm/formats/safetensors_writer.hpp"
#include "tfm/layers/lora_slots.hpp"
#include "tfm/numeric/rows.hpp"

namespace tfm::inline TFM_ABI {
namespace peft {

/// How an adapter is written.
struct SaveOptions {
  BaseIdentity base{};       ///< kept beside it in tfm_adapter.json; empty: there is no such file
  bool rslora = false;       ///< the adapter's scaling is alpha / sqrt(r)
  std::string base_model{};  ///< base_model_name_or_path, by which PEFT finds the base
};

namespace detail {

inline constexpr const char *config_file = "adapter_config.json", *tensor_file = "adapter_model.safetensors",
                            *torch_file = "adapter_model.bin", *identity_file = "tfm_adapter.json";

/// PEFT's name of a layer's A or B.
std::string tensor_name(const std::string& layer, char which);

/// How a file calls a layer "model.layers.0.…": so, or, where the adapter was trained over a LlamaModel alone, without "model.". LoadError
/// for names that are not PEFT's, in the file's own words.
std::string name_in_file(const TensorStore& store, const std::string& layer);

BaseIdentity read_identity(const std::filesystem::path& path);
std::string identity_text(const BaseIdentity& identity);

/// The number of the layer in "model.layers.3.mlp.up_proj"; -1: there is none.
Index layer_number(std::string_view name);

/// Which of a model's layers are adapted; what the configuration names and the model lacks is refused.
struct Targets {
  std::vector<std::string> names;  // by slot, as files have them; empty: not adapted

  template <class Model>
  Targets(const Model& model, const LoraConfig& config, const std::string& file) {
    std::set<std::string_view> unused(config.targets.begin(), config.targets.end());
    std::set<Index> layers(config.layers.begin(), config.layers.end()), without(layers);
    for (const auto& [name, first, rows] : stored_layers(model)) {
      bool chosen = config.targets.empty();
      for (const std::string& target : config.targets)
        if (LoraConfig::ends_as(name, target)) chosen = true, unused.erase(target);
      without.erase(layer_number(name));
      names.push_back(chosen && (layers.empty() || layers.contains(layer_number(name))) ? name : "");
    }
    const auto refuse = [&](const std::string& what) { raise(LoadError("tfm: " + file + ": " + what)); };
    if (!unused.empty())
      refuse("'target_modules' names " + in_quotes(*unused.begin()) + ", which is no layer of the model that can carry adapters");
    if (!without.empty())
      refuse("'layers_to_transform' names layer " + std::to_string(*without.begin()) + ", which the model does not have");
  }
};

}  // namespace detail

/// Reads the adapter in `folder`, or the GGUF file that it is, for `model`. Its pairs are at the slots of the model's layers; number_lora_slots has given
/// these when the model was loaded. Errors: LoadError, ShapeError: for what adapter_config.json asks and tfm does not have,
/// an adapter for another base, and a tensor that is missing, empty, not finite, of another shape or type, or that no
/// adapted layer has.
template <class Model>
LoadedAdapter load(const std::filesystem::path& folder, const Model& model, const LoadOptions& options = {}) {
  const auto file = [&](const char* name) { return folder / name; };
  std::error_code absent;
  if (folder.extension() == ".gguf") return load_gguf(folder, model, options);
  if (std::filesystem::is_regular_file(folder, absent))
    raise<LoadError>({"tfm: ", folder.string(), ": this is a file, expected PEFT's folder (adapter_config.json, adapter_model.safetensors) or a GGUF "
                      "file, whose name ends in .gguf"});
  LoadedAdapter loaded;
  loaded.config = read_config(read_json(file(detail::config_file), python_json));
  const detail::Targets targets(model, loaded.config, file(detail::config_file).string());
  const std::vector<detail::StoredLayer> stored = detail::stored_layers(model);
  if (tfm::detail::has_file(folder, detail::identity_file)) loaded.base = detail::read_identity(file(detail::identity_file));
  detail::compare_bases(loaded, options, file(detail::identity_file).string());

  const bool torch = !tfm::detail::has_file(folder, detail::tensor_file) &&
                     tfm::detail::has_file(folder, detail::torch_file);
  if (torch && !options.read_bin)
    raise(LoadError("tfm: " + file(detail::torch_file).string() + ": no reader for PyTorch's files is given: include "
                    "<tfm/formats/torch_zip.hpp> and set peft::LoadOptions::read_bin to tfm::read_torch"));
  const TensorStore store = torch ? options.read_bin(file(detail::torch_file)) : read_safetensors(file(detail::tensor_file));
  if (store.tensors().empty())
    raise(LoadError("tfm: " + store.file() + ": the adapter is empty: found no tensor; nothing that was trained is in this file"));

  std::vector<LoraPair> pairs(targets.names.size());
  std::set<const Tensor*> used;
  bool changes = false;
  visit_lora_layers(model, "", [&](const std::string& own, const auto& layer) {
    const std::string& name = targets.names[to_size(layer.adapter_slot())];
    if (name.empty()) return;
    const Index rank = loaded.config.rank_of(name), in = layer.base_weight().cols();
    const auto& [whole, first, out] = stored[to_size(layer.adapter_slot())];
    LoraPair& pair = pairs[to_size(layer.adapter_slot())];
    const std::string in_file = detail::name_in_file(store, name);
    pair.a = detail::read_matrix(store, detail::tensor_name(in_file, 'A'), rank, in);
    pair.b = detail::rows_of(detail::read_matrix(store, detail::tensor_name(in_file, 'B'), out, rank), first, layer.base_weight().rows());
    pair.scaling = loaded.config.scaling_of(name);
    pair.name = own;
    for (const char which : {'A', 'B'}) used.insert(store.find(detail::tensor_name(in_file, which)));
    const View b = pair.b.view();
    changes = changes || std::any_of(b.data, b.data + b.size(), [](float x) { return x != 0; });
  });
  for (const Tensor& tensor : store.tensors())
    if (!used.contains(&tensor))
      raise(LoadError("tfm: " + store.file_of(tensor) + ": tensor " + in_quotes(tensor.name) +
                      " belongs to no layer that adapter_config.json names, expected none such"));
  if (!changes) loaded.notes.push_back("every B of the adapter is zero: it changes nothing");
  loaded.adapter = Adapter(std::move(pairs));
  loaded.adapter.dropout = static_cast<float>(loaded.config.dropout);
  return loaded;
}

namespace detail {

/// A number near `value` with as few decimals as `fits` allows; `value` itself where none does.
template <class F>
double shortest(double value, F&& fits) {
  for (double parts = 1; parts <= 1e9; parts *= 10)
    if (const double rounded = std::round(value * parts) / parts; fits(rounded)) return rounded;
  return value;
}

/// What describes an adapter whose layers all have one rank and one scaling.
template <class Model>
LoraConfig config_of(const Adapter& adapter, const Model& model, const SaveOptions& options) {
  LoraConfig config;
  config.rslora = options.rslora;
  config.base_model = options.base_model;
  config.dropout = shortest(static_cast<double>(adapter.dropout),
                            [&](double x) { return static_cast<float>(x) == adapter.dropout; });
  std::set<std::string> touched, kinds, mixed;  // names; their last parts, and those of which some are untouched
  const LoraPair* first = nullptr;
  const StoredPairs pairs(adapter, model);
  for (const auto& [name, pair] : pairs.layers) {
    const std::string kind = name.substr(name.rfind('.') + 1);
    if (pair == nullptr) {
      mixed.insert(kind);
      continue;
    }
    if (first == nullptr) first = pair;
    if (pair->rank() != first->rank() || pair->scaling != first->scaling)
      raise(ShapeError("tfm: the adapter's layers differ in rank or scaling: " + name + " has rank " +
                       std::to_string(pair->rank()) + ", another " + std::to_string(first->rank()) +
                       "; expected one rank and one scaling"));
    touched.insert(name), kinds.insert(kind);
  }
  if (first == nullptr) raise(ShapeError("tfm: the adapter is empty: it has a pair for no layer of the model"));
  config.r = first->rank();
  const double by = config.rslora ? std::sqrt(static_cast<double>(config.r)) : static_cast<double>(config.r);
  config.alpha = shortest(static_cast<double>(first->scaling) * by,
                          [&](double x) { return static_cast<float>(x / by) == first->scaling; });
  for (const std::string& kind : kinds)
    if (!mixed.contains(kind)) config.targets.push_back(kind);
  for (const std::string& name : touched)
    if (mixed.contains(name.substr(name.rfind('.') + 1))) config.targets.push_back(name);
  return config;
}

bool same(View a, View b);

}  // namespace detail

/// Writes the adapter into `folder`, which is made if need be: what PEFT opens as it is, in float32. When it returns, the
/// files have been read again and hold the adapter bit for bit. Errors: ShapeError for an adapter that is empty, is not
/// this model's, or has several ranks or scalings; LoadError where a file cannot be written or does not hold what was
/// written. Layers that are one in files (Phi-3's qkv_proj) have one pair there: of one A, or of all of theirs below one another,
/// with B in blocks, which changes the weights by the same and is what load then gives.
template <class Model>
void save(const Adapter& adapter, const Model& model, const std::filesystem::path& folder, const SaveOptions& options = {}) {
  const LoraConfig config = detail::config_of(adapter, model, options);
  std::error_code failed;
  std::filesystem::create_directories(folder, failed);
  if (failed) raise(LoadError("tfm: cannot make the folder " + folder.string() + ": " + failed.message()));
  std::vector<Tensor> tensors;
  const detail::StoredPairs pairs(adapter, model);
  for (const auto& [name, pair] : pairs.layers) {
    if (pair == nullptr) continue;
    for (const auto& [which, matrix] : {std::pair('A', pair->a.view()), std::pair('B', pair->b.view())})
      tensors.push_back({detail::tensor_name(name, which), DataType::f32, "F32", {matrix.rows, matrix.cols},
                         std::as_bytes(std::span(matrix.data, to_size(matrix.size())))});
  }
  write_safetensors(folder / detail::tensor_file, tensors, {{"format", "pt"}});
  write_file(folder / detail::config_file, bytes_of(config_text(config)));
  if (options.base.base.empty()) std::filesystem::remove(folder / detail::identity_file, failed);
  else write_file(folder / detail::identity_file, bytes_of(detail::identity_text(options.base)));

  const LoadedAdapter read = load(folder, model, {.base = options.base});
  const std::vector<detail::StoredLayer> stored = detail::stored_layers(model);
  for (Index slot = 0; slot < read.adapter.size(); ++slot) {
    const detail::StoredLayer& layer = stored[to_size(slot)];
    const LoraPair* const pair = pairs.of(layer.name);
    const LoraPair& found = read.adapter[slot];
    const bool touched = pair != nullptr,
               equal = touched == read.adapter.touches(slot) &&
                       (!touched || (found.scaling == pair->scaling && detail::same(found.a.view(), pair->a.view()) &&
                                     detail::same(found.b.view(), pair->b.view().slice(layer.first, found.b.rows()))));
    if (!equal)
      raise(LoadError("tfm: " + (folder / detail::tensor_file).string() + ": what was read back is not what was written, in slot " +
                      std::to_string(slot) + " of the adapter"));
  }
}

}  // namespace peft
}  // namespace tfm::inline TFM_ABI

#if defined(TFM_EXTERN_TRAINING)
#include "tfm/models/any_model.hpp"

namespace tfm::inline TFM_ABI {
namespace peft {
TFM_EXTERN_TRAINING template LoadedAdapter load(const std::filesystem::path&, const AnyLlama&, const LoadOptions&);
TFM_EXTERN_TRAINING template LoadedAdapter load(const std::filesystem::path&, const AnyModel&, const LoadOptions&);
TFM_EXTERN_TRAINING template void save(const Adapter&, const AnyLlama&, const std::filesystem::path&, const SaveOptions&);
TFM_EXTERN_TRAINING template void save(const Adapter&, const AnyModel&, const std::filesystem::path&, const SaveOptions&);
}  // namespace peft
}  // namespace tfm::inline TFM_ABI
#endif

#if defined(TFM_DEFINITIONS)
#include "tfm/checkpoint/peft.inl"
#endif
