#pragma once
// Conversations as training data: records of messages as OpenAI's and Hugging Face's files have them, or of turns as
// ShareGPT's do.
#include <algorithm>
#include <array>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tfm/formats/mapped_file.hpp"
#include "tfm/text/own_template.hpp"
#include "tfm/train/data/json_records.hpp"
#include "tfm/train/data/split.hpp"

namespace tfm::inline TFM_ABI {

/// A conversation, and the tools that its assistant may call: a list of JSON schemas, or none.
struct ConversationRecord {
  std::vector<Message> messages;
  jinja::Value tools = jinja::Value::none();
};

/// What may be wrong with a conversation. The first ones leave it out; the others are told, and it is learnt from.
enum class ConversationFault : unsigned char {
  no_role,
  unknown_role,
  no_text,
  no_call,
  no_answer,
  refused,
  unanswered,
  same_role,
  empty
};

/// What was read, and what was wrong with how many conversations.
struct Conversations {
  struct Fault {
    Index conversations = 0, first = 0;  ///< how many; the number of the first, from 1
    std::string example{};               ///< the unknown role, or why the template refused it
  };
  std::vector<ConversationRecord> records;
  std::vector<Index> number;  ///< of each record in the file, from 1
  Index read = 0;             ///< conversations of the file
  std::array<Fault, 9> faults{};

