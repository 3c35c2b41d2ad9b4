// What token_names.hpp declares.
#include <algorithm>

namespace tfm::inline TFM_ABI {

namespace detail {

TFM_INLINE std::optional<Token> control_token(const AnyTokenizer& tokenizer, std::string_view name) {
  const auto token = tokenizer.find(name);
  return token && tokenizer.is_control(*token) ? token : std::nullopt;
}

}  // namespace detail

TFM_INLINE std::vector<Token> ends_by_name(const AnyTokenizer& tokenizer, std::span<const Token> said) {
  std::vector<Token> found, doubtful;
  const bool end_is_of_message = detail::control_token(tokenizer, "<|return|>") || detail::control_token(tokenizer, "<|flush|>");
  for (const detail::EndName& end : detail::end_names) {
    if (end.name == "<|end|>" && end_is_of_message) continue;  // Harmony, Solar: a turn may have several messages
    const auto token = detail::control_token(tokenizer, end.name);
    if (!token || std::find(said.begin(), said.end(), *token) != said.end()) continue;
    const bool other_role = token == tokenizer.bos() || token == tokenizer.unknown() || token == tokenizer.pad();
    (end.ends == detail::Ends::text && other_role ? doubtful : found).push_back(*token);
  }
  return said.empty() && found.empty() ? doubtful : found;
}

TFM_INLINE std::optional<FormatByNames> chat_format_by_names(const AnyTokenizer& tokenizer) {
  const std::array<FormatByNames, 2> known{{{chatml_format(), {"<|im_start|>", "<|im_end|>"}}, {llama2_format(), {"[INST]", "[/INST]"}}}};
  for (const FormatByNames& each : known)
    if (detail::control_token(tokenizer, each.tokens.first) && detail::control_token(tokenizer, each.tokens.second)) return each;
  return std::nullopt;
}

}  // namespace tfm::inline TFM_ABI
