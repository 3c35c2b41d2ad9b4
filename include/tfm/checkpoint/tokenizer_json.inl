// What tokenizer_json.hpp declares.
#include <unordered_map>

namespace tfm::inline TFM_ABI {

TFM_INLINE ByteBpeTables TokenizerJson::tables() const {
  return {.pieces = pieces, .merge_pairs = merges, .types = types, .rules = rules, .special = special, .pre_tokenizer = pre_tokenizer, .what = what};
}

namespace detail {

/// The parts of a pipeline: one, or those of a Sequence; none where it is null or missing.
TFM_INLINE std::vector<Json> json_steps(const Json& root, std::string_view key, std::string_view list) {
  std::vector<Json> steps;
  const auto value = root.find_value(key);
  if (!value) return steps;
  if (value->at("type").text() != "Sequence") return {*value};
  for (const Json step : value->at(list).elements()) {
    if (step.at("type").text() == "Sequence") step.refuse("found a Sequence inside a Sequence, expected single steps");
    steps.push_back(step);
  }
  return steps;
}

TFM_INLINE bool json_flag(const Json& value, std::string_view key, bool otherwise) {
  const auto found = value.find_value(key);
  return found ? found->boolean() : otherwise;
}

TFM_INLINE void must_be(const Json& value, std::string_view key, bool otherwise, bool expected) {
  if (json_flag(value, key, otherwise) != expected)
    value.refuse({in_quotes(key), ": found ", expected ? "false" : "true", ", expected ", expected ? "true" : "false"});
}

/// "gpt-2" for ByteLevel, "smollm" for Digits before it.
TFM_INLINE std::string_view read_pre_tokenizer(const Json& root) {
  constexpr std::string_view expected = "expected 'ByteLevel', or 'Digits' and 'ByteLevel'";
  const auto steps = json_steps(root, "pre_tokenizer", "pretokenizers");
  if (steps.empty()) root.refuse({"no 'pre_tokenizer', ", expected});
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const Json kind = steps[i].at("type");
    const bool last = i + 1 == steps.size();
    if (last ? kind.text() != "ByteLevel" : kind.text() != "Digits" || i > 0) kind.refuse({"found ", kind.found(), ", ", expected});
    if (last) must_be(steps[i], "add_prefix_space", true, false), must_be(steps[i], "use_regex", true, true);
    else must_be(steps[i], "individual_digits", false, true);
  }
  return steps.size() == 2 ? "smollm" : "gpt-2";
}

/// What a TemplateProcessing writes around a text: at most one token before it and one behind.
TFM_INLINE void read_template(const Json& step, SpecialTokens& special) {
  const auto id_of = [&](const Json& token) {
    const Json name = token.at("id");
    const auto entry = step.at("special_tokens").find(name.text());
    if (!entry) name.refuse({"found ", name.found(), ", which 'special_tokens' does not have"});
    const Json ids = entry->at("ids");
    if (ids.size() != 1) ids.refuse({"found ", ids.size(), " ids, expected one"});
    return static_cast<Token>((*ids.elements().begin()).integer(0, most_json_tokens - 1));
  };
  bool text = false;
  for (const Json part : step.at("single").elements()) {
    if (part.find("Sequence")) {
      if (std::exchange(text, true)) part.refuse("found the text twice, expected once");
      continue;
    }
    bool& adds = text ? special.add_eos : special.add_bos;
    if (std::exchange(adds, true)) part.refuse("found a second token on this side of the text, expected at most one");
    (text ? special.eos : special.bos) = id_of(part.at("SpecialToken"));
  }
  if (!text) step.at("single").refuse("found no text, expected one");
}

TFM_INLINE void read_json_pieces(const Json& model, TokenizerJson& out) {
  const auto place = [&](const Json& id, std::string_view piece) -> std::string& {
    const auto at = to_size(id.integer(0, most_json_tokens - 1));
    if (at >= out.spelt.size()) out.spelt.resize(at + 1), out.types.resize(at + 1, static_cast<std::int32_t>(TokenType::normal));
    if (!out.spelt[at].empty() && out.spelt[at] != piece)
      id.refuse({"token ", at, " is ", in_quotes(out.spelt[at]), " and ", in_quotes(piece), ", expected one piece for a number"});
    return out.spelt[at];
  };
  for (const Json id : model.at("vocab").members()) place(id, id.key()) = id.key();
}

TFM_INLINE void read_json_added(const Json& root, TokenizerJson& out) {
  const auto list = root.find_value("added_tokens");
  if (!list) return;
  std::unordered_map<std::string_view, std::size_t> known;
  for (std::size_t i = 0; i < out.spelt.size(); ++i)
    if (!out.spelt[i].empty()) known.emplace(out.spelt[i], i);
  std::vector<std::pair<Json, AddedToken>> fresh;
  const auto settle = [&](std::size_t at, const AddedToken& token) {
    out.types[at] = static_cast<std::int32_t>(token.type());
    out.rules.emplace_back(static_cast<Token>(at), token.rule);
  };
  for (const Json entry : list->elements()) {
    AddedToken token = read_added_token(entry);
    const Json id = entry.at("id");
    const auto said = to_size(id.integer(0, most_json_tokens - 1));
    if (token.content.empty()) {
      out.notes.push_back("the added token " + std::to_string(said) + " has no text: it is left out");
      continue;
    }
    const auto is = known.find(token.content);
    if (is == known.end()) {
      fresh.emplace_back(id, std::move(token));
      continue;
    }
    if (is->second != said) id.refuse({"found ", said, ", expected ", is->second, ", by which the vocabulary knows ", in_quotes(token.content)});
    settle(said, token);
  }
  for (auto& [id, token] : fresh) {
    const auto at = to_size(id.integer());
    if (at < out.spelt.size() && !out.spelt[at].empty()) {
      if (out.spelt[at] == token.content) continue;  // there twice
      id.refuse({"found ", at, " for ", in_quotes(token.content), ", which is ", in_quotes(out.spelt[at]), " in the vocabulary"});
    }
    if (at >= out.spelt.size()) out.spelt.resize(at + 1), out.types.resize(at + 1, static_cast<std::int32_t>(TokenType::normal));
    out.spelt[at] = token.content;
    settle(at, token);
  }
}

TFM_INLINE void read_json_merges(const Json& model, TokenizerJson& out) {
  const Json merges = model.at("merges");
  out.merge_parts.reserve(2 * to_size(merges.size()));
  for (const Json merge : merges.elements()) {
    std::string_view left, right;
    if (merge.is(JsonKind::text)) {
      const std::string_view both = merge.text();
      const std::size_t space = both.empty() ? std::string_view::npos : both.find(' ', 1);
      if (space == std::string_view::npos) merge.refuse({"found ", merge.found(), ", expected two pieces with a space between"});
      left = both.substr(0, space), right = both.substr(space + 1);
    } else {
      if (merge.size() != 2) merge.refuse({"found ", merge.size(), " pieces, expected two"});
      auto part = merge.elements().begin();
      left = (*part).text(), right = (*++part).text();
    }
    out.merge_parts.emplace_back(left), out.merge_parts.emplace_back(right);
  }
}

/// Whether the model is byte-level BPE without anything else.
TFM_INLINE void require_plain_bpe(const Json& model) {
  const auto type = model.find_value("type");
  if (type && type->text() != "BPE") type->refuse({"found ", type->found(), ", expected 'BPE'"});
  for (const std::string_view key : {"continuing_subword_prefix", "end_of_word_suffix"})
    if (const auto value = model.find_value(key); value && !value->text().empty()) value->refuse({"found ", value->found(), ", expected none"});
  for (const std::string_view key : {"byte_fallback", "ignore_merges"}) must_be(model, key, false, false);
  if (const auto dropout = model.find_value("dropout"); dropout && dropout->number() != 0)
    dropout->refuse({"found ", dropout->found(), ", expected none"});
}

}  // namespace detail

