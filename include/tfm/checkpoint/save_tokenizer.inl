// What save_tokenizer.hpp declares.

namespace tfm::inline TFM_ABI {

namespace detail {

/// generation_config.json: what begins and ends a text.
TFM_INLINE std::string generation_text(const GgufMetadata& metadata, const AnyTokenizer& tokenizer) {
  JsonWriter json;
  json.begin_object(JsonLayout::lines).member("bos_token_id", tokenizer.bos()).key("eos_token_id").begin_array();
  if (tokenizer.eos()) json.value(*tokenizer.eos());
  for (const char* const key : {"tokenizer.ggml.eot_token_id", "tokenizer.ggml.eom_token_id"})
    if (const auto token = gguf_token(metadata, key, tokenizer.size()); token && token != tokenizer.eos()) json.value(*token);
  return json.end().member("pad_token_id", tokenizer.pad()).end().text() + "\n";
}

}  // namespace detail

TFM_INLINE SavedTokenizer save_tokenizer(const std::filesystem::path& from, const std::filesystem::path& folder,
                                     Index rows) {
  std::error_code error;
  SavedTokenizer saved;
  const bool is_folder = std::filesystem::is_directory(from, error);
  if (is_folder || from.extension() == ".safetensors" || from.extension() == ".bin") {
    const std::filesystem::path source = is_folder ? from : from.parent_path();
    if (const FolderTokenizer found = load_folder_tokenizer(source, rows); found.tokenizer) saved.special = found.tokenizer.special();
    bool any = false;
    for (const char* const name : tokenizer_files) {
      if (!std::filesystem::exists(source / name, error)) continue;
      any = any || std::string_view(name).starts_with("tokenizer.");
      if (std::filesystem::equivalent(source / name, folder / name, error)) continue;
      const auto file = MappedFile::open(source / name);
      write_file(folder / name, file->bytes());
    }
    if (!any) saved.notes.push_back(source.string() + " has no tokenizer: nor has " + folder.string());
    return saved;
  }
  const GgufMetadata metadata = read_gguf_metadata(from);
  if (!detail::has_tokenizer(metadata)) {
    saved.notes.push_back(from.string() + " has no tokenizer: nor has " + folder.string());
    return saved;
  }
  const GgufVocabulary vocabulary = read_gguf_vocabulary(metadata);
  const FoundTokenizer found = find_tokenizer(metadata);
  saved.special = found.tokenizer.special();
  if (vocabulary.kind == "llama") {
    const SentencePieceModel model = sentencepiece_model_of(vocabulary.sentencepiece());
    if (model.some_bytes_missing) {
      saved.notes.push_back(from.string() + ": its tokenizer is not written: a tokenizer.model has pieces for all bytes, or for none");
      return saved;
    }
    write_file(folder / "tokenizer.model", bytes_of(write_sentencepiece_model(model, SentencePieceUse::file)));
    if (!vocabulary.remove_extra_whitespaces) write_file(folder / "tokenizer.json", bytes_of(tokenizer_json_text(vocabulary, found.tokenizer)));
  } else if (pre_tokenizer_facts(vocabulary.pre_tokenizer)->characters) {
    saved.notes.push_back(from.string() + ": its tokenizer is not written: pieces of characters behind the pre-tokenizer " +
                          in_quotes(vocabulary.pre_tokenizer) + " are read alone");
    return saved;
  } else {
    if (std::filesystem::exists(folder / "tokenizer.model", error))
      saved.notes.push_back(folder.string() + " has a tokenizer.model of before, which goes before the tokenizer.json that is written: remove it");
    write_file(folder / "tokenizer.json", bytes_of(tokenizer_json_text(vocabulary, found.tokenizer)));
  }
  write_file(folder / "tokenizer_config.json", bytes_of(tokenizer_config_text(vocabulary, found.tokenizer, found.jinja)));
  write_file(folder / "generation_config.json", bytes_of(detail::generation_text(metadata, found.tokenizer)));
  return saved;
}

}  // namespace tfm::inline TFM_ABI
