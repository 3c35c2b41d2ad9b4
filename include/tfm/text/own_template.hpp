#pragma once
// OwnTemplate: a file's own chat template in Jinja, run on conversations.
#include <algorithm>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tfm/core/index.hpp"
#include "tfm/text/jinja/conversation.hpp"
#include "tfm/text/rendering.hpp"
#include "tfm/text/thoughts.hpp"
#include "tfm/text/white_space.hpp"

namespace tfm::inline TFM_ABI {

/// What a template can be given beside the messages.
struct TemplateInputs {
  jinja::Value tools = jinja::Value::none();                      ///< a list of JSON schemas
  std::vector<std::pair<std::string, jinja::Value>> variables{};  ///< enable_thinking and so on
  std::optional<jinja::DateTime> now{};                           ///< what strftime_now writes

  /// Whether a template has to be run for them.
  bool asks() const { return !tools.is(jinja::Kind::none) || !variables.empty(); }
  bool empty() const { return !asks() && !now; }
};

/// A message as templates read it. A call without a text has no `content`, as where JSON says null.
inline jinja::Value message_value(const Message& message) {
  using jinja::Value;
  std::vector<std::pair<Value, Value>> pairs;
  if (message.more.is(jinja::Kind::dict)) pairs = message.more.as<jinja::Dict>().items;
  const bool calls = !pairs.empty() && jinja::find(message.more, "tool_calls") != nullptr;
  if (!message.content.empty() || !calls) pairs.emplace(pairs.begin(), Value::of("content"), Value::of(message.content));
  pairs.emplace(pairs.begin(), Value::of("role"), Value::of(name(message.role)));
  return jinja::make_dict(std::move(pairs));
}

class OwnTemplate {
  jinja::Template template_;
  SequenceMarks marks_;
  TemplateInputs inputs_;
  std::vector<std::string> stop_tokens_;
  ThoughtMarks thoughts_ = known_thought_marks[0];
  bool writes_bos_ = false;

 public:
  /// Nothing where the source cannot be used to chat: it is no Jinja, fails, or does not write what a user says; `why`
  /// says so.
  static std::shared_ptr<const OwnTemplate> read(std::string_view source, const SequenceMarks& marks,
                                                 std::string* why) {
    const auto refuse = [&](std::string because) {
      if (why != nullptr) *why = std::move(because);
      return nullptr;
    };
    try {
      auto own = std::make_shared<OwnTemplate>(jinja::Template(source), marks);
      const std::vector<Message> user{{Role::user, "\1user\1"}};
      const std::string text = own->prompt(user).text();
      if (text.find("\1user\1") == text.npos) return refuse("it does not write what a user says");
      own->writes_bos_ = !marks.bos.empty() && text.starts_with(marks.bos);
      own->find_stop_token();
      const auto spelt = [&](const ThoughtMarks& of) { return source.find(of.close) != source.npos; };
      const auto* thoughts = std::find_if(known_thought_marks.begin(), known_thought_marks.end(), spelt);
      if (thoughts != known_thought_marks.end()) own->thoughts_ = *thoughts;
      return own;
    } catch (const TemplateError& error) {
      return refuse(error.what());
    }
  }
  OwnTemplate(jinja::Template source, SequenceMarks marks) : template_(std::move(source)), marks_(std::move(marks)) {}

  OwnTemplate with(TemplateInputs inputs) const {
    OwnTemplate other = *this;
    other.inputs_ = std::move(inputs);
    return other;
  }
  const std::vector<std::string>& stop_tokens() const noexcept { return stop_tokens_; }
  bool writes_bos() const noexcept { return writes_bos_; }
  ThoughtMarks thoughts() const noexcept { return thoughts_; }
  bool marks_generation() const { return template_.marks_generation(); }

  /// The conversation and the opening of a reply. Errors: jinja::Raised, TemplateError.
  Rendering prompt(std::span<const Message> conversation) const { return render(conversation, true); }
  Rendering transcript(std::span<const Message> conversation) const { return render(conversation, false); }

