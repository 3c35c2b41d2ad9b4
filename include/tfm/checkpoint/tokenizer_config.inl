// What tokenizer_config.hpp declares.
#include <algorithm>
#include <charconv>

namespace tfm::inline TFM_ABI {

TFM_INLINE std::vector<std::string> TokenizerConfig::special_pieces() const {
  std::vector<std::string> all;
  for (const auto* const piece : {&bos, &eos, &unknown, &sep, &pad, &cls, &mask})
    if (*piece) all.push_back(**piece);
  all.insert(all.end(), further.begin(), further.end());
  return all;
}

namespace detail {

TFM_INLINE std::optional<std::string> spelling(const Json& root, std::string_view key) {
  const auto value = root.find_value(key);
  if (!value) return std::nullopt;
  const std::string_view text = value->is(JsonKind::object) ? value->at("content").text() : value->text();
  return text.empty() ? std::nullopt : std::optional(std::string(text));
}

TFM_INLINE AddedToken read_added_token(const Json& value) {
  const auto flag = [&](std::string_view key, bool otherwise) {
    const auto found = value.find_value(key);
    return found ? found->boolean() : otherwise;
  };
  return {.content = std::string(value.at("content").text()),
          .special = flag("special", false),
          .rule = {.takes_left = flag("lstrip", false), .takes_right = flag("rstrip", false), .whole_word = flag("single_word", false)},
          .normalized = flag("normalized", !flag("special", false))};
}

TFM_INLINE void read_decoder(const Json& decoder, TokenizerConfig& config) {
  config.has_decoder = true;
  for (const Json entry : decoder.members()) {
    const std::string_view key = entry.key();
    std::int32_t id = -1;
    const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), id);
    if (error != std::errc() || end != key.data() + key.size() || id < 0) entry.refuse("expected a token's number for a key");
    config.added.push_back({read_added_token(entry), id});
  }
  std::sort(config.added.begin(), config.added.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
}

TFM_INLINE void read_further_tokens(const Json& root, TokenizerConfig& config) {
  const auto set = [&](std::string_view key, std::optional<std::string>& piece) {
    if (auto said = spelling(root, key)) piece = std::move(said);
  };
  set("sep_token", config.sep), set("cls_token", config.cls), set("mask_token", config.mask);
  for (const std::string_view key : {"additional_special_tokens", "extra_special_tokens"}) {
    const auto list = root.find_value(key);
    if (!list) continue;
    for (const Json entry : list->is(JsonKind::object) ? list->members() : list->elements()) {
      const std::string_view piece = entry.is(JsonKind::object) ? entry.at("content").text() : entry.text();
      if (!piece.empty() && std::find(config.further.begin(), config.further.end(), piece) == config.further.end())
        config.further.emplace_back(piece);
    }
  }
}

/// One template, or a list of {name, template}, of which the one called "default" is for chat.
TFM_INLINE std::optional<std::string> read_chat_template(const Json& root, std::vector<std::string>& notes) {
  const auto value = root.find_value("chat_template");
  if (!value) return std::nullopt;
  if (!value->is(JsonKind::array)) return std::string(value->text());
  std::optional<std::string> first;
  std::string first_name;
  for (const Json entry : value->elements()) {
    if (entry.at("name").text() == "default") return std::string(entry.at("template").text());
    if (!first) first = entry.at("template").text(), first_name = in_quotes(entry.at("name").text());
  }
  if (first) notes.push_back("none of the chat templates is called 'default': " + first_name + " is taken");
  return first;
}

}  // namespace detail

TFM_INLINE TokenizerConfig read_tokenizer_config(const JsonDocument& document) {
  const Json root = document.root();
  const auto flag = [&](std::string_view key) -> std::optional<bool> {
    const auto value = root.find_value(key);
    return value ? std::optional(value->boolean()) : std::nullopt;
  };
  TokenizerConfig config;
  config.bos = detail::spelling(root, "bos_token");
  config.eos = detail::spelling(root, "eos_token");
  config.unknown = detail::spelling(root, "unk_token");
  config.pad = detail::spelling(root, "pad_token");
  config.add_bos = flag("add_bos_token");
  config.add_eos = flag("add_eos_token");
  config.add_prefix_space = flag("add_prefix_space");
  const auto kind = root.find_value("tokenizer_class");
  config.llama = kind && kind->text().starts_with("LlamaTokenizer") && !flag("legacy").value_or(false);
  detail::read_further_tokens(root, config);
  if (const auto decoder = root.find_value("added_tokens_decoder")) detail::read_decoder(*decoder, config);
  config.chat_template = detail::read_chat_template(root, config.notes);
  return config;
}

TFM_INLINE AnyTokenizer with_config(const AnyTokenizer& tokenizer, const TokenizerConfig& config,
                                std::vector<std::string>& notes) {
  SpecialTokens special = tokenizer.special();
  const auto set = [&](const char* role, const std::optional<std::string>& piece, std::optional<Token>& token) {
    if (!piece) return;
    const auto found = tokenizer.find(*piece);
    const std::string said = std::string("tokenizer_config.json says ") + role + " is " + in_quotes(*piece);
    if (!found) {
      notes.push_back(said + ", which the vocabulary does not have");
    } else {
      if (token && *token != *found)
        notes.push_back(said + " (" + std::to_string(*found) + "), the vocabulary says " + std::to_string(*token) +
                        ": " + std::to_string(*found) + " is used");
      token = found;
    }
  };
  set("bos", config.bos, special.bos);
  set("eos", config.eos, special.eos);
  set("unk", config.unknown, special.unknown);
  set("pad", config.pad, special.pad);
  special.add_bos = config.add_bos.value_or(special.add_bos) && special.bos.has_value();
  special.add_eos = config.add_eos.value_or(special.add_eos) && special.eos.has_value();
  return tokenizer.with_special(special);
}

}  // namespace tfm::inline TFM_ABI
