#pragma once
// convert: a checkpoint as another file: a GGUF file or a Hugging Face folder, tensor by tensor, without loading the
// model.
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tfm/checkpoint/folder_vocabulary.hpp"
#include "tfm/checkpoint/open_checkpoint.hpp"
#include "tfm/checkpoint/save_gguf.hpp"
#include "tfm/checkpoint/save_llama.hpp"
#include "tfm/models/any_model.hpp"

namespace tfm::inline TFM_ABI {

struct ConvertOptions {
  /// Of matrices; none: as they are. A folder's are F32, BF16 or F16, and what is quantised there becomes F16.
  std::optional<Format> type{};
  Index shard_bytes = 0;        ///< of a folder's files; 0: one file
  TensorReader read_bin{};      ///< how PyTorch's files are read: tfm::read_torch
  ProgressCallback progress{};  ///< bytes that are written
  /// Weights that take the place of the checkpoint's, by the model's names: of a model that an adapter was merged into.
  /// They become what the checkpoint's are.
  std::map<std::string, StoredRows> replaced{};
};

namespace detail {

inline bool is_gguf_name(const std::filesystem::path& path) { return path.extension() == ".gguf"; }

/// The weights with those that replace them, which keep the format of what they replace.
std::vector<StoredRows> with_replaced(std::vector<StoredRows> weights, const ConvertOptions& options);

/// The divisors of rotary frequencies that a GGUF file has, or that say a folder's scaling.
std::vector<float> divisors_of(const OpenedCheckpoint& opened);

/// What a GGUF file says beside its tensors' shape: all that a GGUF source says, or a folder's tokenizer and template.
GgufWriter keys_of(const OpenedCheckpoint& opened, const std::filesystem::path& from, std::vector<std::string>& notes);

/// The scaling that a folder's config.json says. Errors: LoadError for one that it cannot.
RopeScaling folder_scaling(const OpenedCheckpoint& opened);

SaveLlamaOptions folder_options(const std::vector<StoredRows>& weights, const std::filesystem::path& from,
                                const ConvertOptions& options, std::vector<std::string>& notes);

/// What convert() does once it is known what weights there are.
std::vector<std::string> convert(Context& context, const OpenedCheckpoint& opened, std::vector<StoredRows> weights,
                                 const std::filesystem::path& from, const std::filesystem::path& to,
                                 const ConvertOptions& options);

}  // namespace detail

/// Writes the checkpoint at `from` (a GGUF file, of several by one of them; a folder, or a tensor file of it) to `to`:
/// as a GGUF file where that ends in .gguf, else as a folder. Tensors that keep their type keep their bytes, up to the
/// order of rotary pairs; of a GGUF file that becomes one all metadata is carried over. Tokenizer and chat template go
/// along. One tensor at a time is in memory. Returns what is to be told. Errors: LoadError, ShapeError, TokenizerError,
/// OptionError, Stopped.
template <class Model = AnyLlama>
std::vector<std::string> convert(Context& context, const std::filesystem::path& from, const std::filesystem::path& to,
                                 const ConvertOptions& options = {}) {
  const OpenedCheckpoint opened = open_checkpoint(from, options.read_bin);
  WeightSource source(opened.tensors, opened.convention, *opened.family);
  return detail::convert(context, opened, stored_rows(Model(opened.shape), source), from, to, options);
}

}  // namespace tfm::inline TFM_ABI

#if defined(TFM_DEFINITIONS)
#include "tfm/checkpoint/convert.inl"
#endif