  const Fault& operator[](ConversationFault fault) const noexcept { return faults[static_cast<std::size_t>(fault)]; }
  /// Counts one more conversation that has this fault.
  void note(ConversationFault fault, Index which, std::string_view example = {}) {
    Fault& of = faults[static_cast<std::size_t>(fault)];
    if (of.conversations++ == 0) of.first = which, of.example = example;
  }
  /// What was found, a sentence each, without line ends.
  std::vector<std::string> lines() const {
    constexpr std::array<std::string_view, 9> said{
        "left out, as a turn has no role",
        "left out, as a turn's role is not known",
        "left out, as a turn has no text, or parts that are none",
        "left out, as a call of a tool is none",
        "left out, as the assistant says nothing in them",
        "left out, as the chat template does not write them",
        "end with turns that nobody answers: these are left out",
        "have two turns of one role one behind the other",
        "have an empty turn; an empty answer teaches nothing",
    };
    std::vector<std::string> out;
    for (std::size_t i = 0; i < faults.size(); ++i) {
      if (faults[i].conversations == 0) continue;
      out.push_back(joined({faults[i].conversations, " of ", read, " conversations ", i < 6 ? "are " : "", said[i],
                            " (record ", faults[i].first, faults[i].conversations > 1 ? " is the first" : "",
                            faults[i].example.empty() ? "" : ": " + faults[i].example, ")"}));
    }
    return out;
  }
};

/// JSON as a template reads it. The arguments of calls may stand there as a text of JSON, as in OpenAI's files:
/// templates write them as JSON themselves, and get what the text says.
inline jinja::Value template_value(const Json& json) {
  using jinja::Value;
  switch (json.kind()) {
    case JsonKind::null:
      return Value::none();
    case JsonKind::boolean:
      return Value::of(json.boolean());
    case JsonKind::integer:
      return Value::of(std::int64_t{json.integer()});
    case JsonKind::number:
      return Value::of(json.number());
    case JsonKind::text: {
      if (json.key() == "arguments" && json.text().starts_with('{')) {
        try {
          return jinja::from_json(json.text(), jinja::by_caller, "arguments");
        } catch (const TemplateError&) {  // a text after all
        }
      }
      return Value::of(json.text());
    }
    case JsonKind::array: {
      std::vector<Value> items;
      for (const Json item : json.elements()) items.push_back(template_value(item));
      return jinja::make_list(std::move(items));
    }
    default: {
      std::vector<std::pair<Value, Value>> pairs;
      for (const Json member : json.members()) pairs.emplace_back(Value::of(member.key()), template_value(member));
      return jinja::make_dict(std::move(pairs));
    }
  }
}

namespace detail {

inline constexpr std::array<std::string_view, 3> conversation_members{"messages", "conversations", "conversation"};

/// Whose turn it is by the name that a file gives the role, in small letters.
struct TurnRole {
  std::string_view name;
  Role role;
  bool call = false;  ///< the text is the call of a tool, in JSON
};
inline constexpr std::array<TurnRole, 20> turn_roles{{
    {"system", Role::system},
    {"developer", Role::system},
    {"user", Role::user},
    {"human", Role::user},
    {"assistant", Role::assistant},
    {"gpt", Role::assistant},
    {"chatgpt", Role::assistant},
    {"model", Role::assistant},
    {"bot", Role::assistant},
    {"bing", Role::assistant},
    {"bard", Role::assistant},
    {"function_call", Role::assistant, true},
    {"tool_call", Role::assistant, true},
    {"tool", Role::tool},
    {"observation", Role::tool},
    {"function", Role::tool},
    {"function_response", Role::tool},
    {"tool_response", Role::tool},
    {"tool_result", Role::tool},
    {"ipython", Role::tool},
}};
inline const TurnRole* turn_role(std::string_view name) noexcept {
  const auto same = [&](std::string_view known) {
    return std::equal(name.begin(), name.end(), known.begin(), known.end(),
                      [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a - 'A' + 'a' : a) == b; });
  };
  const auto found =
      std::find_if(turn_roles.begin(), turn_roles.end(), [&](const TurnRole& each) { return same(each.name); });
  return found == turn_roles.end() ? nullptr : &*found;
}

/// The text of a content: a string, or parts of text one behind the other. None: it is something else.
inline std::optional<std::string> content_text(const Json& content) {
  if (content.is(JsonKind::text)) return std::string(content.text());
  if (!content.is(JsonKind::array)) return std::nullopt;
  std::string text;
  for (const Json part : content.elements()) {
    const auto said = part.is(JsonKind::object) ? part.find_value("text")
                      : part.is(JsonKind::text) ? std::optional(part)
                                                : std::nullopt;
    if (!said || !said->is(JsonKind::text)) return std::nullopt;
    text += said->text();
  }
  return text;
}

/// Calls of tools that stand in a turn's text: {"name", "arguments"}, or a list of such. Nothing: they are none.
inline std::optional<jinja::Value> calls_in(std::string_view text) {
  using jinja::Value;
  try {
    const JsonDocument document(text, "call", {.depth = 64});
    std::vector<Value> calls;
    const auto add = [&](const Json& call) {
      if (!call.is(JsonKind::object) || !call.find("name")) return false;
      calls.push_back(jinja::make_dict(
          {{Value::of("type"), Value::of("function")}, {Value::of("function"), template_value(call)}}));
      return true;
    };
    const Json root = document.root();
    if (!root.is(JsonKind::array)) return add(root) ? std::optional(jinja::make_list(std::move(calls))) : std::nullopt;
    for (const Json call : root.elements())
      if (!add(call)) return std::nullopt;
    return calls.empty() ? std::nullopt : std::optional(jinja::make_list(std::move(calls)));
  } catch (const LoadError&) {
    return std::nullopt;
  }
}

/// Reads a turn; or says what is wrong with it, and in `example` with what.
inline std::optional<ConversationFault> read_turn(const Json& turn, Message& message, std::string& example) {
  using jinja::Value;
  auto role = turn.find_value("role"), content = turn.find_value("content");
  if (!role) role = turn.find_value("from");
  if (!content) content = turn.find_value("value");
  if (!role || !role->is(JsonKind::text) || role->text().empty()) return ConversationFault::no_role;
  const TurnRole* const known = turn_role(role->text());
  if (known == nullptr) return example = in_quotes(role->text()), ConversationFault::unknown_role;
  message = {known->role, {}, {}};
  if (content) {
    auto text = content_text(*content);
    if (!text) return example = content->found(), ConversationFault::no_text;
    message.content = *std::move(text);
  }
  std::vector<std::pair<Value, Value>> more;
  bool calls = false;
  for (const Json member : turn.members()) {
    const std::string_view key = member.key();
    if (key == "role" || key == "from" || key == "content" || key == "value" || member.is(JsonKind::null)) continue;
    if (key == "tool_calls") {
      if (!member.is(JsonKind::array)) return example = member.found(), ConversationFault::no_call;
      if (member.size() == 0) continue;
      calls = true;
    }
    more.emplace_back(Value::of(key), template_value(member));
  }
  if (known->call) {
    auto called = calls_in(message.content);
    if (!called) return example = in_quotes(message.content), ConversationFault::no_call;
    more.emplace_back(Value::of("tool_calls"), *std::move(called));
    message.content.clear(), calls = true;
  }
  if (!content && !calls) return ConversationFault::no_text;
  if (!more.empty()) message.more = jinja::make_dict(std::move(more));
  return std::nullopt;
}

inline bool has_calls(const Message& message) {
  return message.more.is(jinja::Kind::dict) && jinja::find(message.more, "tool_calls") != nullptr;
}

/// The tools of a record: a list, or a text of JSON that is one.
inline jinja::Value tools_of(const Json& record) {
  const auto tools = record.find_value("tools");
  if (!tools || (tools->is(JsonKind::text) && tools->text().empty())) return jinja::Value::none();
  jinja::Value found =
      tools->is(JsonKind::text)
          ? template_value(JsonDocument(tools->text(), record.file() + ": tools", {.depth = 64}).root())
          : template_value(*tools);
  if (!found.is(jinja::Kind::list)) tools->refuse("found " + tools->found() + ", expected a list of tools");
  return found.as<jinja::List>().items.empty() ? jinja::Value::none() : found;
}

inline Json turns_of(const Json& record, Index number) {
  const std::string where = "record " + std::to_string(number) + ": ";
  if (!record.is(JsonKind::object))
    fail(record.file(), where + "found " + record.found() + ", expected an object with 'messages' or 'conversations'");
  for (const std::string_view member : conversation_members) {
    const auto turns = record.find_value(member);
    if (!turns) continue;
    if (!turns->is(JsonKind::array))
      fail(record.file(), where + in_quotes(member) + ": found " + turns->found() + ", expected an array of messages");
    for (const Json turn : turns->elements())
      if (!turn.is(JsonKind::object))
        fail(record.file(),
             where + in_quotes(member) + ": found " + turn.found() + ", expected an object with a role and a content");
    return *turns;
  }
  fail(record.file(), where + "'messages' is missing, and 'conversations' too, expected one of them");
}

inline void read_conversation(const Json& record, Index number, Conversations& out) {
  ++out.read;
  const Json turns = turns_of(record, number);
  ConversationRecord made;
  made.tools = tools_of(record);
  if (const auto system = record.find_value("system"); system && system->is(JsonKind::text) && !system->text().empty())
    made.messages.push_back({Role::system, std::string(system->text()), {}});
  for (const Json turn : turns.elements()) {
    std::string example;
    if (const auto fault = read_turn(turn, made.messages.emplace_back(Message{Role::user, {}, {}}), example))
      return out.note(*fault, number, example);
  }
  auto& messages = made.messages;
  const auto last = std::find_if(messages.rbegin(), messages.rend(), [](const Message& message) {
    return message.role == Role::assistant && (!message.content.empty() || has_calls(message));
  });
  if (last == messages.rend()) return out.note(ConversationFault::no_answer, number);
  if (last != messages.rbegin())
    out.note(ConversationFault::unanswered, number), messages.erase(last.base(), messages.end());
  bool same = false, empty = false;
  for (std::size_t i = 0; i < messages.size(); ++i) {
    same = same || (i > 0 && messages[i].role == messages[i - 1].role && messages[i].role != Role::tool);
    empty = empty || (messages[i].content.empty() && !has_calls(messages[i]));
  }
  if (same) out.note(ConversationFault::same_role, number);
  if (empty) out.note(ConversationFault::empty, number);
  out.records.push_back(std::move(made));
  out.number.push_back(number);
}

}  // namespace detail

