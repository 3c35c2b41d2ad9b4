// What chat_rules.hpp declares.
#include <utility>

namespace tfm::inline TFM_ABI {

TFM_INLINE ChatTemplate chosen_template(const AnyTokenizer& tokenizer, const std::optional<ChatTemplate>& own,
                                        std::string_view name, std::string_view source) {
  if (!tokenizer) raise(TokenizerError("tfm: this checkpoint has no tokenizer: nobody can chat with it"));
  if (!name.empty() && !source.empty())
    raise(OptionError("tfm: chat_template and template_source are both given, expected one of them"));
  const SequenceMarks marks = marks_of(tokenizer);
  if (!name.empty()) return ChatTemplate::named(name, marks);
  if (!source.empty()) {
    std::string why = "it is empty";
    auto given = trimmed(source).empty() ? std::nullopt : ChatTemplate::detect(source, marks, &why);
    if (!given)
      raise<TemplateError>(
          {"tfm: the chat template that was given cannot be used: ", why, "; there are: ", chat_format_names()});
    return *std::move(given);
  }
  if (!own)
    raise<TemplateError>({"tfm: the checkpoint's chat template cannot be used; name one of: ", chat_format_names()});
  return *own;
}

TFM_INLINE StopRules reply_stops(const AnyTokenizer& tokenizer, const ChatTemplate& chat_template,
                                 std::vector<Token> tokens, std::vector<std::string> strings) {
  for (const std::string& text : chat_template.stop_tokens()) {
    if (const auto id = tokenizer.find(text)) tokens.push_back(*id);
    else strings.push_back(text);
  }
  strings.insert(strings.end(), chat_template.stop_strings().begin(), chat_template.stop_strings().end());
  return StopRules(std::move(tokens), std::move(strings));
}

}  // namespace tfm::inline TFM_ABI
