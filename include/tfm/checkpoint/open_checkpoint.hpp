#pragma once
// OpenedCheckpoint: all that a checkpoint says but its weights: shape, tokenizer, chat template, what ends a text,
// notes.
#include <cmath>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "tfm/checkpoint/llama_config.hpp"
#include "tfm/checkpoint/llama_gguf.hpp"
#include "tfm/checkpoint/load_tokenizer.hpp"
#include "tfm/checkpoint/tensor_names.hpp"
#include "tfm/formats/safetensors.hpp"

namespace tfm::inline TFM_ABI {

/// A Hugging Face folder's files in memory; the caller keeps them while they are loaded, not longer.
struct CheckpointBytes {
  std::span<const std::byte> safetensors;
  std::string_view config_json;
  std::span<const std::byte> tokenizer_model{};  ///< this and what follows may be left out
  std::string_view tokenizer_config_json{};
  std::string_view generation_config_json{};
  std::string name = "memory";  ///< for messages
  std::string_view added_tokens_json{};
  std::string_view special_tokens_map_json{};
  std::string_view tokenizer_json{};  ///< read where there is no tokenizer_model
  std::string_view chat_template_jinja{};
};

/// What is known of a checkpoint before its weights are packed. It points into the file, which it keeps mapped.
struct OpenedCheckpoint {
  std::string file;  ///< or folder, for messages
  TensorStore tensors;
  Convention convention{};
  const Family* family = nullptr;
  DynamicLlamaShape shape;
  AnyTokenizer tokenizer;
  std::string jinja;               ///< its chat template
  std::vector<Token> stop_tokens;  ///< what ends a text, besides the tokenizer's eos
  std::vector<std::string> notes;
};

namespace detail {

/// The tokenizer's ids win over config.json's; what they disagree on is told. Of several eos, all end a text.
void settle_special_tokens(OpenedCheckpoint& opened, const LlamaConfig& config,
                                  const std::vector<std::int32_t>& generation_eos);

void require_room_for(const OpenedCheckpoint& opened, bool exactly);

/// A checkpoint whose tensors and shape are known, and the work that adds the rest: tokenizer, chat template, stop
/// tokens, notes. Tokenizers take some tens of milliseconds, in which no stop could be heard.
struct Opening {
  OpenedCheckpoint opened;
  std::function<void(OpenedCheckpoint&)> add_text;

  OpenedCheckpoint whole() &&;
};

Opening begin_gguf(Gguf gguf);

/// `read_text` gives a FolderTokenizer and the eos of generation_config.json.
template <class F>
Opening begin_config(std::string file, LlamaConfig config, TensorStore tensors, F read_text) {
  Opening opening;
  OpenedCheckpoint& begun = opening.opened;
  begun.file = std::move(file);
  begun.shape = config.shape;
  begun.family = &family_named(begun.shape.family);
  begun.tensors = std::move(tensors);
  refuse_quantised_tensors(begun.tensors);
  begun.convention = folder_convention(begun.tensors, !begun.family->wrapped.empty());
  opening.add_text = [config = std::move(config), read_text = std::move(read_text)](OpenedCheckpoint& opened) {
    auto [found, generation_eos] = read_text();
    opened.tokenizer = std::move(found.tokenizer);
    opened.jinja = std::move(found.jinja);
    opened.notes = std::move(found.notes);
    const float threshold = config.int8_threshold.value_or(Int8Options().threshold);
    if (std::isinf(threshold))
      opened.notes.push_back("config.json says by llm_int8_threshold that nothing is an outlier: set Context::int8.outliers to Outliers::none");
    else if (threshold != Int8Options().threshold)
      opened.notes.push_back("config.json says llm_int8_threshold is " + number_text(static_cast<double>(threshold)) +
                             ": set Context::int8.threshold to it");
    settle_special_tokens(opened, config, generation_eos);
    require_room_for(opened, false);
  };
  return opening;
}
using ConfigText = std::pair<FolderTokenizer, std::vector<std::int32_t>>;

bool has_file(const std::filesystem::path& folder, const char* name);

Opening begin_path(const std::filesystem::path& path, const TensorReader& read_bin);

ConfigText read_text(const CheckpointBytes& bytes, Index rows);
Opening begin_bytes(const CheckpointBytes& bytes);

}  // namespace detail

/// Opens a GGUF file, a Hugging Face folder, or one .safetensors or .bin file with the folder's other files beside it.
/// `read_bin` reads PyTorch's files: tfm::read_torch of formats/torch_zip.hpp; without it they are refused. Errors:
/// LoadError, ShapeError, TokenizerError.
OpenedCheckpoint open_checkpoint(const std::filesystem::path& path, const TensorReader& read_bin = {});
/// The same of a GGUF file's bytes, which the caller keeps; `name` stands for the file in messages.
OpenedCheckpoint open_checkpoint(std::span<const std::byte> gguf, const std::string& name);
/// The same of a folder's files.
inline OpenedCheckpoint open_checkpoint(const CheckpointBytes& bytes) { return detail::begin_bytes(bytes).whole(); }

/// The shape alone, as a path's metadata or config.json has it. Errors as open_checkpoint's.
DynamicLlamaShape read_llama_shape(const std::filesystem::path& path);

}  // namespace tfm::inline TFM_ABI

#if defined(TFM_DEFINITIONS)
#include "tfm/checkpoint/open_checkpoint.inl"
#endif
