// What gguf_vocabulary.hpp declares.

namespace tfm::inline TFM_ABI {

TFM_INLINE SentencePieceTables GgufVocabulary::sentencepiece() const {
  return {.pieces = pieces,
          .scores = scores,
          .types = types,
          .special = special,
          .add_space_prefix = add_space_prefix,
          .remove_extra_whitespaces = remove_extra_whitespaces,
          .what = what};
}

TFM_INLINE ByteBpeTables GgufVocabulary::byte_bpe() const {
  return {.pieces = pieces, .merges = merges, .types = types, .special = special, .pre_tokenizer = pre_tokenizer, .what = what};
}

namespace detail {

TFM_INLINE std::optional<Token> gguf_token(const GgufMetadata& metadata, std::string_view key, Index size, std::vector<std::string>* notes) {
  const auto value = metadata.find(key);
  if (!value) return std::nullopt;
  const bool huge = value->type() == GgufType::u64 && value->number() >= 9.2e18;
  const Index token = huge ? -1 : value->integer();
  if (token >= 0 && token < size) return static_cast<Token>(token);
  if (token != -1 && token != Index{UINT32_MAX} && notes != nullptr)
    notes->push_back(joined({"key ", in_quotes(key), " says ", token, ", outside the vocabulary of ", size, ": there is no such token"}));
  return std::nullopt;
}

TFM_INLINE bool gguf_flag(const GgufMetadata& metadata, const char* key, bool otherwise) {
  const auto value = metadata.find(key);
  return value ? value->boolean() : otherwise;
}

TFM_INLINE SpecialTokens gguf_special(const GgufMetadata& metadata, Index size, bool add_bos, std::vector<std::string>& notes) {
  const auto token = [&](const char* key) { return gguf_token(metadata, key, size, &notes); };
  SpecialTokens special{.bos = token("tokenizer.ggml.bos_token_id"),
                        .eos = token("tokenizer.ggml.eos_token_id"),
                        .unknown = token("tokenizer.ggml.unknown_token_id"),
                        .pad = token("tokenizer.ggml.padding_token_id")};
  special.add_bos = gguf_flag(metadata, "tokenizer.ggml.add_bos_token", add_bos) && special.bos.has_value();
  special.add_eos = gguf_flag(metadata, "tokenizer.ggml.add_eos_token", false) && special.eos.has_value();
  return special;
}

/// The scores of a vocabulary of kind `llama`, with integers for floats, or none at all.
TFM_INLINE std::vector<float> gguf_scores(const GgufMetadata& metadata, std::size_t size, std::vector<std::string>& notes) {
  const auto value = metadata.find("tokenizer.ggml.scores");
  if (!value) {
    notes.push_back("key 'tokenizer.ggml.scores' is missing: all pieces score 0, as llama.cpp has it, and texts are merged from the left");
    return std::vector<float>(size);
  }
  const GgufType element = value->element_type();
  if (value->type() != GgufType::array || element == GgufType::f32 || element == GgufType::f64) return value->numbers();
  const std::vector<std::int32_t> integers = value->integers();
  notes.push_back("key 'tokenizer.ggml.scores' holds integers: they are taken as floats");
  return std::vector<float>(integers.begin(), integers.end());
}

/// The type of a piece whose type the file does not say.
TFM_INLINE TokenType told_type(std::string_view piece, bool sentencepiece) {
  if (effective_type(TokenType::user_defined, piece) == TokenType::control) return TokenType::control;
  if (!sentencepiece) return TokenType::normal;
  if (byte_of_piece(piece) >= 0) return TokenType::byte;
  if (piece == "<unk>") return TokenType::unknown;
  return piece == "<s>" || piece == "</s>" || piece == "<pad>" ? TokenType::control : TokenType::normal;
}

TFM_INLINE std::vector<std::int32_t> gguf_types(const GgufMetadata& metadata, const GgufVocabulary& vocabulary, std::vector<std::string>& notes) {
  const bool sentencepiece = vocabulary.kind == "llama";
  const auto value = metadata.find("tokenizer.ggml.token_type");
  std::vector<std::int32_t> types = value ? value->integers() : std::vector<std::int32_t>(vocabulary.pieces.size());
  if (types.size() != vocabulary.pieces.size())
    raise<TokenizerError>({"tfm: ", vocabulary.what, ": ", types.size(), " token types for ", vocabulary.pieces.size(), " pieces"});
  Index undefined = 0, bytes = 0, normal_bytes = 0;
  for (std::size_t i = 0; i < types.size(); ++i) {
    if (types[i] == 0) ++undefined, types[i] = static_cast<std::int32_t>(told_type(vocabulary.pieces[i], sentencepiece));
    bytes += types[i] == static_cast<std::int32_t>(TokenType::byte) ? 1 : 0;
  }
  for (std::size_t i = 0; i < types.size() && sentencepiece && bytes > 0 && bytes < 256; ++i)
    if (types[i] == static_cast<std::int32_t>(TokenType::normal) && byte_of_piece(vocabulary.pieces[i]) >= 0)
      ++normal_bytes, types[i] = static_cast<std::int32_t>(TokenType::byte);
  bytes += normal_bytes;
  if (value && undefined > 0)
    notes.push_back(joined({undefined, " of ", types.size(), " pieces have the type 0 (undefined): what they are is told from their spelling"}));
  if (normal_bytes > 0) notes.push_back(joined({normal_bytes, " pieces of the form <0x00> have the type 1 (normal): they are taken as bytes"}));
  if (sentencepiece && bytes > 0 && bytes < 256)
    notes.push_back(joined({"the vocabulary has pieces for ", bytes, " of 256 bytes: the other bytes become the unknown token"}));
  return types;
}

TFM_INLINE bool has_tokenizer(const GgufMetadata& metadata) {
  for (Index i = 0; i < metadata.size(); ++i)
    if (metadata[i].key().starts_with("tokenizer.ggml.")) return true;
  return false;
}

TFM_INLINE std::string gguf_chat_template(const GgufMetadata& metadata, std::vector<std::string>& notes) {
  if (const auto value = metadata.find("tokenizer.chat_template")) {
    if (value->type() != GgufType::array) return std::string(value->text());
    const auto all = value->texts();
    notes.push_back(joined({"key 'tokenizer.chat_template' is an array of ", all.size(), " strings, expected a string: ",
                            all.empty() ? "there is no chat template" : "the first is taken"}));
    return all.empty() ? std::string() : std::string(all.front());
  }
  if (const auto names = metadata.find("tokenizer.chat_templates"); names && names->is_array_of(GgufType::text)) {
    for (const std::string_view name : names->texts()) {
      const auto value = metadata.find("tokenizer.chat_template." + std::string(name));
      if (!value) continue;
      notes.push_back("none of the chat templates is called 'default': " + in_quotes(name) + " is taken");
      return std::string(value->text());
    }
  }
  return {};
}

}  // namespace detail

TFM_INLINE GgufVocabulary read_gguf_vocabulary(const GgufMetadata& metadata) {
  GgufVocabulary vocabulary;
  vocabulary.what = metadata.file();
  vocabulary.kind = metadata.at("tokenizer.ggml.model").text();
  if (vocabulary.kind != "llama" && vocabulary.kind != "gpt2")
    raise<TokenizerError>({"tfm: ", metadata.file(), ": the tokenizer is ", in_quotes(vocabulary.kind), ", expected 'llama' or 'gpt2'"});
  const bool sentencepiece = vocabulary.kind == "llama";
  std::vector<std::string>& notes = vocabulary.notes;
  vocabulary.pieces = metadata.at("tokenizer.ggml.tokens").texts();
  const std::size_t size = vocabulary.pieces.size();
  const auto pre = sentencepiece ? std::nullopt : metadata.find("tokenizer.ggml.pre");
  vocabulary.pre_tokenizer = pre ? pre->text() : "gpt-2";
  const PreTokenizerFacts* const facts = pre_tokenizer_facts(vocabulary.pre_tokenizer);
  const bool add_bos = sentencepiece || (facts != nullptr && facts->add_bos);
  vocabulary.special = detail::gguf_special(metadata, static_cast<Index>(size), add_bos, notes);
  vocabulary.types = detail::gguf_types(metadata, vocabulary, notes);
  Index empty = 0;
  for (const std::string_view piece : vocabulary.pieces) empty += piece.empty() ? 1 : 0;
  if (empty > 0) notes.push_back(joined({empty, " of ", size, " pieces are empty: no text becomes one of them"}));
  if (sentencepiece) {
    vocabulary.scores = detail::gguf_scores(metadata, size, notes);
    vocabulary.add_space_prefix = detail::gguf_flag(metadata, "tokenizer.ggml.add_space_prefix", true);
    vocabulary.remove_extra_whitespaces = detail::gguf_flag(metadata, "tokenizer.ggml.remove_extra_whitespaces", false);
    return vocabulary;
  }
  vocabulary.merges = metadata.at("tokenizer.ggml.merges").texts();
  if (!pre)
    notes.push_back("key 'tokenizer.ggml.pre' is missing: texts are cut into words by GPT-2's rule; a model that was trained with another "
                    "answers worse");
  return vocabulary;
}

}  // namespace tfm::inline TFM_ABI
