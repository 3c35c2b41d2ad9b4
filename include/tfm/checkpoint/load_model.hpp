#pragma once
// load_model: a path, or bytes in memory, to an AnyModel that is ready to talk.
#include "tfm/checkpoint/load_llama.hpp"
#include "tfm/models/any_model.hpp"

namespace tfm::inline TFM_ABI {

namespace detail {

template <class Model>
Loaded<Model> as_any(Loaded<AnyLlama> loaded) {
  return {Model(std::move(loaded.model)), std::move(loaded.tokenizer), std::move(loaded.chat_template),
          std::move(loaded.stop_tokens), std::move(loaded.notes), std::move(loaded.template_notes)};
}

}  // namespace detail

/// A checkpoint of any family in families.hpp, its shape and formats as the file has them (a template, so that only who
/// calls it compiles it): a GGUF file, a Hugging Face folder, or one tensor file of it, as load<Model> takes them.
/// Errors: load<Model>'s.
template <class Model = AnyModel>
Loaded<Model> load_model(const std::filesystem::path& path, const LoadOptions& options = {}) {
  return detail::as_any<Model>(load<AnyLlama>(path, options));
}
/// The same from a GGUF file's bytes.
template <class Model = AnyModel>
Loaded<Model> load_model(std::span<const std::byte> gguf, const std::string& name = "memory",
                         const LoadOptions& options = {}) {
  return detail::as_any<Model>(load<AnyLlama>(gguf, name, options));
}

}  // namespace tfm::inline TFM_ABI
