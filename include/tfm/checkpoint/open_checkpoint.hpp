#pragma once
// OpenedCheckpoint: all that a checkpoint says but its weights: shape, tokenizer, chat template, what ends a text,
// notes.
#include <algorithm>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "tfm/checkpoint/llama_config.hpp"
#include "tfm/checkpoint/llama_gguf.hpp"
#include "tfm/checkpoint/load_tokenizer.hpp"
#include "tfm/checkpoint/weight_source.hpp"
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
};

/// What is known of a checkpoint before its weights are packed. It points into the file, which it keeps mapped.
struct OpenedCheckpoint {
  std::string file;  ///< or folder, for messages
  TensorStore tensors;
  Convention convention{};
  DynamicLlamaShape shape;
  AnyTokenizer tokenizer;
  std::string jinja;               ///< its chat template
  std::vector<Token> stop_tokens;  ///< what ends a text, besides the tokenizer's eos
  std::vector<std::string> notes;
};

namespace detail {

/// The tokenizer's ids win over config.json's; what they disagree on is told. Of several eos, all end a text.
inline void settle_special_tokens(OpenedCheckpoint& opened, const LlamaConfig& config,
                                  const std::vector<std::int32_t>& generation_eos) {
  if (!opened.tokenizer) return;
  SpecialTokens special = opened.tokenizer.special();
  const auto settle = [&](const char* role, std::optional<std::int32_t> said, std::optional<Token>& token,
                          bool expected) {
    if (!said || said == token || (!token && !expected)) return;
    const std::string begin =
        std::string("config.json says ") + role + " is " + std::to_string(*said) + ", the tokenizer says ";
    if (token) opened.notes.push_back(begin + std::to_string(*token) + ": the tokenizer's is used");
    else if (*said >= opened.tokenizer.size()) opened.notes.push_back(begin + "none, and has no such token");
    else opened.notes.push_back(begin + "none: " + std::to_string(*said) + " is used"), token = said;
  };
  settle("bos", config.bos, special.bos, true);
  settle("pad", config.pad, special.pad, false);
  if (config.eos.size() == 1) settle("eos", config.eos.front(), special.eos, true);
  opened.tokenizer = opened.tokenizer.with_special(special);
  for (const auto* const list : {&config.eos, &generation_eos}) {
    const bool wins =
        list->size() > 1 && special.eos && std::find(list->begin(), list->end(), *special.eos) == list->end();
    if (wins)
      opened.notes.push_back("of several eos in config.json or generation_config.json none is the tokenizer's " +
                             std::to_string(*special.eos) + ": all of them end a text");
    if (list->size() > 1)
      for (const std::int32_t id : *list)
        if (id < opened.shape.vocab) opened.stop_tokens.push_back(id);
  }
}

inline void require_room_for(const OpenedCheckpoint& opened, bool exactly) {
  if (!opened.tokenizer) return;
  const Index pieces = opened.tokenizer.size(), vocab = opened.shape.vocab;
  if (pieces > vocab || (exactly && pieces != vocab))
    raise(TokenizerError("tfm: " + opened.file + ": the tokenizer has " + std::to_string(pieces) +
                         " pieces, expected " + (exactly ? "" : "at most ") + "the model's vocabulary of " +
                         std::to_string(vocab)));
}

inline OpenedCheckpoint open_gguf(Gguf gguf) {
  const GgufMetadata& metadata = gguf.metadata;
  OpenedCheckpoint opened;
  opened.file = metadata.file();
  opened.shape = read_llama_shape(gguf);
  opened.convention = Convention::gguf;
  if (has_tokenizer(metadata)) {
    opened.tokenizer = load_tokenizer(metadata);
    for (const char* const key : {"tokenizer.ggml.eot_token_id", "tokenizer.ggml.eom_token_id"})
      if (const auto token = gguf_token(metadata, key, opened.tokenizer.size())) opened.stop_tokens.push_back(*token);
  } else {
    opened.notes.push_back("the file holds no tokenizer");
  }
  if (const auto jinja = metadata.find("tokenizer.chat_template")) opened.jinja = jinja->text();
  opened.tensors = std::move(gguf.tensors);
  require_room_for(opened, true);
  return opened;
}

inline OpenedCheckpoint open_parts(std::string file, const LlamaConfig& config, TensorStore tensors,
                                   FolderTokenizer tokenizer, const std::vector<std::int32_t>& generation_eos) {
  OpenedCheckpoint opened;
  opened.file = std::move(file);
  opened.shape = config.shape;
  opened.convention = Convention::hugging_face;
  opened.tensors = std::move(tensors);
  opened.tokenizer = std::move(tokenizer.tokenizer);
  opened.jinja = std::move(tokenizer.jinja);
  opened.notes = std::move(tokenizer.notes);
  settle_special_tokens(opened, config, generation_eos);
  require_room_for(opened, false);
  return opened;
}

/// A folder, or of it the one tensor file that is named.
inline OpenedCheckpoint open_folder(const std::filesystem::path& folder, const std::filesystem::path& tensor_file) {
  std::error_code ignored;
  const auto has = [&](const char* name) { return std::filesystem::exists(folder / name, ignored); };
  const LlamaConfig config = read_llama_config(read_json(folder / "config.json"));
  if (tensor_file.empty() && !has("model.safetensors") && !has("model.safetensors.index.json"))
    for (const char* const name : {"pytorch_model.bin", "pytorch_model.bin.index.json"})
      if (has(name))
        fail(folder.string(), std::string("found ") + name + ", which is not supported; expected model.safetensors");
  TensorStore tensors = tensor_file.empty() ? read_safetensors_folder(folder) : read_safetensors(tensor_file);
  std::vector<std::int32_t> eos;
  if (has("generation_config.json")) eos = read_generation_eos(read_json(folder / "generation_config.json"));
  const auto& shown = tensor_file.empty() ? folder : tensor_file;
  return open_parts(shown.string(), config, std::move(tensors), load_folder_tokenizer(folder), eos);
}

}  // namespace detail

