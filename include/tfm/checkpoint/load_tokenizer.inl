// What load_tokenizer.hpp declares.
#include <algorithm>
#include <memory>
#include <utility>

namespace tfm::inline TFM_ABI {

TFM_INLINE FoundTokenizer find_tokenizer(const GgufMetadata& metadata) {
  FoundTokenizer found;
  GgufVocabulary vocabulary = read_gguf_vocabulary(metadata);
  if (vocabulary.kind == "llama") found.tokenizer = SentencePieceTokenizer(vocabulary.sentencepiece());
  else found.tokenizer = ByteBpeTokenizer(vocabulary.byte_bpe());
  found.notes = std::move(vocabulary.notes);
  found.jinja = detail::gguf_chat_template(metadata, found.notes);
  return found;
}

namespace detail {

TFM_INLINE FoundTokenizer find_sentencepiece(std::span<const std::byte> file, const std::string& what, TokenizerConfig& config, Index rows) {
  std::vector<AddedToken> added;
  for (const DeclaredToken& declared : config.added) added.push_back(declared.token);
  for (std::string& piece : config.special_pieces())
    if (std::none_of(added.begin(), added.end(), [&](const AddedToken& token) { return token.content == piece; }))
      added.push_back({.content = std::move(piece)});
  FoundTokenizer found;
  std::vector<std::string>& notes = found.notes;
  notes = config.added_notes;
  SentencePieceTokenizer tokenizer(
      file, what,
      {.added = added, .most_tokens = rows, .space_at_the_beginning_alone = config.llama, .add_space_prefix = config.add_prefix_space.value_or(true)});
  for (const auto& [token, id] : config.added) {
    const std::string said = "the added token " + in_quotes(token.content) + " (" + std::to_string(id) + ")";
    const auto is = token.content.empty() ? std::nullopt : tokenizer.find(token.content);
    if (token.content.empty()) notes.push_back(said + " has no text: it is left out");
    else if (!is) notes.push_back(said + " is left out: the model's vocabulary has " + std::to_string(rows) + " rows");
    else if (*is != id && *is < tokenizer.model_size())
      notes.push_back(said + " is token " + std::to_string(*is) + " of the tokenizer.model: that is used");
    else if (*is != id)
      notes.push_back(said + " is token " + std::to_string(*is) + ": as in transformers added tokens follow the " +
                      std::to_string(tokenizer.model_size()) + " pieces of tokenizer.model one by one");
  }
  for (std::size_t i = config.added.size(); i < added.size(); ++i)
    if (const auto is = tokenizer.find(added[i].content); is && *is >= tokenizer.model_size())
      notes.push_back("the special token " + in_quotes(added[i].content) + " is not in the vocabulary: as in transformers it is added as " +
                      std::to_string(*is));
  found.tokenizer = with_config(std::move(tokenizer), config, notes);
  return found;
}

TFM_INLINE FoundTokenizer find_tokenizer_json(std::span<const std::byte> file, const std::string& what, const TokenizerConfig& config) {
  FoundTokenizer found;
  TokenizerJson json = read_tokenizer_json(JsonDocument(text_of(file), what));
  found.notes = std::move(json.notes);
  found.tokenizer = with_config(std::move(json.tokenizer), config, found.notes);
  return found;
}

TFM_INLINE FoundTokenizer find_folder_tokenizer(const std::filesystem::path& where, Index rows, const FolderFiles& file) {
  const auto what = [&](const char* name) { return (where / name).string(); };
  const auto json = [&](const char* name) -> std::optional<JsonDocument> {
    const auto bytes = file(name);
    return bytes ? std::optional<JsonDocument>(std::in_place, text_of(*bytes), what(name), python_json) : std::nullopt;
  };
  FoundTokenizer found;
  TokenizerConfig config;
  if (const auto document = json("tokenizer_config.json")) config = read_tokenizer_config(*document);
  if (const auto model = file("tokenizer.model")) {
    const auto added = json("added_tokens.json"), map = json("special_tokens_map.json");
    complete_added_tokens(config, added ? &*added : nullptr, map ? &*map : nullptr);
    found = find_sentencepiece(*model, what("tokenizer.model"), config, rows);
  } else if (const auto bytes = file("tokenizer.json")) {
    find_or_tell(found, [&] { return find_tokenizer_json(*bytes, what("tokenizer.json"), config); });
  } else {
    found.notes.push_back("there is no tokenizer.model: the model has no tokenizer");
  }
  if (const auto jinja = file("chat_template.jinja")) {
    found.jinja = text_of(*jinja);
  } else {
    found.jinja = config.chat_template.value_or("");
    found.notes.insert(found.notes.end(), config.notes.begin(), config.notes.end());
  }
  return found;
}

}  // namespace detail

TFM_INLINE FoundTokenizer load_folder_tokenizer(const std::filesystem::path& folder, Index rows) {
  std::vector<std::shared_ptr<const MappedFile>> open;
  return detail::find_folder_tokenizer(folder, rows, [&](const char* name) -> std::optional<std::span<const std::byte>> {
    std::error_code ignored;
    if (!std::filesystem::exists(folder / name, ignored)) return std::nullopt;
    open.push_back(MappedFile::open(folder / name));
    return open.back()->bytes();
  });
}

TFM_INLINE FoundTokenizer find_tokenizer(const std::filesystem::path& path) {
  std::error_code ignored;
  if (!std::filesystem::is_directory(path, ignored)) return find_tokenizer(read_gguf_metadata(path));
  FoundTokenizer found = load_folder_tokenizer(path);
  if (!found.tokenizer) raise<LoadError>({"tfm: ", path.string(), ": ", found.notes.front()});
  return found;
}

}  // namespace tfm::inline TFM_ABI
