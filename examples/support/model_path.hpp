#pragma once
// Where a model lies: which file or folder a path means, and what to say where it means none.
#include <filesystem>
#include <string>

namespace cli {

/// The GGUF files and Hugging Face folders in `folder`, as a sentence's end: "a.gguf, b/ and 3 others"; empty: none.
std::string models_in(const std::filesystem::path& folder);

/// The path itself, or, of a folder whose only model is one GGUF file, that file, which a note says. With `vocabulary`, a folder with
/// a tokenizer will do. Errors: LoadError where there is nothing, no model or a choice of several; each says what is there.
std::filesystem::path model_at(const std::filesystem::path& path, bool vocabulary = false);

}  // namespace cli
