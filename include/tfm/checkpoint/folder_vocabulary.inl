// What folder_vocabulary.hpp declares.
#include <algorithm>
#include <cstdint>
#include <map>

namespace tfm::inline TFM_ABI {

namespace detail {

TFM_INLINE std::vector<std::string_view> telling_texts() {
  return {"Hello world",
          " two  spaces   and three",
          "I'm sure they'LL don't, we've; it'S O'Neil's 'tis",
          "1 22 333 4444 55555 3.14159 1,000,000 2nd \xC2\xBD \xD9\xA3\xD9\xA4",
          "line\nline\r\n\n  indented\n\t\ttabs \n \n   \n",
          "for (int i = 0; i < n; ++i) { x[i] += y->z * 2; }  // ok!?",
          "na\xC3\xAFve caf\xC3\xA9 e\xCC\x81t\xCC\x81 \xC3\x84\xC3\x96\xC3\x9C Stra\xC3\x9F"
          "e CamelCaseWord ABCdef",
          "\xE6\xA8\xA1\xE5\x9E\x8B\xE3\x81\xAE\xE3\x83\x86\xE3\x82\xB9\xE3\x83\x88 "
          "\xED\x95\x9C\xEA\xB5\xAD\xEC\x96\xB4 \xE4\xB8\xAD\xE6\x96\x87\xE3\x80\x82",
          "\xD0\x9F\xD1\x80\xD0\xB8\xD0\xB2\xD0\xB5\xD1\x82 \xCE\xBA\xCF\x8C\xCF\x83\xCE\xBC\xCE\xB5 "
          "\xE0\xA4\xB9\xE0\xA4\xBF\xE0\xA4\xA8\xE0\xA5\x8D\xE0\xA4\xA6\xE0\xA5\x80 "
          "\xE0\xB8\xA0\xE0\xB8\xB2\xE0\xB8\xA9\xE0\xB8\xB2 \xD7\xA9\xD7\x9C\xD7\x95\xD7\x9D "
          "\xD8\xB3\xD9\x84\xD8\xA7\xD9\x85",
          "\xF0\x9F\xA6\x99\xF0\x9F\x91\xA9\xE2\x80\x8D\xF0\x9F\x92\xBB \xE2\x80\xA6 \xE2\x80\x9Cquoted\xE2\x80\x9D "
          "\xE2\x82\xAC"
          "5 #tag @user $x %y \xC2\xA0nbsp\xE2\x80\xA8"
          "end",
          "http://a.b/c?d=e&f=g#h !!!??? ... --- ((())) [[]] \"q\" 'q' `q` ~/x \\n _under_score_"};
}

/// Whether both cut all telling texts into the same words.
TFM_INLINE bool cut_alike(const PreTokenizer& a, const PreTokenizer& b) {
  PreTokenizer::Workspace first, second;
  for (const std::string_view text : telling_texts()) {
    const auto x = a.cut(text, first), y = b.cut(text, second);
    const auto same = [](const TextSpan& s, const TextSpan& t) { return s.begin == t.begin && s.end == t.end; };
    if (x.text != y.text || !std::equal(x.spans.begin(), x.spans.end(), y.spans.begin(), y.spans.end(), same))
      return false;
  }
  return true;
}

TFM_INLINE std::optional<std::string_view> pre_tokenizer_name(const JsonDocument& document, std::string& why) {
  const Json root = document.root();
  bool bytes = false, nfc = false;
  const PreTokenizer own = read_pre_tokenizer(root, bytes);
  const bool ignore_merges = json_flag(root.at("model"), "ignore_merges", false);
  for (const Json& step : json_steps(root, "normalizer", "normalizers")) {
    nfc = step.at("type").text() == "NFC";
    if (!nfc) return why = joined({"its normalizer ", step.at("type").found()}), std::nullopt;
  }
  std::map<std::string_view, bool> alike;  // by the splitter
  for (const PreTokenizerFacts& facts : pre_tokenizers) {
    if (facts.characters || facts.small_letters || facts.nfc != nfc || facts.ignore_merges != ignore_merges) continue;
    const auto [known, fresh] = alike.try_emplace(facts.splitter, false);
    if (fresh) known->second = cut_alike(own, PreTokenizer(facts.name));
    if (known->second) return facts.name;
  }
  return why = "its pre-tokenizer, which none of GGUF's names stands for", std::nullopt;
}

/// A vocabulary's tables, as GGUF has them.
struct VocabularyTables {
  std::string_view kind, pre = "default";
  std::vector<std::string> pieces, merges;
  std::vector<float> scores;
  std::vector<std::int32_t> types;
  bool add_space_prefix = true, remove_extra_whitespaces = false;