TFM_INLINE TokenizerJson read_tokenizer_json(const JsonDocument& document) {
  const Json root = document.root();
  TokenizerJson out;
  out.what = root.file();
  const Json model = root.at("model");
  detail::require_plain_bpe(model);
  for (const Json& step : detail::json_steps(root, "normalizer", "normalizers"))
    step.refuse({"found ", step.at("type").found(), ", expected no normalizer"});
  out.pre_tokenizer = detail::read_pre_tokenizer(root);
  for (const Json& step : detail::json_steps(root, "decoder", "decoders"))
    if (const Json kind = step.at("type"); kind.text() != "ByteLevel") kind.refuse({"found ", kind.found(), ", expected 'ByteLevel'"});
  for (const Json& step : detail::json_steps(root, "post_processor", "processors")) {
    const Json kind = step.at("type");
    if (kind.text() == "TemplateProcessing") detail::read_template(step, out.special);
    else if (kind.text() != "ByteLevel") kind.refuse({"found ", kind.found(), ", expected 'ByteLevel' or 'TemplateProcessing'"});
  }
  detail::read_json_pieces(model, out);
  detail::read_json_added(root, out);
  detail::read_json_merges(model, out);
  out.pieces.assign(out.spelt.begin(), out.spelt.end());
  for (std::size_t i = 0; i < out.merge_parts.size(); i += 2) out.merges.emplace_back(out.merge_parts[i], out.merge_parts[i + 1]);
  return out;
}

}  // namespace tfm::inline TFM_ABI
