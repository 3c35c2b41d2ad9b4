// What added_tokens_files.hpp declares.
#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tfm::inline TFM_ABI {

TFM_INLINE void complete_added_tokens(TokenizerConfig& config, const JsonDocument* added_tokens, const JsonDocument* special_tokens_map) {
  std::vector<DeclaredToken> declared;
  if (added_tokens != nullptr)
    for (const Json id : added_tokens->root().members()) {
      DeclaredToken& token = declared.emplace_back();
      token.token.content = id.key();
      token.token.special = false;
      token.id = id.integer(0, INT32_MAX);
    }
  if (config.has_decoder) {
    for (const DeclaredToken& token : declared) {
      const auto same = std::find_if(config.added.begin(), config.added.end(), [&](const DeclaredToken& t) { return t.token.content == token.token.content; });
      const std::string said = "added_tokens.json says " + in_quotes(token.token.content) + " is " + std::to_string(token.id);
      if (same == config.added.end())
        config.added_notes.push_back(said + ", tokenizer_config.json's added_tokens_decoder has no such token: it is not added");
      else if (same->id != token.id)
        config.added_notes.push_back(said + ", tokenizer_config.json's added_tokens_decoder " + std::to_string(same->id) + ": the latter counts");
    }
    return;
  }
  if (special_tokens_map != nullptr) {
    const Json root = special_tokens_map->root();
    const auto role = [&](std::string_view key, std::optional<std::string>& piece) {
      const auto said = detail::spelling(root, key);
      if (!said) return;
      if (piece && *piece != *said)
        config.added_notes.push_back("special_tokens_map.json says " + std::string(key) + " is " + in_quotes(*said) + ", tokenizer_config.json " +
                               in_quotes(*piece) + ": the former counts");
      piece = said;
    };
    role("bos_token", config.bos), role("eos_token", config.eos), role("unk_token", config.unknown), role("pad_token", config.pad);
    detail::read_further_tokens(root, config);
  }
  const auto is_role = [&](const std::string& content) {
    const auto names = config.special_pieces();
    return std::find(names.begin(), names.end(), content) != names.end();
  };
  for (DeclaredToken& token : declared) token.token.special = is_role(token.token.content);
  std::sort(declared.begin(), declared.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
  config.added = std::move(declared);
}

}  // namespace tfm::inline TFM_ABI