/// Whether the first record of a text is a conversation, by the names of its members.
inline bool holds_conversations(std::string_view text) {
  const std::vector<std::string> names = first_json_record(text);
  const auto any = [&](auto... of) { return ((std::find(names.begin(), names.end(), of) != names.end()) || ...); };
  return any("messages", "conversations", "conversation") && !(any("instruction") && any("output"));
}

/// The conversations of a text: a JSON array of records, or records one behind the other (JSON lines). A record has a
/// list "messages" (or "conversations", "conversation") of turns {"role", "content"} or, as ShareGPT's, {"from",
/// "value"}; and may have "tools" and "system". Roles are known by the names that files give them; contents are texts
/// or parts of text; tool_calls and what else a turn has is kept for the template. What is wrong with single
/// conversations is counted, and those that cannot be learnt from are left out. `file` is its name in messages. Errors:
/// LoadError for what is no list of such records, with the file, the record's number from 1, found and expected; where
/// none is left.
inline Conversations parse_conversations(std::string_view text, const std::string& file) {
  Conversations out;
  // An array may be long: what it takes is held to three times the text.
  const JsonLimits limits{.depth = 64, .values = std::max(JsonLimits{}.values, static_cast<Index>(text.size() / 8))};
  for_each_json_record(text, file,
                       {.members = {detail::conversation_members.begin(), detail::conversation_members.end()},
                        .expected = "'messages' or 'conversations'",
                        .limits = limits},
                       [&](const Json& record, Index number) {
                         try {
                           detail::read_conversation(record, number, out);
                         } catch (const TemplateError& error) {  // values that lie too deep in one another
                           detail::fail(file, {"record ", number, ": ", error.what()});
                         }
                       });
  if (out.records.empty()) {
    std::string why;
    for (const std::string& line : out.lines()) why += (why.empty() ? "" : "; ") + line;
    detail::fail(file, "found no conversation to learn from: " + why);
  }
  return out;
}
/// The same from a file.
inline Conversations read_conversations(const std::filesystem::path& path) {
  const auto file = MappedFile::open(path);
  return parse_conversations(text_of(file->bytes()), file->name());
}