  void add(std::string_view piece, TokenType type, float score) {
    pieces.emplace_back(piece), types.push_back(static_cast<std::int32_t>(type)), scores.push_back(score);
  }
  void set(GgufWriter& file) const {
    file.set("tokenizer.ggml.model", kind);
    file.set("tokenizer.ggml.pre", pre);
    file.set("tokenizer.ggml.tokens", pieces);
    if (kind == "llama") file.set("tokenizer.ggml.scores", scores);
    file.set("tokenizer.ggml.token_type", types);
    if (kind == "gpt2") file.set("tokenizer.ggml.merges", merges);
    if (kind == "llama") file.set("tokenizer.ggml.add_space_prefix", add_space_prefix);
    if (remove_extra_whitespaces) file.set("tokenizer.ggml.remove_extra_whitespaces", true);
  }
};

inline constexpr float added_score = -1000;  // of tokens that no merge makes, as llama.cpp's converter has it

/// A tokenizer.model's tables, with the tokens that are added to it.
TFM_INLINE bool sentencepiece_tables(const std::filesystem::path& path, const AnyTokenizer& tokenizer,
                                     VocabularyTables& out, std::string& why) {
  const auto file = MappedFile::open(path);
  const SentencePieceModel model = read_sentencepiece_model(text_of(file->bytes()), path.string());
  if (model.kind != SentencePieceModel::Kind::bpe) return why = "a Unigram model", false;
  out.kind = "llama";
  out.add_space_prefix = model.add_dummy_prefix, out.remove_extra_whitespaces = model.remove_extra_whitespaces;
  for (Token token = 0; token < tokenizer.size(); ++token) {
    const bool own = to_size(token) < model.pieces.size(), control = tokenizer.is_control(token);
    const TokenType type = own ? model.pieces[to_size(token)].type : TokenType::user_defined;
    out.add(tokenizer.piece(token), control && type != TokenType::unknown ? TokenType::control : type,
            own ? model.pieces[to_size(token)].score : added_score);
  }
  return true;
}

/// The same of a tokenizer.json: a byte-level BPE, or one over characters whose merges become scores, the first the
/// highest.
TFM_INLINE bool json_tables(const std::filesystem::path& path, const AnyTokenizer& tokenizer, VocabularyTables& out,
                            std::string& why) {
  const JsonDocument document = read_json(path);
  const Json root = document.root(), model = root.at("model");
  if (json_model_type(model) != "BPE")
    return why = joined({"a model of the kind ", in_quotes(json_model_type(model))}), false;
  bool bytes = false;
  read_pre_tokenizer(root, bytes);
  out.kind = bytes ? "gpt2" : "llama";
  if (bytes) {
    const auto name = pre_tokenizer_name(document, why);
    if (!name) return false;
    out.pre = *name;
  }
  std::map<std::string, float, std::less<>> scores;
  each_json_merge(model.at("merges"), [&](const Json&, std::string_view left, std::string_view right) {
    if (bytes) out.merges.push_back(joined({left, " ", right}));
    else scores.try_emplace(joined({left, right}), -static_cast<float>(scores.size()));
  });
  std::map<Token, bool> added;  // and whether it is special
  if (const auto list = root.find_value("added_tokens"))
    for (const Json entry : list->elements())
      added[static_cast<Token>(entry.at("id").integer())] = json_flag(entry, "special", false);
  for (Token token = 0; token < tokenizer.size(); ++token) {
    const std::string_view piece = tokenizer.piece(token);
    const auto is = added.find(token);
    const auto score = scores.find(piece);
    const TokenType type = token == tokenizer.unknown() && !bytes ? TokenType::unknown
                           : tokenizer.is_control(token)          ? TokenType::control
                           : is != added.end() ? (is->second ? TokenType::control : TokenType::user_defined)
                           : piece.empty()     ? TokenType::unused
                           : !bytes && byte_of_piece(piece) >= 0 ? TokenType::byte
                                                                 : TokenType::normal;
    out.add(piece, type,
            score == scores.end() ? (type == TokenType::normal ? added_score * 1000 : added_score) : score->second);
  }
  return true;
}

TFM_INLINE void set_roles(GgufWriter& file, const SpecialTokens& special) {
  const auto role = [&](const char* key, const std::optional<Token>& token) {
    if (token) file.set(key, static_cast<std::uint32_t>(*token));
  };
  role("tokenizer.ggml.bos_token_id", special.bos), role("tokenizer.ggml.eos_token_id", special.eos);
  role("tokenizer.ggml.unknown_token_id", special.unknown), role("tokenizer.ggml.padding_token_id", special.pad);
  file.set("tokenizer.ggml.add_bos_token", special.add_bos);
  file.set("tokenizer.ggml.add_eos_token", special.add_eos);
}

/// A telling text of which the tokenizer in `file` makes other tokens than `expected`; none: they agree.
TFM_INLINE std::optional<std::string_view> told_apart(const GgufWriter& file, const AnyTokenizer& expected) {
  const std::string head = file.head();
  const AnyTokenizer written = load_tokenizer(read_gguf_metadata(bytes_of(head), "the tokenizer to be written"));
  for (const std::string_view text : telling_texts())
    if (written.encode(UserText{text}) != expected.encode(UserText{text})) return text;
  return std::nullopt;
}

}  // namespace detail

TFM_INLINE std::vector<std::string> set_folder_vocabulary(GgufWriter& file, const std::filesystem::path& folder,
                                                          const FoundTokenizer& found, Index rows) {
  std::vector<std::string> notes;
  if (!found.jinja.empty()) file.set("tokenizer.chat_template", found.jinja);
  const AnyTokenizer& tokenizer = found.tokenizer;
  const auto left_out = [&](const std::string& why) {
    notes.push_back("the tokenizer of " + folder.string() + " is not written: " + why);
    return notes;
  };
  if (!tokenizer) return left_out("there is none that is read");
  detail::VocabularyTables tables;
  std::string why;
  std::error_code absent;
  const bool model = std::filesystem::exists(folder / "tokenizer.model", absent);
  if (!(model ? detail::sentencepiece_tables(folder / "tokenizer.model", tokenizer, tables, why)
              : detail::json_tables(folder / "tokenizer.json", tokenizer, tables, why)))
    return left_out("GGUF has no words for " + why);
  for (Index i = tokenizer.size(); i < rows; ++i)
    tables.add("[PAD" + std::to_string(i) + "]", TokenType::unused, detail::added_score);
  GgufWriter with = file;
  tables.set(with);
  detail::set_roles(with, tokenizer.special());
  if (const auto text = detail::told_apart(with, tokenizer))
    return left_out("read again, it makes other tokens of " + in_quotes(*text));
  file = std::move(with);
  return notes;
}

}  // namespace tfm::inline TFM_ABI
