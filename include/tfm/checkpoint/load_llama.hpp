#pragma once
// load_llama: a path, or bytes in memory, to a model that is ready to talk.
#include <algorithm>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "tfm/checkpoint/load_weights.hpp"
#include "tfm/checkpoint/open_checkpoint.hpp"
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

/// The chat template by its family, and what is to be told of it.
template <class Model>
void settle_chat_template(Loaded<Model>& loaded, const std::string& jinja) {
  SequenceMarks marks{"", ""};
  const AnyTokenizer& tokenizer = loaded.tokenizer;
  if (tokenizer && tokenizer.bos()) marks.bos = tokenizer.piece(*tokenizer.bos());
  if (tokenizer && tokenizer.eos()) marks.eos = tokenizer.piece(*tokenizer.eos());
  loaded.chat_template = ChatTemplate::detect(jinja, marks);
  if (!loaded.chat_template) {
    std::string known;
    for (const ChatFormat& format : known_chat_formats()) known += (known.empty() ? "" : ", ") + format.name;
    loaded.notes.push_back("the chat template is of no known family; name one to chat: " + known);
  } else if (loaded.chat_template->writes_bos() && tokenizer && tokenizer.add_bos()) {
    loaded.notes.push_back("the chat template writes BOS and the tokenizer would add another: it is written once");
  }
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

template <class Model>
Loaded<Model> finish(OpenedCheckpoint checkpoint, const LoadOptions& options) {
  const auto kept = std::make_shared<OpenedCheckpoint>(std::move(checkpoint));
  OpenedCheckpoint& opened = *kept;
  WeightSource source(opened.tensors, opened.convention);
  for (Index layer = 0; layer < opened.shape.layers; ++layer) {  // as many as there are, before room is made for them
    const std::string name = "model.layers." + std::to_string(layer) + ".input_layernorm.weight";
    if (source.find(name) == nullptr) opened.tensors.at(source.stored_name(name));
  }
  const auto shape = model_shape<Model>(opened.shape);
  require_shape(shape, opened.shape, opened.file, opened.tensors.find("rope_freqs.weight") != nullptr);
  const auto model = std::make_shared<Model>(shape);
  keep_when_stopped(kept, [&] { keep_when_stopped(model, [&] { load_weights(*model, source, options); }); });

  Loaded<Model> loaded{std::move(*model), std::move(opened.tokenizer), std::nullopt, {}, std::move(opened.notes)};
  const auto stop_at = [&](Token token) {
    auto& all = loaded.stop_tokens;
    if (std::find(all.begin(), all.end(), token) == all.end()) all.push_back(token);
  };
  if (loaded.tokenizer && loaded.tokenizer.eos()) stop_at(*loaded.tokenizer.eos());
  for (const Token token : opened.stop_tokens) stop_at(token);
  settle_chat_template(loaded, opened.jinja);
  return loaded;
}

}  // namespace detail

/// Loads a checkpoint into a model of type Model: a GGUF file (v2, v3), a folder with config.json and safetensors
/// (single or sharded), or one .safetensors with config.json beside it. A static shape must be the file's. Errors:
/// LoadError, ShapeError, TokenizerError, Stopped; each names the file, the tensor or key, found and expected.
template <class Model>
Loaded<Model> load(const std::filesystem::path& path, const LoadOptions& options = {}) {
  return detail::finish<Model>(open_checkpoint(path), options);
}
/// The same from a GGUF file's bytes, which may be given back afterwards. `name` stands for the file in messages.
template <class Model>
Loaded<Model> load(std::span<const std::byte> gguf, const std::string& name = "memory",
                   const LoadOptions& options = {}) {
  return detail::finish<Model>(open_checkpoint(gguf, name), options);
}
/// The same from a Hugging Face folder's files in memory.
template <class Model>
Loaded<Model> load(const CheckpointBytes& bytes, const LoadOptions& options = {}) {
  return detail::finish<Model>(open_checkpoint(bytes), options);
}

/// Any LLaMA checkpoint, its shape and formats as the file has them.
inline Loaded<AnyLlama> load_llama(const std::filesystem::path& path, const LoadOptions& options = {}) {
  return load<AnyLlama>(path, options);
}
inline Loaded<AnyLlama> load_llama(std::span<const std::byte> gguf, const std::string& name = "memory",
                                   const LoadOptions& options = {}) {
  return load<AnyLlama>(gguf, name, options);
}
inline Loaded<AnyLlama> load_llama(const CheckpointBytes& bytes, const LoadOptions& options = {}) {
  return load<AnyLlama>(bytes, options);
}

#if defined(TFM_COMPILED) && !defined(TFM_COMPILED_LLAMA)
extern template class Llama<DynamicLlamaShape, EveryLoraLinear<AnyWeight>>;
extern template Loaded<AnyLlama> load<AnyLlama>(const std::filesystem::path&, const LoadOptions&);
extern template Loaded<AnyLlama> load<AnyLlama>(std::span<const std::byte>, const std::string&, const LoadOptions&);
#endif

}  // namespace tfm::inline TFM_ABI
