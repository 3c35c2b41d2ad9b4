// What tokenizer_json_text.hpp declares.
#include <algorithm>
#include <cstdint>
#include <optional>
#include <tuple>
#include <utility>

namespace tfm::inline TFM_ABI {

namespace detail {

TFM_INLINE TokenType type_of(const GgufVocabulary& vocabulary, const AnyTokenizer& tokenizer, Token token) {
  if (tokenizer.is_control(token)) return TokenType::control;
  return vocabulary.types[to_size(token)] == static_cast<std::int32_t>(TokenType::user_defined) ? TokenType::user_defined : TokenType::normal;
}

/// Writes the members of an added token's object into `json`, after those that it has.
TFM_INLINE void write_added_token(JsonWriter& json, std::string_view piece, bool special) {
  json.member("content", piece).member("single_word", false).member("lstrip", false).member("rstrip", false);
  json.member("normalized", false).member("special", special).end();
}

/// `words`: it cuts a text into words too.
TFM_INLINE void write_byte_level(JsonWriter& json, bool words) {
  json.begin_object().member("type", "ByteLevel").member("add_prefix_space", false).member("trim_offsets", true);
  json.member("use_regex", words).end();
}

/// A pre-tokenizer that cuts as the GGUF name's does, in as few words as there are.
TFM_INLINE void write_pre_tokenizer(JsonWriter& json, std::string_view name) {
  const SplitterFacts& splitter = *splitter_named(pre_tokenizer_facts(name)->splitter);
  if (splitter.name == "mpt") {
    write_byte_level(json, true);
    return;
  }
  json.begin_object().member("type", "Sequence").key("pretokenizers").begin_array();
  if (splitter.name == "starcoder") {
    json.begin_object().member("type", "Digits").member("individual_digits", true).end();
    write_byte_level(json, true);
  } else {
    for (const std::string_view pattern : splitter.patterns)
      if (!pattern.empty()) {
        json.begin_object().member("type", "Split").key("pattern").begin_object().member("Regex", pattern).end();
        json.member("behavior", "Isolated").member("invert", false).end();
      }
    write_byte_level(json, false);
  }
  json.end().end();
}

/// A post-processor that writes bos and eos where the tokenizer adds them.
TFM_INLINE void write_post_processor(JsonWriter& json, const AnyTokenizer& tokenizer) {
  const SpecialTokens& special = tokenizer.special();
  const bool bos = special.add_bos && special.bos, eos = special.add_eos && special.eos;
  if (!bos && !eos) {
    json.null();
    return;
  }
  const auto part = [&](const char* kind, std::string_view id, int type) {
    json.begin_object().key(kind).begin_object().member("id", id).member("type_id", type).end().end();
  };
  const auto around = [&](const char* text, int type) {
    if (bos) part("SpecialToken", tokenizer.piece(*special.bos), type);
    part("Sequence", text, type);
    if (eos) part("SpecialToken", tokenizer.piece(*special.eos), type);
  };
  const auto declare = [&](Token id) {
    const std::string_view piece = tokenizer.piece(id);
    json.key(piece).begin_object().member("id", piece).key("ids").begin_array().value(id).end();
    json.key("tokens").begin_array().value(piece).end().end();
  };
  json.begin_object().member("type", "TemplateProcessing").key("single").begin_array();
  around("A", 0);
  json.end().key("pair").begin_array();
  around("A", 0), around("B", 1);
  json.end().key("special_tokens").begin_object();
  if (bos) declare(*special.bos);
  if (eos && !(bos && special.eos == special.bos)) declare(*special.eos);
  json.end().end();
}

}  // namespace detail

namespace detail {

/// What stands before the normalizer: the tokens that are matched as they are spelt.
TFM_INLINE void begin_tokenizer_json(JsonWriter& json, const GgufVocabulary& vocabulary, const AnyTokenizer& tokenizer) {
  json.begin_object(JsonLayout::lines).member("version", "1.0").key("truncation").null().key("padding").null();
  json.key("added_tokens").begin_array(JsonLayout::lines);
  each_added_token(vocabulary, tokenizer, [&](Token token, std::string_view piece, bool special) {
    write_added_token(json.begin_object().member("id", token), piece, special);
  });
  json.end().key("normalizer");
}

/// The pieces by number, those that can be written.
TFM_INLINE void write_pieces(JsonWriter& json, const AnyTokenizer& tokenizer) {
  json.key("vocab").begin_object(JsonLayout::lines);
  for (Token token = 0; token < tokenizer.size(); ++token) {
    const std::string_view piece = tokenizer.piece(token);
    if (!piece.empty() && fit_for_json(piece) && tokenizer.find(piece) == token) json.member(piece, token);
  }
  json.end();
}

/// The merges that scores stand for: of every piece, highest score first, all pairs of pieces that make it, in the order of transformers' converter
/// (convert_slow_tokenizer.py, generate_merges).
TFM_INLINE std::vector<std::pair<std::string_view, std::string_view>> merges_of_scores(const GgufVocabulary& vocabulary, const AnyTokenizer& tokenizer) {
  struct Merge {
    float score;
    std::size_t left_length, right_length;  // in characters
    std::string_view left, right;
  };
  const auto characters = [](std::string_view text) {
    return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
  };
  std::vector<Merge> merges;
  for (Token token = 0; token < tokenizer.size(); ++token) {
    const std::string_view piece = vocabulary.pieces[to_size(token)];
    if (vocabulary.types[to_size(token)] != static_cast<std::int32_t>(TokenType::normal) || tokenizer.find(piece) != token || !fit_for_json(piece)) continue;
    std::vector<std::pair<std::pair<Token, Token>, Merge>> own;
    for (std::size_t at = 1; at < piece.size(); ++at) {
      if ((static_cast<unsigned char>(piece[at]) & 0xC0) == 0x80) continue;
      const std::string_view left = piece.substr(0, at), right = piece.substr(at);
      const auto first = tokenizer.find(left), second = tokenizer.find(right);
      if (first && second) own.push_back({{*first, *second}, {vocabulary.scores[to_size(token)], characters(left), characters(right), left, right}});
    }
    std::sort(own.begin(), own.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    for (auto& [order, merge] : own) merges.push_back(merge);
  }
  std::stable_sort(merges.begin(), merges.end(), [](const Merge& a, const Merge& b) {
    return std::tie(a.score, a.left_length, a.right_length) > std::tie(b.score, b.left_length, b.right_length);
  });
  std::vector<std::pair<std::string_view, std::string_view>> pairs;
  for (const Merge& merge : merges) pairs.emplace_back(merge.left, merge.right);
  return pairs;
}

TFM_INLINE void write_replace(JsonWriter& json, std::string_view from, std::string_view to) {
  json.begin_object().member("type", "Replace").key("pattern").begin_object().member("String", from).end().member("content", to).end();
}

/// Of a vocabulary of kind llama: spaces are U+2581, one in front; bytes stand for what has no piece.
TFM_INLINE std::string sentencepiece_json_text(const GgufVocabulary& vocabulary, const AnyTokenizer& tokenizer) {
  constexpr std::string_view mark = "\xE2\x96\x81";
  const bool bytes = tokenizer.find("<0x00>").has_value();
  JsonWriter json;
  begin_tokenizer_json(json, vocabulary, tokenizer);
  json.begin_object().member("type", "Sequence").key("normalizers").begin_array();
  if (vocabulary.add_space_prefix) json.begin_object().member("type", "Prepend").member("prepend", mark).end();
  write_replace(json, " ", mark);
  json.end().end().key("pre_tokenizer").null().key("post_processor");
  write_post_processor(json, tokenizer);
  json.key("decoder").begin_object().member("type", "Sequence").key("decoders").begin_array();
  write_replace(json, mark, " ");
  json.begin_object().member("type", "ByteFallback").end().begin_object().member("type", "Fuse").end();
  if (vocabulary.add_space_prefix) json.begin_object().member("type", "Strip").member("content", " ").member("start", 1).member("stop", 0).end();
  json.end().end().key("model").begin_object(JsonLayout::lines).member("type", "BPE").key("dropout").null().key("unk_token");
  const auto unknown = tokenizer.unknown();
  unknown && fit_for_json(tokenizer.piece(*unknown)) ? json.value(tokenizer.piece(*unknown)) : json.null();
  json.key("continuing_subword_prefix").null().key("end_of_word_suffix").null();
  json.member("fuse_unk", true).member("byte_fallback", bytes).member("ignore_merges", false);
  write_pieces(json, tokenizer);
  json.key("merges").begin_array(JsonLayout::lines);
  for (const auto& [left, right] : merges_of_scores(vocabulary, tokenizer)) json.begin_array().value(left).value(right).end();
  return json.end().end().end().text() + "\n";
}

}  // namespace detail

TFM_INLINE std::string tokenizer_json_text(const GgufVocabulary& vocabulary, const AnyTokenizer& tokenizer) {
  if (vocabulary.kind == "llama") return detail::sentencepiece_json_text(vocabulary, tokenizer);
  JsonWriter json;
  detail::begin_tokenizer_json(json, vocabulary, tokenizer);
  const auto& facts = *pre_tokenizer_facts(vocabulary.pre_tokenizer);
  facts.nfc ? json.begin_object().member("type", "NFC").end() : json.null();
  json.key("pre_tokenizer");
  detail::write_pre_tokenizer(json, vocabulary.pre_tokenizer);
  json.key("post_processor");
  detail::write_post_processor(json, tokenizer);
  json.key("decoder");
  detail::write_byte_level(json, true);
  json.key("model").begin_object(JsonLayout::lines).member("type", "BPE").key("dropout").null().key("unk_token").null();
  json.key("continuing_subword_prefix").null().key("end_of_word_suffix").null();
  json.member("fuse_unk", false).member("byte_fallback", false).member("ignore_merges", facts.ignore_merges);
  detail::write_pieces(json, tokenizer);
  json.key("merges").begin_array(JsonLayout::lines);
  for (const std::string_view merge : vocabulary.merges) {
    const std::size_t space = merge.find(' ', 1);
    json.begin_array().value(merge.substr(0, space)).value(merge.substr(space + 1)).end();
  }
  return json.end().end().end().text() + "\n";
}

TFM_INLINE std::string tokenizer_config_text(const GgufVocabulary& vocabulary, const AnyTokenizer& tokenizer, const std::string& jinja) {
  const SpecialTokens& special = tokenizer.special();
  const bool sentencepiece = vocabulary.kind == "llama";
  JsonWriter json;
  json.begin_object(JsonLayout::lines).member("tokenizer_class", sentencepiece ? "LlamaTokenizer" : "PreTrainedTokenizerFast");
  const auto piece = [&](const char* key, const std::optional<Token>& token) {
    const bool sayable = token && !tokenizer.piece(*token).empty() && detail::fit_for_json(tokenizer.piece(*token));
    json.key(key);
    sayable ? json.value(tokenizer.piece(*token)) : json.null();
  };
  piece("bos_token", special.bos), piece("eos_token", special.eos), piece("unk_token", special.unknown), piece("pad_token", special.pad);
  json.member("add_bos_token", special.add_bos).member("add_eos_token", special.add_eos);
  if (!sentencepiece) {
    json.key("added_tokens_decoder").begin_object(JsonLayout::lines);
    detail::each_added_token(vocabulary, tokenizer, [&](Token token, std::string_view spelling, bool is_special) {
      detail::write_added_token(json.key(std::to_string(token)).begin_object(), spelling, is_special);
    });
    json.end().member("add_prefix_space", false);
  }
  json.member("clean_up_tokenization_spaces", false);
  if (!jinja.empty()) json.member("chat_template", jinja);
  return json.end().text() + "\n";
}

}  // namespace tfm::inline TFM_ABI
