#pragma once
// TokenizerConfig: what Hugging Face's tokenizer_config.json (and chat_template.jinja) says beside a vocabulary.
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tfm/formats/json.hpp"
#include "tfm/text/tokenizer.hpp"

namespace tfm::inline TFM_ABI {

struct TokenizerConfig {
  std::optional<std::string> bos, eos, unknown, pad;  ///< as the vocabulary spells them
  std::optional<bool> add_bos, add_eos;
  std::optional<std::string> chat_template;  ///< Jinja source
  std::vector<std::string> notes;
};

namespace detail {

/// A token's spelling: a string, or an AddedToken object around one; an empty one is none.
inline std::optional<std::string> spelling(const Json& root, std::string_view key) {
  const auto value = root.find_value(key);
  if (!value) return std::nullopt;
  const std::string_view text = value->is(JsonKind::object) ? value->at("content").text() : value->text();
  return text.empty() ? std::nullopt : std::optional(std::string(text));
}

/// One template, or a list of {name, template}, of which the one called "default" is for chat.
inline std::optional<std::string> read_chat_template(const Json& root, std::vector<std::string>& notes) {
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

/// Errors: LoadError that names the file, the key, found and expected.
inline TokenizerConfig read_tokenizer_config(const JsonDocument& document) {
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
  config.chat_template = detail::read_chat_template(root, config.notes);
  return config;
}

/// The tokenizer with the roles that the configuration gives: as in transformers, it has the last word. What it says
/// that the vocabulary does not have, or has otherwise, is told in `notes`.
inline AnyTokenizer with_config(const AnyTokenizer& tokenizer, const TokenizerConfig& config,
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
