#pragma once
// The messages made ready, and a continued one cut behind its text.
#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tfm/text/jinja/bodies.inl"

namespace tfm::inline TFM_ABI::jinja {

using Pairs = std::vector<std::pair<Value, Value>>;

inline void set_key(Pairs& pairs, std::string_view key, Value value) {
  for (auto& [name, held] : pairs)
    if (name.is(Kind::text) && name.bytes() == key) return held = std::move(value), void();
  pairs.emplace_back(Value::of(key), std::move(value));
}
inline const Value* get_key(const Pairs& pairs, std::string_view key) {
  for (const auto& [name, held] : pairs)
    if (name.is(Kind::text) && name.bytes() == key) return &held;
  return nullptr;
}

inline Pairs prepared_message(const Value& message, std::size_t place) {
  if (!message.is(Kind::dict))
    raise<TemplateError>({"tfm: message ", place + 1, " is no JSON object, expected one with role and content"});
  const Origin origin = by_message(place);
  Pairs out;
  for (const auto& [key, value] : pairs_of(message)) {
    if (value.is(Kind::none)) continue;
    constexpr std::array<std::string_view, 8> roles{"system",    "user",     "assistant", "tool",
                                                    "developer", "function", "model",     "ipython"};
    const bool word = key.is(Kind::text) && key.bytes() == "role" && value.is(Kind::text) &&
                      std::find(roles.begin(), roles.end(), value.bytes()) != roles.end();
    out.emplace_back(with_origin(key, origin), with_origin(value, word ? by_template : origin));
  }
  for (const char* name : {"reasoning_content", "thinking", "reasoning"}) {
    const Value* reasoning = get_key(out, name);
    if (reasoning == nullptr) continue;
    const Value said = *reasoning;
    if (get_key(out, "thinking") == nullptr) out.emplace(out.begin(), Value::of("thinking", origin), said);
    else
      std::stable_partition(out.begin(), out.end(), [](const auto& pair) {
        return pair.first.is(Kind::text) && pair.first.bytes() == "thinking";
      });
    set_key(out, "reasoning_content", said);
    break;
  }
  return out;
}

/// The end of a continued text: characters of an origin that no other text has.
class Continuation {
  static constexpr std::string_view mark = "CONTINUE_FINAL_MESSAGE_TAG ";
  static constexpr Origin marked = in_generation - 1;
  std::string text_;

  static Value with_mark(const Value& text, Origin origin) {
    auto made = std::make_shared<Text>();
    made->bytes = std::string(text.bytes()).append(mark);
    made->runs = {{text.bytes().size(), origin}, {made->bytes.size(), marked}};
    return Value(Kind::text, std::move(made));
  }
  [[noreturn, gnu::cold]] static void refuse(std::string_view why) {
    raise<TemplateError>({"tfm: the last message cannot be continued: ", why});
  }

 public:
  void add(Pairs& message, Origin origin) {
    const Value* content = get_key(message, "content");
    if (content == nullptr) refuse("it has no content");
    if (content->is(Kind::text)) {
      text_ = content->bytes();
      return set_key(message, "content", with_mark(*content, origin));
    }
    if (!is_sequence(*content)) refuse("its content is no text");
    std::vector<Value> parts = items_of(*content);
    for (auto part = parts.rbegin(); part != parts.rend(); ++part) {
      const Value* text = find(*part, "text");
      if (text == nullptr) continue;
      if (!text->is(Kind::text)) refuse("its last part's text is none");
      text_ = text->bytes();
      Pairs pairs = pairs_of(*part);
      set_key(pairs, "text", with_mark(*text, origin));
      *part = make_dict(std::move(pairs), origin);
      return set_key(message, "content", make_list(std::move(parts), origin));
    }
    refuse("it has no part with a text");
  }
  void cut(Rendered& rendered) const {
    std::size_t at = std::string::npos;
    for (std::size_t i = 0, begin = 0; i < rendered.runs.size(); begin = rendered.runs[i++].end)
      if (writer_of(rendered.runs[i].origin) == marked) at = begin;
    const std::string_view rest =
        at == std::string::npos ? std::string_view() : std::string_view(rendered.text).substr(at);
    if (!rest.starts_with(trimmed(mark)) || rendered.text.find(trimmed(text_)) == std::string::npos) {
      refuse("its text does not appear in what the template writes");
    }
    const bool whole = rest.starts_with(mark);  // the template trimmed nothing
    rendered.text.resize(at);
    if (!whole) rendered.text.resize(trimmed_right(rendered.text).size());
    while (!rendered.runs.empty() &&
           (rendered.runs.size() > 1 ? rendered.runs[rendered.runs.size() - 2].end : 0) >= rendered.text.size())
      rendered.runs.pop_back();
    if (!rendered.runs.empty()) rendered.runs.back().end = rendered.text.size();
  }
};

TFM_JINJA Rendered render(const Template& chat_template, const Conversation& conversation, const Limits& limits) {
  if (!is_sequence(conversation.messages) || items_of(conversation.messages).empty())
    raise<TemplateError>({"tfm: a conversation of no messages, expected at least one"});
  if (conversation.continue_final_message && conversation.add_generation_prompt)
    raise<OptionError>({"tfm: the last message is to be continued, and a new one to be begun, expected one of them"});
  const std::vector<Value>& given = items_of(conversation.messages);
  Continuation continuation;
  std::vector<Value> messages;
  for (std::size_t i = 0; i < given.size(); ++i) {
    Pairs message = prepared_message(given[i], i);
    if (conversation.continue_final_message && i + 1 == given.size()) continuation.add(message, by_message(i));
    messages.push_back(make_dict(std::move(message), by_message(i)));
  }
  Context context;
  context.now = conversation.now;
  context.variables.emplace_back("documents", Value::none());
  context.variables.insert(context.variables.end(), conversation.variables.begin(), conversation.variables.end());
  context.variables.emplace_back(
      "tools", conversation.tools.is(Kind::none) ? Value::none() : with_origin(conversation.tools, by_caller));
  context.variables.emplace_back("add_generation_prompt", Value::of(conversation.add_generation_prompt));
  context.variables.emplace_back("messages", make_list(std::move(messages)));
  Rendered rendered = chat_template.render(context, limits);
  if (conversation.continue_final_message) continuation.cut(rendered);
  return rendered;
}

}  // namespace tfm::inline TFM_ABI::jinja