  /// What prompt() writes behind the prompt of the messages before the reply evaluated - 1 and that reply's text;
  /// nothing where it does not begin so, as when a template drops an earlier reply's thoughts.
  std::optional<Rendering> added(std::span<const Message> conversation, Index evaluated) const {
    const std::string begin =
        prompt(conversation.first(to_size(evaluated - 1))).text() + conversation[to_size(evaluated - 1)].content;
    const Rendering whole = prompt(conversation);
    if (!whole.text().starts_with(begin)) return std::nullopt;
    Rendering out;
    std::size_t skip = begin.size();
    for (const Rendering::Piece& piece : whole.pieces) {
      const std::size_t skipped = std::min(skip, piece.text.size());
      skip -= skipped;
      out.add(std::string_view(piece.text).substr(skipped), piece.from_template, piece.message, piece.generated);
    }
    return out;
  }

  /// A conversation that shows in what ways a template differs from the known formats: white space, thoughts, marks in
  /// texts.
  static std::vector<Message> probe() {
    return {{Role::system, " sys\n"},
            {Role::user, " first "},
            {Role::assistant, " <think>\nhm\n</think>\n\nreply \n"},
            {Role::user, "second\n"}};
  }
  /// The prompt's text, with the opening behind it where the template writes none; empty where it fails.
  std::string text_of(std::span<const Message> conversation, std::string_view opening) const {
    try {
      std::string text = prompt(conversation).text();
      return text == transcript(conversation).text() ? text.append(opening) : text;
    } catch (const TemplateError&) {
      return {};
    }
  }

 private:
  Rendering render(std::span<const Message> conversation, bool opening) const {
    using jinja::Value;
    std::vector<Value> messages;
    for (const Message& message : conversation) messages.push_back(message_value(message));
    jinja::Conversation whole{.messages = jinja::make_list(std::move(messages)),
                              .tools = inputs_.tools,
                              .add_generation_prompt = opening,
                              .now = inputs_.now};
    if (!marks_.bos.empty()) whole.variables.emplace_back("bos_token", Value::of(marks_.bos));
    if (!marks_.eos.empty()) whole.variables.emplace_back("eos_token", Value::of(marks_.eos));
    whole.variables.insert(whole.variables.end(), inputs_.variables.begin(), inputs_.variables.end());
    const jinja::Rendered rendered = jinja::render(template_, whole);
    Rendering out;
    std::size_t begin = 0;
    for (const jinja::Run& run : rendered.runs) {
      const jinja::Origin writer = jinja::writer_of(run.origin);
      out.add(std::string_view(rendered.text).substr(begin, run.end - begin), writer == jinja::by_template,
              writer < jinja::by_message(0) ? -1 : static_cast<Index>(writer - jinja::by_message(0)),
              run.origin != writer);
      begin = run.end;
    }
    return out;
  }
  /// The mark behind a reply: <|im_end|>, <end_of_turn>, [/x] or the vocabulary's end of text.
  void find_stop_token() {
    const std::vector<Message> turns{{Role::user, "1"}, {Role::assistant, "\1reply\1"}, {Role::user, "2"}};
    const std::string text = text_of(turns, {});
    const std::size_t reply = text.find("\1reply\1");
    if (reply == text.npos) return;
    const std::string_view behind = trimmed_left(std::string_view(text).substr(reply + 7));
    if (!marks_.eos.empty() && behind.starts_with(marks_.eos)) return stop_tokens_.push_back(marks_.eos);
    const std::size_t end = behind.starts_with('<')   ? behind.find('>')
                            : behind.starts_with('[') ? behind.find(']')
                                                      : behind.npos;
    if (end != behind.npos && end < 64) stop_tokens_.emplace_back(behind.substr(0, end + 1));
  }
};

}  // namespace tfm::inline TFM_ABI
