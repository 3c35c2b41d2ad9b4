// What settle_chat.hpp declares.
#include <algorithm>

namespace tfm::inline TFM_ABI {

namespace detail {

TFM_INLINE void settle_template(ChatSettings& settings, const AnyTokenizer& tokenizer, std::string_view jinja) {
  const auto by_names = tokenizer ? chat_format_by_names(tokenizer) : std::nullopt;
  const std::string has_marks = by_names ? joined({"the vocabulary has ", by_names->tokens.first, " and ", by_names->tokens.second}) : "";
  std::string why;
  settings.chat_template = ChatTemplate::detect(jinja, marks_of(tokenizer), &why);
  if (!settings.chat_template) {
    settings.notes.push_back(joined({"the chat template cannot be used: ", why, "; name one to chat: ", chat_format_names()}));
    if (by_names) settings.notes.back() += joined({" (", has_marks, ", which speaks for ", by_names->format.name, ")"});
  } else if (tokenizer && trimmed(jinja).empty()) {
    if (by_names) settings.chat_template = ChatTemplate(by_names->format, marks_of(tokenizer));
    settings.notes.push_back("there is no chat template: " + (by_names ? has_marks : "the vocabulary has the marks of no known one") +
                             ", so chats are written in the format " + settings.chat_template->name());
  }
  if (settings.chat_template && settings.chat_template->writes_bos() && tokenizer && tokenizer.add_bos())
    settings.notes.push_back("the chat template writes BOS and the tokenizer would add another: it is written once");
}

TFM_INLINE void settle_stop_tokens(ChatSettings& settings, const AnyTokenizer& tokenizer, std::span<const Token> said) {
  std::vector<Token>& all = settings.stop_tokens;
  const auto stop_at = [&](Token token) {
    if (std::find(all.begin(), all.end(), token) == all.end()) all.push_back(token);
  };
  if (tokenizer && tokenizer.eos()) stop_at(*tokenizer.eos());
  for (const Token token : said) stop_at(token);
  if (!tokenizer) return;
  std::string untold;
  for (const Token token : ends_by_name(tokenizer, all)) {
    stop_at(token);
    const std::string_view name = tokenizer.piece(token);
    const auto told = settings.chat_template ? settings.chat_template->stop_tokens() : std::span<const std::string>();
    if (std::find(told.begin(), told.end(), name) == told.end()) untold += joined({untold.empty() ? "" : ", ", name, " (", token, ")"});
  }
  if (!untold.empty()) settings.notes.push_back("by their names these tokens end an answer, too: " + untold);
}

}  // namespace detail

TFM_INLINE ChatSettings settle_chat(const AnyTokenizer& tokenizer, std::string_view jinja, std::span<const Token> said) {
  ChatSettings settings;
  detail::settle_template(settings, tokenizer, jinja);
  settings.template_notes = settings.notes;
  detail::settle_stop_tokens(settings, tokenizer, said);
  return settings;
}

}  // namespace tfm::inline TFM_ABI
