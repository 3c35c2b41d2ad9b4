// What chat_template.hpp declares.
#include <algorithm>
#include <utility>

namespace tfm::inline TFM_ABI {

TFM_INLINE ChatTemplate::ChatTemplate(ChatFormat format, const SequenceMarks& marks) : format_(std::move(format)) {
  for (std::string* text : {&format_.start, &format_.system_before, &format_.system_after, &format_.user_before,
                            &format_.user_after, &format_.opening, &format_.gap, &format_.closing}) {
    writes_bos_ |= !marks.bos.empty() && text->find("{bos}") != std::string::npos;
    fill_in(*text, marks);
  }
  for (auto* list : {&format_.stop_tokens, &format_.stop_strings}) {
    for (std::string& text : *list) fill_in(text, marks);
    std::erase(*list, std::string());
  }
}

TFM_INLINE ChatTemplate ChatTemplate::named(std::string_view name, const SequenceMarks& marks) {
  for (ChatFormat& format : known_chat_formats()) {
    if (format.name == name) return ChatTemplate(std::move(format), marks);
  }
  raise<TemplateError>({"tfm: chat template \"", name, "\" is not known, expected one of: ", chat_format_names()});
}

TFM_INLINE std::optional<ChatTemplate> ChatTemplate::detect(std::string_view jinja, const SequenceMarks& marks, std::string* why) {
  if (trimmed(jinja).empty()) return ChatTemplate(plain_format(), marks);
  const auto own = OwnTemplate::read(jinja, marks, why);
  if (!own) return std::nullopt;
  for (ChatFormat& format : family_candidates()) {
    if (auto known = of_family(std::move(format), marks, *own)) {
      known->own_ = own;
      return known;
    }
  }
  ChatTemplate found(ChatFormat{.name = "its own", .stop_tokens = own->stop_tokens()}, marks);
  found.own_ = own;
  found.runs_own_ = true;
  found.writes_bos_ = own->writes_bos();
  return found;
}

TFM_INLINE ChatTemplate ChatTemplate::with(TemplateInputs inputs) const {
  if (inputs.empty() || (!own_ && !inputs.asks())) return *this;
  if (!own_) raise<TemplateError>({"tfm: chat template ", name(), " takes no tools and no variables, expected a file's own template in Jinja"});
  ChatTemplate other = *this;
  other.runs_own_ = runs_own_ || inputs.asks();
  other.own_ = std::make_shared<const OwnTemplate>(own_->with(std::move(inputs)));
  return other;
}

TFM_INLINE Rendering ChatTemplate::prompt(std::span<const Message> conversation, Index evaluated) const {
  check(conversation);
  const auto n = static_cast<Index>(conversation.size());
  if (const Role last = conversation[to_size(n - 1)].role; last != Role::user && last != Role::tool) {
    refuse(conversation, n - 1, "a last message of the user's, which the reply answers");
  }
  if (evaluated < 0 || evaluated >= n ||
      (evaluated > 0 && conversation[to_size(evaluated - 1)].role != Role::assistant)) {
    raise<TemplateError>({"tfm: chat template ", name(), ": ", evaluated, " of ", n,
                          " messages evaluated, expected 0 or those as far as a reply of the assistant's"});
  }
  if (runs_own(conversation)) {
    if (evaluated == 0) return own_->prompt(conversation);
    auto added = own_->added(conversation, evaluated);
    if (!added) raise<TemplateError>({"tfm: chat template ", name(), ": it writes the first ", evaluated, " messages otherwise, now that there are more"});
    return *std::move(added);
  }
  Rendering out;
  if (evaluated > 0) write(out, format_.closing);
  render(out, conversation, evaluated);
  write(out, format_.opening);
  return out;
}

TFM_INLINE std::optional<Rendering> ChatTemplate::added(std::span<const Message> conversation, Index evaluated) const {
  if (!runs_own(conversation)) return prompt(conversation, evaluated);
  check(conversation);
  return own_->added(conversation, evaluated);
}

TFM_INLINE void ChatTemplate::require_turns(std::span<const Message> conversation) const {
  const Index first = !conversation.empty() && conversation[0].role == Role::system ? 1 : 0;
  Role last = Role::system;
  for (Index i = first; i < static_cast<Index>(conversation.size()); ++i) {
    const Role role = conversation[to_size(i)].role;
    if (role == Role::system) refuse(conversation, i, "a system prompt as the first message only");
    if (role == Role::tool && !own_) refuse(conversation, i, "the user's or the assistant's: this format has no tools");
    const bool behind_reply = last == Role::assistant, behind_question = last == Role::user || last == Role::tool;
    const bool in_turn = behind_question ? role == Role::assistant || (last == Role::tool && role == Role::tool) : role == Role::user || (behind_reply && role == Role::tool);
    if (!in_turn) refuse(conversation, i, behind_question ? "the assistant's: the two take turns" : "the user's: the two take turns");
    last = role;
  }
}

TFM_INLINE void ChatTemplate::require_turns_of_user(std::span<const Message> conversation) const {
  require_turns(conversation);
  if (!conversation.empty() && (conversation.back().role == Role::user || conversation.back().role == Role::tool)) {
    refuse(conversation, static_cast<Index>(conversation.size()) - 1, "a last message of the assistant's, after which the user's turn comes");
  }
}

TFM_INLINE Rendering ChatTemplate::transcript(std::span<const Message> conversation) const {
  if (own_) return own_->transcript(conversation);
  if (conversation.empty()) raise<TemplateError>({"tfm: chat template ", name(), ": a conversation of no messages, expected at least one"});
  for (Index i = 0; i < static_cast<Index>(conversation.size()); ++i) {
    const Role role = conversation[to_size(i)].role;
    if (role == Role::tool) refuse(conversation, i, "the user's or the assistant's: this format has no tools");
    if (role == Role::system && i > 0) refuse(conversation, i, "a system prompt as the first message only");
  }
  Rendering out;
  render(out, conversation, 0);
  return out;
}

TFM_INLINE std::string ChatTemplate::reply_opening(std::span<const Message> conversation) const {
  if (!own_) return format_.opening;
  const std::string closed = own_->transcript(conversation).text(), open = own_->prompt(conversation).text();
  return open.starts_with(closed) ? open.substr(closed.size()) : std::string();
}

TFM_INLINE void ChatTemplate::fill_in(std::string& text, const SequenceMarks& marks) {
  for (const auto& [place, mark] : {std::pair{std::string_view("{bos}"), &marks.bos}, {"{eos}", &marks.eos}}) {
    for (std::size_t at = text.find(place); at != text.npos; at = text.find(place, at + mark->size())) {
      text.replace(at, place.size(), *mark);
    }
  }
}

TFM_INLINE void ChatTemplate::refuse(std::span<const Message> conversation, Index i, const char* expected) const {
  raise<TemplateError>({"tfm: chat template ", name(), ": message ", i + 1, " of ", conversation.size(), " is the ",
                        tfm::name(conversation[to_size(i)].role), "'s, expected ", expected});
}

TFM_INLINE void ChatTemplate::check(std::span<const Message> conversation) const {
  require_turns(conversation);
  const auto n = static_cast<Index>(conversation.size());
  if (n == 0 || (n == 1 && conversation[0].role == Role::system)) {
    raise<TemplateError>({"tfm: chat template ", name(), ": a conversation of ", n, " messages, expected at least one of the user's"});
  }
}

TFM_INLINE bool ChatTemplate::runs_own(std::span<const Message> conversation) const noexcept {
  const auto beyond = [](const Message& message) { return message.role == Role::tool || message.more.is(jinja::Kind::dict); };
  return runs_own_ || (own_ && std::any_of(conversation.begin(), conversation.end(), beyond));
}

TFM_INLINE void ChatTemplate::render(Rendering& out, std::span<const Message> conversation, Index from) const {
  const Index first_turn = conversation[0].role == Role::system ? 1 : 0;
  if (from == 0) {
    write(out, format_.start);
    if (!format_.system_within_user) system(out, conversation);
  }
  for (Index i = std::max(from, first_turn); i < static_cast<Index>(conversation.size()); ++i) {
    std::string_view content = conversation[to_size(i)].content;
    if (conversation[to_size(i)].role == Role::assistant) {
      write(out, format_.opening);
      write(out, format_.gap);
      out.add(format_.trim_reply ? trimmed(content) : content, false, i);
      write(out, format_.closing);
      continue;
    }
    write(out, format_.user_before);
    bool after_system = false;  // then the system prompt is what the trimmed text begins with
    if (i == first_turn && format_.system_within_user) after_system = system(out, conversation);
    if (format_.trim_user) content = after_system ? trimmed_right(content) : trimmed(content);
    out.add(content, false, i);
    write(out, format_.user_after);
  }
}

TFM_INLINE bool ChatTemplate::system(Rendering& out, std::span<const Message> conversation) const {
  const bool given = conversation[0].role == Role::system;
  if (!given && format_.default_system.empty()) return false;
  write(out, format_.system_before);
  if (given) {
    const std::string_view content = conversation[0].content;
    out.add(format_.trim_system ? trimmed(content) : content, false, 0);
  } else {
    write(out, format_.default_system);
  }
  write(out, format_.system_after);
  return true;
}

TFM_INLINE std::vector<ChatFormat> ChatTemplate::family_candidates() {
  std::vector<ChatFormat> all;
  for (const ChatFormat& base : {chatml_format(), llama2_format(), alpaca_format()}) {
    for (unsigned ways = 0; ways < 32; ++ways) {
      const bool bos = (ways & 8) != 0, unmarked = (ways & 16) != 0;
      if ((bos && base.name == "llama2") || (unmarked && base.name != "alpaca")) continue;
      ChatFormat format = base;
      format.default_system.clear();
      if (bos) format.start = "{bos}";
      if (unmarked) format.closing = "\n\n";
      format.trim_system = (ways & 1) != 0, format.trim_user = (ways & 2) != 0, format.trim_reply = (ways & 4) != 0;
      all.push_back(std::move(format));
    }
  }
  return all;
}

TFM_INLINE std::optional<ChatTemplate> ChatTemplate::of_family(ChatFormat format, const SequenceMarks& marks, const OwnTemplate& own) {
  const std::vector<Message> with_system = OwnTemplate::probe();
  const std::span<const Message> alone(with_system.data() + 1, 1);
  std::string default_system;
  {
    const ChatTemplate plain(format, marks);
    if (own.text_of(alone, plain.format_.opening) != plain.prompt(alone).text()) {
      // What stands in a system prompt's place where none is given.
      ChatFormat marked = format;
      marked.default_system = "\1";
      const std::string text = ChatTemplate(std::move(marked), marks).prompt(alone).text(), found = own.text_of(alone, plain.format_.opening);
      const std::size_t place = text.find('\1');
      const std::string_view before = std::string_view(text).substr(0, place), after = std::string_view(text).substr(place + 1);
      if (found.size() <= before.size() + after.size() || !found.starts_with(before) || !found.ends_with(after)) return std::nullopt;
      default_system = found.substr(before.size(), found.size() - before.size() - after.size());
    }
  }
  format.default_system = std::move(default_system);
  ChatTemplate known(std::move(format), marks);
  if (own.text_of(with_system, known.format_.opening) != known.prompt(with_system).text()) return std::nullopt;
  const std::span<const Message> turns(with_system.data() + 1, with_system.size() - 1);
  if (own.text_of(turns, known.format_.opening) != known.prompt(turns).text()) return std::nullopt;
  return known;
}

}  // namespace tfm::inline TFM_ABI
