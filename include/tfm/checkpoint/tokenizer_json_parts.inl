// What tokenizer_json_parts.hpp declares.
#include <array>
#include <charconv>
#include <optional>

#include "tfm/text/byte_alphabet.hpp"
#include "tfm/text/charsmap.hpp"
#include "tfm/text/splitters.hpp"

namespace tfm::inline TFM_ABI {

namespace detail {

TFM_INLINE bool json_flag(const Json& value, std::string_view key, bool otherwise) {
  const auto found = value.find_value(key);
  return found ? found->boolean() : otherwise;
}
[[noreturn]] TFM_INLINE void refuse_kind(const Json& kind, std::string_view expected = {}) {
  kind.refuse({"found ", kind.found(), expected.empty() ? ", which is not supported" : ", expected ", expected});
}

/// The steps of a part, those of Sequences one after another; none where it is null or missing.
TFM_INLINE void add_steps(const Json& step, std::string_view list, int depth, std::vector<Json>& steps) {
  if (step.at("type").text() != "Sequence") return steps.push_back(step);
  if (depth > 10) step.refuse("more than 10 Sequences inside one another");
  for (const Json inner : step.at(list).elements()) add_steps(inner, list, depth + 1, steps);
}
TFM_INLINE std::vector<Json> json_steps(const Json& root, std::string_view key, std::string_view list) {
  std::vector<Json> steps;
  if (const auto value = root.find_value(key)) add_steps(*value, list, 0, steps);
  return steps;
}

TFM_INLINE std::string literal_pattern(std::string_view text) {
  std::string pattern;
  for (std::size_t at = 0; at < text.size();) {
    char hex[8];
    const auto end = std::to_chars(hex, hex + sizeof hex, static_cast<unsigned>(next_code_point(text, at)), 16).ptr;
    pattern.append("\\x{").append(hex, end).append("}");
  }
  return pattern;
}
/// The expression of a {"String"} or {"Regex"}.
TFM_INLINE std::string read_pattern_of(const Json& step) {
  const Json pattern = step.at("pattern");
  if (const auto text = pattern.find("String")) {
    if (text->text().empty()) text->refuse("found no text, expected one");
    return literal_pattern(text->text());
  }
  return std::string(pattern.at("Regex").text());
}
TFM_INLINE std::string place_of(const Json& value) { return value.file() + ": " + in_quotes(value.path()); }

TFM_INLINE std::string from_base64(const Json& value) {
  std::string out;
  std::uint32_t bits = 0;
  int count = 0;
  std::string_view text = value.text();
  while (text.ends_with('=')) text.remove_suffix(1);
  for (const char c : text) {
    const int digit = c >= 'A' && c <= 'Z'   ? c - 'A'
                      : c >= 'a' && c <= 'z' ? c - 'a' + 26
                      : c >= '0' && c <= '9' ? c - '0' + 52
                      : c == '+'             ? 62
                      : c == '/'             ? 63
                                             : -1;
    if (digit < 0) value.refuse("found a character that is none of Base64's");
    bits = bits << 6 | static_cast<std::uint32_t>(digit), count += 6;
    if (count >= 8) out.push_back(static_cast<char>(static_cast<unsigned char>(bits >> (count -= 8) & 0xFF)));
  }
  return out;
}

TFM_INLINE NormalizerStep normalizer_step(const Json& step) {
  using Kind = NormalizerStep::Kind;
  constexpr std::array<std::pair<std::string_view, Kind>, 8> plain{
      {{"NFC", Kind::nfc}, {"NFD", Kind::nfd}, {"NFKC", Kind::nfkc}, {"NFKD", Kind::nfkd},
       {"Lowercase", Kind::lowercase}, {"StripAccents", Kind::strip_accents}, {"Nmt", Kind::nmt},
       {"ByteLevel", Kind::byte_level}}};
  const Json type = step.at("type");
  const std::string_view kind = type.text();
  for (const auto& [name, is] : plain)
    if (kind == name) return {.kind = is};
  if (kind == "Strip")
    return {.kind = Kind::strip,
            .left = json_flag(step, "strip_left", true),
            .right = json_flag(step, "strip_right", true)};
  if (kind == "Prepend") return {.kind = Kind::prepend, .text = std::string(step.at("prepend").text())};
  if (kind == "Replace")
    return {.kind = Kind::replace,
            .text = std::string(step.at("content").text()),
            .pattern = Pattern(read_pattern_of(step), place_of(step))};
  if (kind == "BertNormalizer") {
    const bool small = json_flag(step, "lowercase", true);
    return {.kind = Kind::bert,
            .clean_text = json_flag(step, "clean_text", true),
            .spaced_chinese = json_flag(step, "handle_chinese_chars", true),
            .bare_letters = json_flag(step, "strip_accents", small),
            .small_letters = small};
  }
  if (kind != "Precompiled") refuse_kind(type);
  const Json rules = step.at("precompiled_charsmap");
  NormalizerStep charsmap{.kind = Kind::charsmap, .text = from_base64(rules)};
  if (charsmap.text.empty()) rules.refuse("found no rules");
  check_charsmap(charsmap.text, rules.file());
  return charsmap;
}
TFM_INLINE Normalizer read_normalizer(const Json& root) {
  Normalizer normalizer(root.file());
  for (const Json& step : json_steps(root, "normalizer", "normalizers")) normalizer.add(normalizer_step(step));
  return normalizer;
}

TFM_INLINE SplitBehavior read_behavior(const Json& step) {
  constexpr std::array<std::string_view, 5> names{"Removed", "Isolated", "MergedWithPrevious", "MergedWithNext",
                                                  "Contiguous"};
  const Json behavior = step.at("behavior");
  for (std::size_t i = 0; i < names.size(); ++i)
    if (behavior.text() == names[i]) return static_cast<SplitBehavior>(i);
  refuse_kind(behavior);
}
TFM_INLINE void add_metaspace(const Json& step, PreTokenizer& out) {
  const std::string mark(step.at("replacement").text());
  if (mark.empty()) step.at("replacement").refuse("found no text, expected a character");
  PrependScheme scheme = json_flag(step, "add_prefix_space", true) ? PrependScheme::always : PrependScheme::never;
  if (const auto said = step.find_value("prepend_scheme")) {
    if (said->text() == "always") scheme = PrependScheme::always;
    else if (said->text() == "first") scheme = PrependScheme::first;
    else if (said->text() == "never") scheme = PrependScheme::never;
    else refuse_kind(*said, "'always', 'first' or 'never'");
  }
  out.add_mark(mark, scheme);
  if (json_flag(step, "split", true)) out.add(literal_pattern(mark), place_of(step), SplitBehavior::merged_with_next);
}
/// Rust's \w: letters, marks, digits, connectors, and what else is alphabetic or joins.
inline constexpr std::string_view rust_word =
    R"(\p{L}\p{M}\p{Nd}\p{Nl}\p{Pc}\u200C\u200D\u24B6-\u24E9\x{1F130}-\x{1F149}\x{1F150}-\x{1F169}\x{1F170}-\x{1F189})";
inline constexpr std::string_view punctuation = R"([\p{P}!-/:-@\[-`{-~])";

TFM_INLINE void add_pre_tokenizer(const Json& step, PreTokenizer& out) {
  const Json type = step.at("type");
  const std::string_view kind = type.text();
  const std::string place = place_of(step);
  if (kind == "Split")
    return out.add(read_pattern_of(step), place, read_behavior(step), json_flag(step, "invert", false));
  if (kind == "Metaspace") return add_metaspace(step, out);
  if (kind == "WhitespaceSplit") return out.add(R"(\s)", place, SplitBehavior::removed);
  if (kind == "Whitespace") {
    const std::string word(rust_word);
    return out.add("[" + word + "]+|[^" + word + "\\s]+", place, SplitBehavior::removed, true);
  }
  if (kind == "BertPreTokenizer")
    return out.add(R"(\s)", place, SplitBehavior::removed), out.add(punctuation, place, SplitBehavior::isolated);
  if (kind == "Punctuation")
    return out.add(punctuation, place, step.find_value("behavior") ? read_behavior(step) : SplitBehavior::isolated);
  if (kind == "Digits")
    return out.add(R"(\p{N})", place,
                   json_flag(step, "individual_digits", false) ? SplitBehavior::isolated : SplitBehavior::contiguous);
  if (kind == "CharDelimiterSplit")
    return out.add(literal_pattern(step.at("delimiter").text()), place, SplitBehavior::removed);
  if (kind == "FixedLength")
    return out.add("(?:.|\\n){1," + std::to_string(step.at("length").integer(1, 1000)) + "}", place,
                   SplitBehavior::isolated);
  refuse_kind(type);
}
TFM_INLINE PreTokenizer read_pre_tokenizer(const Json& root, bool& bytes) {
  PreTokenizer out;
  const auto steps = json_steps(root, "pre_tokenizer", "pretokenizers");
  bytes = false;
  bool in_alphabet = false;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    if (steps[i].at("type").text() != "ByteLevel") {
      add_pre_tokenizer(steps[i], out);
      continue;
    }
    if (std::exchange(bytes, true)) steps[i].refuse("found a second 'ByteLevel', expected one");
    if (json_flag(steps[i], "add_prefix_space", true)) out.add_prefix_space();
    if (json_flag(steps[i], "use_regex", true)) out.add(gpt2_words, place_of(steps[i]));
    if (i + 1 < steps.size()) out.add_to_alphabet(), in_alphabet = true;  // what follows cuts the alphabet's characters
  }
  if (in_alphabet) out.add_from_alphabet();
  return out;
}

TFM_INLINE void add_decoder_step(const Json& step, TokenizerDecoder& out, bool& fused) {
  const Json type = step.at("type");
  const std::string_view kind = type.text();
  if (kind == "Replace" && !fused && !out.byte_fallback && step.at("pattern").find("String")) {
    if (step.at("pattern").at("String").text().empty()) step.refuse("found no text, expected one");
    out.replaced.emplace_back(step.at("pattern").at("String").text(), step.at("content").text());
  } else if (kind == "ByteFallback" && !fused) {
    out.byte_fallback = true;
  } else if (kind == "Fuse") {
    fused = true;
  } else if (kind == "Strip" && fused && !out.strips_space && step.at("content").text() == " " &&
             step.at("start").integer() <= 1 && step.at("stop").integer() == 0) {
    out.strips_space = step.at("start").integer() == 1;
  } else if (kind == "Strip") {
    step.refuse(
        {"found ", type.found(), ", expected it behind a 'Fuse' and taking one space from the text's beginning"});
  } else {
    refuse_kind(type);
  }
}
TFM_INLINE TokenizerDecoder read_decoder_part(const Json& root) {
  using Kind = TokenizerDecoder::Kind;
  const auto steps = json_steps(root, "decoder", "decoders");
  if (steps.empty()) return {};
  const std::string_view kind = steps.front().at("type").text();
  if (steps.size() == 1 && kind == "ByteLevel") return {.kind = Kind::byte_level};
  if (steps.size() == 1 && kind == "WordPiece") {
    const auto prefix = steps.front().find_value("prefix");
    return {.kind = Kind::word_piece,
            .mark = std::string(prefix ? prefix->text() : "##"),
            .cleans_up = json_flag(steps.front(), "cleanup", true)};
  }
  if (steps.size() == 1 && kind == "Metaspace") {
    const auto scheme = steps.front().find_value("prepend_scheme");
    const bool drops = scheme ? scheme->text() != "never" : json_flag(steps.front(), "add_prefix_space", true);
    const Json mark = steps.front().at("replacement");
    if (mark.text().empty()) mark.refuse("found no text, expected a character");
    return {.kind = Kind::metaspace, .mark = std::string(mark.text()), .drops_first = drops};
  }
  TokenizerDecoder out{.kind = Kind::steps};
  bool fused = false;
  for (const Json& step : steps) add_decoder_step(step, out, fused);
  return out;
}

TFM_INLINE PostProcessor::Part template_part(const Json& step, const Json& part) {
  const auto type = [](const Json& value) { return static_cast<std::int32_t>(value.at("type_id").integer(0, 1000)); };
  if (const auto sequence = part.find("Sequence")) {
    const Json id = sequence->at("id");
    if (id.text() != "A" && id.text() != "B") refuse_kind(id, "'A' or 'B'");
    return {.text = id.text() == "A" ? 0 : 1, .type = type(*sequence)};
  }
  const Json token = part.at("SpecialToken"), name = token.at("id");
  const auto entry = step.at("special_tokens").find(name.text());
  if (!entry) name.refuse({"found ", name.found(), ", which 'special_tokens' does not have"});
  PostProcessor::Part out{.type = type(token)};
  for (const Json id : entry->at("ids").elements())
    out.tokens.push_back(static_cast<Token>(id.integer(0, most_json_tokens - 1)));
  return out;
}
TFM_INLINE PostProcessor::Part named_token(const Json& step, std::string_view key, std::int32_t type) {
  const Json pair = step.at(key);
  if (pair.size() != 2) pair.refuse({"found ", pair.size(), " values, expected a token and its number"});
  const Json id = *++pair.elements().begin();
  return {.type = type, .tokens = {static_cast<Token>(id.integer(0, most_json_tokens - 1))}};
}
TFM_INLINE PostProcessor read_post_processor(const Json& root) {
  PostProcessor out;
  bool found = false;
  for (const Json& step : json_steps(root, "post_processor", "processors")) {
    const Json type = step.at("type");
    const std::string_view kind = type.text();
    if (kind == "ByteLevel") continue;  // it moves offsets alone
    if (std::exchange(found, true))
      step.refuse({"found ", type.found(), " as a second step that adds tokens, expected one"});
    if (kind == "TemplateProcessing") {
      out.single.clear(), out.pair.clear();
      for (const Json part : step.at("single").elements()) out.single.push_back(template_part(step, part));
      for (const Json part : step.at("pair").elements()) out.pair.push_back(template_part(step, part));
    } else if (kind == "BertProcessing" || kind == "RobertaProcessing") {
      const bool bert = kind == "BertProcessing";
      const auto cls = named_token(step, "cls", 0), sep = named_token(step, "sep", 0),
                 last = named_token(step, "sep", bert ? 1 : 0);
      out.single = {cls, {.text = 0}, sep};
      out.pair = {cls, {.text = 0}, sep};
      if (!bert) out.pair.push_back(sep);
      out.pair.push_back({.text = 1, .type = bert ? 1 : 0}), out.pair.push_back(last);
    } else {
      refuse_kind(type);
    }
  }
  return out;
}

/// What WordPiece's decoder puts right in each token, in order.
inline constexpr std::array<std::pair<std::string_view, std::string_view>, 11> cleaned_up{
    {{" .", "."}, {" ?", "?"}, {" !", "!"}, {" ,", ","}, {" ' ", "'"}, {" n't", "n't"}, {" 'm", "'m"},
     {" do not", " don't"}, {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"}}};

TFM_INLINE void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != text.npos; at += to.size()) text.replace(at, from.size(), to);
}

}  // namespace detail

TFM_INLINE LeadingSpace TokenizerDecoder::leading() const noexcept {
  const bool drops = kind == Kind::joined || kind == Kind::word_piece || (kind == Kind::metaspace && drops_first) ||
                     (kind == Kind::steps && strips_space);
  return drops ? LeadingSpace::drop_one : LeadingSpace::keep;
}

TFM_INLINE std::string TokenizerDecoder::spell(std::string_view piece, bool first) const {
  std::string text(piece);
  switch (kind) {
    case Kind::joined: return first ? text : " " + text;
    case Kind::byte_level: {
      std::string bytes;
      return append_spelt_bytes(bytes, piece) ? bytes : text;
    }
    case Kind::word_piece:
      if (!first && text.starts_with(mark)) text.erase(0, mark.size());
      else if (!first) text.insert(0, " ");
      if (!cleans_up) return text;
      for (const auto& [from, to] : detail::cleaned_up)
        detail::replace_all(text, from, to);
      return text;
    case Kind::metaspace: detail::replace_all(text, mark, first && drops_first ? "" : " "); return text;
    case Kind::steps: break;
  }
  for (const auto& [from, to] : replaced) detail::replace_all(text, from, to);
  if (const int byte = detail::byte_of_piece(text); byte >= 0 && byte_fallback)
    return std::string(1, static_cast<char>(static_cast<unsigned char>(byte)));
  if (first && strips_space && text.starts_with(' ')) text.erase(0, 1);
  return text;
}

}  // namespace tfm::inline TFM_ABI
