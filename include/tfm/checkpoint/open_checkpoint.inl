// What open_checkpoint.hpp declares.
#include <algorithm>
#include <optional>

namespace tfm::inline TFM_ABI {

namespace detail {

TFM_INLINE void settle_special_tokens(OpenedCheckpoint& opened, const LlamaConfig& config,
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

TFM_INLINE void require_room_for(const OpenedCheckpoint& opened, bool exactly) {
  if (!opened.tokenizer) return;
  const Index pieces = opened.tokenizer.size(), vocab = opened.shape.vocab;
  if (pieces > vocab || (exactly && pieces != vocab))
    raise<TokenizerError>({"tfm: ", opened.file, ": the tokenizer has ", pieces, " pieces, expected ", exactly ? "" : "at most ",
                           "the model's vocabulary of ", vocab});
}

TFM_INLINE OpenedCheckpoint Opening::whole() && {
  add_text(opened);
  return std::move(opened);
}

TFM_INLINE Opening begin_gguf(Gguf gguf) {
  Opening opening;
  OpenedCheckpoint& begun = opening.opened;
  begun.file = gguf.metadata.file();
  begun.shape = read_llama_shape(gguf);
  begun.family = &family_named(begun.shape.family);
  begun.convention = Convention::gguf;
  begun.tensors = std::move(gguf.tensors);
  opening.add_text = [metadata = std::move(gguf.metadata)](OpenedCheckpoint& opened) {
    if (has_tokenizer(metadata)) {
      FoundTokenizer found = find_tokenizer(metadata);
      opened.tokenizer = std::move(found.tokenizer);
      opened.jinja = std::move(found.jinja);
      opened.notes = std::move(found.notes);
      for (const char* const key : {"tokenizer.ggml.eot_token_id", "tokenizer.ggml.eom_token_id"})
        if (const auto token = gguf_token(metadata, key, opened.tokenizer.size(), &opened.notes)) opened.stop_tokens.push_back(*token);
    } else {
      opened.notes.push_back("the file holds no tokenizer");
      opened.jinja = gguf_chat_template(metadata, opened.notes);
    }
    if (std::string note = vocab_size_note(metadata, opened.shape.vocab); !note.empty()) opened.notes.push_back(std::move(note));
    require_room_for(opened, true);
  };
  return opening;
}

TFM_INLINE bool has_file(const std::filesystem::path& folder, const char* name) {
  std::error_code ignored;
  return std::filesystem::exists(folder / name, ignored);
}

/// The tensors of a folder: its safetensors, or else its PyTorch files; or of one file, which is named.
TFM_INLINE TensorStore read_folder_tensors(const std::filesystem::path& folder, const std::filesystem::path& tensor_file,
                                       const TensorReader& read_bin) {
  const auto read_torch_file = [&](const std::filesystem::path& file) {
    if (!read_bin)
      fail(file.string(), "no reader for PyTorch's files is given: include <tfm/formats/torch_zip.hpp> and set "
                          "LoadOptions::read_bin to tfm::read_torch, or convert them to safetensors");
    return read_bin(file);
  };
  if (tensor_file.extension() == ".bin") return read_torch_file(tensor_file);
  if (!tensor_file.empty()) return read_safetensors(tensor_file);
  if (!has_file(folder, "model.safetensors") && !has_file(folder, "model.safetensors.index.json")) {
    if (has_file(folder, "pytorch_model.bin")) return read_torch_file(folder / "pytorch_model.bin");
    if (has_file(folder, "pytorch_model.bin.index.json"))
      return read_tensor_index(folder / "pytorch_model.bin.index.json", read_torch_file);
  }
  return read_safetensors_folder(folder);
}

/// A folder's config.json. Errors: LoadError; for a folder that is an adapter's, by that name.
TFM_INLINE LlamaConfig read_folder_config(const std::filesystem::path& folder) {
  if (!has_file(folder, "config.json") && has_file(folder, "adapter_config.json"))
    fail(folder.string(), "this is an adapter's folder (adapter_config.json), not a model's: give the model that it was made for, and this as its adapter");
  return read_llama_config(read_json(folder / "config.json", python_json));
}

/// A folder, or of it the one tensor file that is named.
TFM_INLINE Opening begin_folder(const std::filesystem::path& folder, const std::filesystem::path& tensor_file,
                            const TensorReader& read_bin) {
  LlamaConfig config = read_folder_config(folder);
  TensorStore tensors = read_folder_tensors(folder, tensor_file, read_bin);
  const auto& shown = tensor_file.empty() ? folder : tensor_file;
  const Index rows = config.shape.vocab;
  return begin_config(shown.string(), std::move(config), std::move(tensors), [folder, rows] {
    ConfigText text{load_folder_tokenizer(folder, rows), {}};
    if (has_file(folder, "generation_config.json"))
      text.second = read_generation_eos(read_json(folder / "generation_config.json", python_json));
    return text;
  });
}

/// Whether a path is one tensor file of a folder: safetensors, or PyTorch's with config.json beside it.
TFM_INLINE bool is_tensor_file(const std::filesystem::path& path) {
  return path.extension() == ".safetensors" ||
         (path.extension() == ".bin" && has_file(path.parent_path(), "config.json"));
}

TFM_INLINE Opening begin_path(const std::filesystem::path& path, const TensorReader& read_bin) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) return begin_folder(path, {}, read_bin);
  if (is_tensor_file(path)) return begin_folder(path.parent_path(), path, read_bin);
  return begin_gguf(read_gguf(path));
}

TFM_INLINE ConfigText read_text(const CheckpointBytes& bytes, Index rows) {
  const std::pair<std::string_view, std::span<const std::byte>> files[] = {
      {"tokenizer.model", bytes.tokenizer_model},
      {"tokenizer.json", bytes_of(bytes.tokenizer_json)},
      {"tokenizer_config.json", bytes_of(bytes.tokenizer_config_json)},
      {"added_tokens.json", bytes_of(bytes.added_tokens_json)},
      {"special_tokens_map.json", bytes_of(bytes.special_tokens_map_json)},
      {"chat_template.jinja", bytes_of(bytes.chat_template_jinja)}};
  const auto file = [&](const char* name) -> std::optional<std::span<const std::byte>> {
    for (const auto& [of, data] : files)
      if (of == name && !data.empty()) return data;
    return std::nullopt;
  };
  ConfigText text{find_folder_tokenizer(bytes.name, rows, file), {}};
  if (bytes.tokenizer_model.empty() && bytes.tokenizer_json.empty())
    text.first.notes.front() = "no tokenizer.model was given: the model has no tokenizer";
  if (!bytes.generation_config_json.empty())
    text.second = read_generation_eos(JsonDocument(bytes.generation_config_json, bytes.name + "/generation_config.json", python_json));
  return text;
}

TFM_INLINE Opening begin_bytes(const CheckpointBytes& bytes) {
  LlamaConfig config = read_llama_config(JsonDocument(bytes.config_json, bytes.name + "/config.json", python_json));
  const Index rows = config.shape.vocab;
  return begin_config(bytes.name, std::move(config), read_safetensors(bytes.safetensors, bytes.name),
                      [bytes, rows] { return read_text(bytes, rows); });
}

}  // namespace detail

TFM_INLINE OpenedCheckpoint open_checkpoint(const std::filesystem::path& path, const TensorReader& read_bin) {
  return detail::begin_path(path, read_bin).whole();
}

TFM_INLINE OpenedCheckpoint open_checkpoint(std::span<const std::byte> gguf, const std::string& name) {
  return detail::begin_gguf(read_gguf(gguf, name)).whole();
}

TFM_INLINE DynamicLlamaShape read_llama_shape(const std::filesystem::path& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) return detail::read_folder_config(path).shape;
  if (detail::is_tensor_file(path)) return read_llama_shape(path.parent_path());
  return read_llama_shape(read_gguf(path));
}

}  // namespace tfm::inline TFM_ABI