/// Opens a GGUF file, a Hugging Face folder, or one .safetensors file with the folder's other files beside it. Errors:
/// LoadError, ShapeError, TokenizerError.
inline OpenedCheckpoint open_checkpoint(const std::filesystem::path& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) return detail::open_folder(path, {});
  if (path.extension() == ".safetensors") return detail::open_folder(path.parent_path(), path);
  return detail::open_gguf(read_gguf(path));
}
/// The shape alone, as a path's metadata or config.json has it. Errors as open_checkpoint's.
inline DynamicLlamaShape read_llama_shape(const std::filesystem::path& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) return read_llama_config(read_json(path / "config.json")).shape;
  if (path.extension() == ".safetensors") return read_llama_shape(path.parent_path());
  return read_llama_shape(read_gguf(path));
}
/// open_checkpoint of a GGUF file's bytes, which the caller keeps; `name` stands for the file in messages.
inline OpenedCheckpoint open_checkpoint(std::span<const std::byte> gguf, const std::string& name) {
  return detail::open_gguf(read_gguf(gguf, name));
}
/// open_checkpoint of a folder's files.
inline OpenedCheckpoint open_checkpoint(const CheckpointBytes& bytes) {
  const auto json = [&](std::string_view text, const char* file) {
    return JsonDocument(text, bytes.name + "/" + file);
  };
  const LlamaConfig config = read_llama_config(json(bytes.config_json, "config.json"));
  FolderTokenizer found;
  TokenizerConfig tokenizer_config;
  if (!bytes.tokenizer_config_json.empty())
    tokenizer_config = read_tokenizer_config(json(bytes.tokenizer_config_json, "tokenizer_config.json"));
  found.notes = tokenizer_config.notes;
  found.jinja = tokenizer_config.chat_template.value_or("");
  if (!bytes.tokenizer_model.empty())
    found.tokenizer = with_config(SentencePieceTokenizer(bytes.tokenizer_model, bytes.name + "/tokenizer.model"),
                                  tokenizer_config, found.notes);
  else
    found.notes.push_back("no tokenizer.model was given: the model has no tokenizer");
  std::vector<std::int32_t> eos;
  if (!bytes.generation_config_json.empty())
    eos = read_generation_eos(json(bytes.generation_config_json, "generation_config.json"));
  return detail::open_parts(bytes.name, config, read_safetensors(bytes.safetensors, bytes.name), std::move(found), eos);
}

}  // namespace tfm::inline TFM_ABI