/// The records as read_conversations reads them, an array of {"messages": [...], "tools": [...]}, a line each, in
/// UTF-8.
inline std::string conversations_json(std::span<const ConversationRecord> records) {
  using jinja::Value;
  std::string out;
  for (const ConversationRecord& record : records) {
    std::vector<Value> messages;
    for (const Message& message : record.messages) messages.push_back(message_value(message));
    std::vector<std::pair<Value, Value>> all;
    all.emplace_back(Value::of("messages"), jinja::make_list(std::move(messages)));
    if (!record.tools.is(jinja::Kind::none)) all.emplace_back(Value::of("tools"), record.tools);
    out += (out.empty() ? "[\n" : ",\n") + jinja::to_json(jinja::make_dict(std::move(all)));
  }
  return out.empty() ? "[]\n" : out + "\n]\n";
}

/// Conversations are copies where a model is asked the same: by all that others than the assistant say.
inline DistinctTexts distinct_texts(std::span<const ConversationRecord> records) {
  std::vector<std::string> texts;
  texts.reserve(records.size());
  for (const ConversationRecord& record : records) {
    std::string& text = texts.emplace_back();
    for (const Message& message : record.messages)
      if (message.role != Role::assistant)
        text.append(name(message.role)).append(1, '\0').append(message.content).append(1, '\0');
  }
  return distinct_texts(std::vector<std::string_view>(texts.begin(), texts.end()));
}

}  // namespace tfm::inline TFM_ABI
