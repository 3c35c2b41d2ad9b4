#pragma once
// load_llama: a path, or bytes in memory, to a model that is ready to talk.
#include <algorithm>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "tfm/checkpoint/in_background.hpp"
#include "tfm/checkpoint/load_packed.hpp"
#include "tfm/checkpoint/load_weights.hpp"
#include "tfm/checkpoint/open_checkpoint.hpp"
#include "tfm/checkpoint/settle_chat.hpp"
#include "tfm/checkpoint/shape_agreement.hpp"
#include "tfm/generate/loaded.hpp"

namespace tfm::inline TFM_ABI {

namespace detail {

template <class Model>
auto model_shape(const DynamicLlamaShape& in_file) {
  using S = decltype(Model::shape);
  if constexpr (static_shape<S>) return S{};
  else return in_file;
}

/// Runs `work`. A Stopped that it throws keeps `half_done` alive: freeing a model of gigabytes takes some tenths of a
/// second, for which the exception does not wait.
template <class F>
void keep_when_stopped(std::shared_ptr<const void> half_done, F&& work) {
#if defined(__cpp_exceptions)
  try {
    work();
  } catch (const Stopped& stopped) {
    using Both = std::pair<std::shared_ptr<const void>, std::shared_ptr<const void>>;
    raise(Stopped(std::make_shared<const Both>(std::move(half_done), stopped.remains)));
  }
#else
  work();
#endif
}

/// What add_text adds, added beside the caller's work, or at once where it reads bytes that are the caller's.
std::shared_ptr<InBackground<OpenedCheckpoint>> read_beside(const Opening& opening);
void take_text(OpenedCheckpoint& opened, OpenedCheckpoint text);

/// `from_path`: nothing points into the caller's bytes.
template <class Model>
Loaded<Model> finish(Opening begun, const LoadOptions& options, bool from_path) {
  const auto opening = std::make_shared<Opening>(std::move(begun));
  OpenedCheckpoint& opened = opening->opened;
  check_packed_options(options, opened.tensors, from_path);
  WeightSource source(opened.tensors, opened.convention, *opened.family);
  for (Index layer = 0; layer < opened.shape.layers; ++layer) {  // as many as there are, before room is made for them
    const std::string name = "model.layers." + std::to_string(layer) + ".self_attn.o_proj.weight";
    if (source.find(name) == nullptr) opened.tensors.at(source.stored_name(name));
  }
  const auto shape = model_shape<Model>(opened.shape);
  require_shape(shape, opened.shape, opened.file, opened.tensors.find("rope_freqs.weight") != nullptr);
  const auto model = std::make_shared<Model>(shape);

  std::shared_ptr<InBackground<OpenedCheckpoint>> text;
  if (from_path) text = read_beside(*opening);
  else opening->add_text(opened);
  LoadOptions watched = options;
  watched.progress = [&](const Progress& progress) {
    if (text) text->rethrow();
    if (options.progress) options.progress(progress);
  };
  std::vector<std::string> packed_notes;
  const auto load_all = [&] {
    if (options.packed.empty()) load_weights(*model, source, watched);
    else packed_notes = load_packed_weights(*model, source, watched);
  };
  keep_when_stopped(text, [&] { keep_when_stopped(opening, [&] { keep_when_stopped(model, load_all); }); });
  if (text) take_text(opened, text->get());
  opened.notes.insert(opened.notes.end(), packed_notes.begin(), packed_notes.end());

  ChatSettings chat = settle_chat(opened.tokenizer, opened.jinja, opened.stop_tokens);
  opened.notes.insert(opened.notes.end(), chat.notes.begin(), chat.notes.end());
  return {std::move(*model), std::move(opened.tokenizer), std::move(chat.chat_template), std::move(chat.stop_tokens), std::move(opened.notes),
          std::move(chat.template_notes)};
}

}  // namespace detail

/// Loads a checkpoint into a model of type Model: a GGUF file (v2, v3), a folder with config.json and safetensors or
/// PyTorch's .bin (single or sharded), or one such file with config.json beside it. For .bin, include
/// <tfm/formats/torch_zip.hpp> and set options.read_bin = tfm::read_torch. With options.packed the next start maps what this
/// one packs. A static shape must be the file's. Errors: LoadError, ShapeError, TokenizerError, OptionError, Stopped; each
/// names the file, the tensor or key, found and expected.
template <class Model>
Loaded<Model> load(const std::filesystem::path& path, const LoadOptions& options = {}) {
  return detail::finish<Model>(detail::begin_path(path, options.read_bin), options, true);
}
/// The same from a GGUF file's bytes, which may be given back afterwards. `name` stands for the file in messages. Without
/// options.packed: bytes have no size and time by which they are known again.
template <class Model>
Loaded<Model> load(std::span<const std::byte> gguf, const std::string& name = "memory",
                   const LoadOptions& options = {}) {
  return detail::finish<Model>(detail::begin_gguf(read_gguf(gguf, name)), options, false);
}
/// The same from a Hugging Face folder's files in memory.
template <class Model>
Loaded<Model> load(const CheckpointBytes& bytes, const LoadOptions& options = {}) {
  return detail::finish<Model>(detail::begin_bytes(bytes), options, false);
}

/// Any checkpoint of a family in families.hpp, its shape and formats as the file has them. A template, so that only who calls it compiles a model.
template <class Model = AnyLlama>
Loaded<Model> load_llama(const std::filesystem::path& path, const LoadOptions& options = {}) {
  return load<Model>(path, options);
}
template <class Model = AnyLlama>
Loaded<Model> load_llama(std::span<const std::byte> gguf, const std::string& name = "memory",
                                   const LoadOptions& options = {}) {
  return load<Model>(gguf, name, options);
}
template <class Model = AnyLlama>
Loaded<Model> load_llama(const CheckpointBytes& bytes, const LoadOptions& options = {}) {
  return load<Model>(bytes, options);
}

#if defined(TFM_EXTERN)
TFM_EXTERN template class Llama<DynamicLlamaShape, EveryBiasedLoraLinear<AnyWeight>>;
TFM_EXTERN template Loaded<AnyLlama> load<AnyLlama>(const std::filesystem::path&, const LoadOptions&);
TFM_EXTERN template Loaded<AnyLlama> load<AnyLlama>(std::span<const std::byte>, const std::string&, const LoadOptions&);
#endif

}  // namespace tfm::inline TFM_ABI

#if defined(TFM_DEFINITIONS)
#include "tfm/checkpoint/load_llama.inl"
#endif
