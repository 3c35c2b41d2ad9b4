// Conversations as data: both kinds of records, in both kinds of files, and what is wrong with them.
#include "tfm/train/data/conversations.hpp"

#include "support/catch.hpp"
#include "support/data.hpp"
#include "support/error_of.hpp"

namespace {

using tfm::ConversationFault, tfm::Conversations, tfm::Role;

Conversations parse(const std::string& text) { return tfm::parse_conversations(text, "x.json"); }
std::string refusal(const std::string& text) {
  return tfm_test::error_of<tfm::LoadError>([&] { parse(text); });
}
/// "user: Hi|assistant: Hello|"
std::string told(const tfm::ConversationRecord& record) {
  std::string out;
  for (const tfm::Message& message : record.messages)
    out += std::string(name(message.role)) + ": " + message.content + "|";
  return out;
}
std::string turns(const std::string& all) { return R"({"messages": [)" + all + "]}"; }
const std::string user = R"({"role": "user", "content": "Hi."})",
                  assistant = R"({"role": "assistant", "content": "Hello."})";
const std::string good = turns(user + "," + assistant);

}  // namespace

TEST_CASE("messages and ShareGPT's turns are the same conversations, in arrays and one a line", "[conversations]") {
  const std::string sharegpt =
      R"({"id": 7, "conversations": [{"from": "system", "value": "Be."}, {"from": "human", "value": "Hi."}, {"from": "gpt", "value": "Hello."}]})";
  for (const std::string& text : {"[" + good + ",\n" + sharegpt + "]", good + "\n\n" + sharegpt,
                                  "\xEF\xBB\xBF" + good + "\r\n" + sharegpt + "\n"}) {
    const Conversations read = parse(text);
    REQUIRE(read.records.size() == 2);
    CHECK(told(read.records[0]) == "user: Hi.|assistant: Hello.|");
    CHECK(told(read.records[1]) == "system: Be.|user: Hi.|assistant: Hello.|");
    CHECK((read.number == std::vector<tfm::Index>{1, 2} && read.lines().empty()));
    CHECK(tfm::holds_conversations(text));
  }
  CHECK(
      told(
          parse(
              R"({"system": "Be.", "conversation": [{"role": "Human", "value": "a"}, {"from": "ASSISTANT", "content": "b"}]})")
              .records[0]) == "system: Be.|user: a|assistant: b|");
  CHECK_FALSE(tfm::holds_conversations(R"([{"instruction": "a", "output": "b"}])"));
  CHECK_FALSE(tfm::holds_conversations(R"({"instruction": "a", "output": "b", "conversations": []})"));
  CHECK_FALSE(tfm::holds_conversations("{\"messages\": ["));
}

TEST_CASE("contents are texts or parts of text, and what else a turn has is kept", "[conversations]") {
  const Conversations read = parse(turns(
      R"({"role": "user", "content": [{"type": "text", "text": "How"}, " warm?"]},)"
      R"({"role": "assistant", "content": null, "tool_calls": [{"id": "1", "function": {"name": "heat", "arguments": "{\"at\": \"home\"}"}}]},)"
      R"({"role": "tool", "content": "19", "tool_call_id": "1"}, {"role": "assistant", "content": "19.", "name": null})"));
  REQUIRE(read.records.size() == 1);
  const auto& messages = read.records[0].messages;
  CHECK(told(read.records[0]) == "user: How warm?|assistant: |tool: 19|assistant: 19.|");
  CHECK(tfm::jinja::to_json(messages[1].more) ==
        R"({"tool_calls": [{"id": "1", "function": {"name": "heat", "arguments": {"at": "home"}}}]})");
  CHECK(tfm::jinja::to_json(messages[2].more) == R"({"tool_call_id": "1"})");
  CHECK(messages[3].more.is(tfm::jinja::Kind::undefined));
  CHECK(read.lines().empty());
  const Conversations called = parse(
      R"({"tools": "[{\"name\": \"heat\"}]", "conversations": [{"from": "human", "value": "a"},)"
      R"({"from": "function_call", "value": "{\"name\": \"heat\", \"arguments\": {\"at\": 1}}"}, {"from": "observation", "value": "2"}, {"from": "gpt", "value": "b"}]})");
  CHECK(tfm::jinja::to_json(called.records[0].messages[1].more) ==
        R"({"tool_calls": [{"type": "function", "function": {"name": "heat", "arguments": {"at": 1}}}]})");
  CHECK(tfm::jinja::to_json(called.records[0].tools) == R"([{"name": "heat"}])");
  // Written and read again they are the same.
  const std::string lines = tfm::conversations_json(called.records);
  CHECK(lines == tfm::conversations_json(parse(lines).records));
  CHECK(told(parse(lines).records[0]) == told(called.records[0]));
}

TEST_CASE("broken conversations are counted, and left out where nothing can be learnt from them", "[conversations]") {
  const auto one = [](const std::string& broken) { return parse(good + "\n" + broken); };
  const auto count = [&](ConversationFault fault, const std::string& broken, std::size_t left,
                         const std::string& line) {
    const Conversations read = one(broken);
    CAPTURE(broken);
    CHECK(read[fault].conversations == 1);
    CHECK(read.records.size() == left);
    REQUIRE(read.lines().size() == 1);
    CHECK(read.lines()[0] == line);
  };
  count(ConversationFault::no_role, turns(R"({"content": "x"},)" + assistant), 1,
        "1 of 2 conversations are left out, as a turn has no role (record 2)");
  count(ConversationFault::no_role, turns(R"({"role": null, "content": "x"},)" + assistant), 1,
        "1 of 2 conversations are left out, as a turn has no role (record 2)");
  count(ConversationFault::unknown_role, turns(user + R"(,{"role": "narrator", "content": "x"},)" + assistant), 1,
        "1 of 2 conversations are left out, as a turn's role is not known (record 2: 'narrator')");
  count(ConversationFault::no_text, turns(R"({"role": "user", "content": 3},)" + assistant), 1,
        "1 of 2 conversations are left out, as a turn has no text, or parts that are none (record 2: the integer 3)");
  count(ConversationFault::no_text,
        turns(R"({"role": "user", "content": [{"type": "image_url", "image_url": "x"}]},)" + assistant), 1,
        "1 of 2 conversations are left out, as a turn has no text, or parts that are none (record 2: an array)");
  count(ConversationFault::no_call, turns(user + R"(,{"from": "function_call", "value": "heat"},)" + assistant), 1,
        "1 of 2 conversations are left out, as a call of a tool is none (record 2: 'heat')");
  count(ConversationFault::no_answer, turns(user), 1,
        "1 of 2 conversations are left out, as the assistant says nothing in them (record 2)");
  count(ConversationFault::no_answer, turns(""), 1,
        "1 of 2 conversations are left out, as the assistant says nothing in them (record 2)");
  count(ConversationFault::unanswered, turns(user + "," + assistant + "," + user), 2,
        "1 of 2 conversations end with turns that nobody answers: these are left out (record 2)");
  CHECK(told(one(turns(user + "," + assistant + "," + user)).records[1]) == "user: Hi.|assistant: Hello.|");
  count(ConversationFault::same_role, turns(user + "," + user + "," + assistant), 2,
        "1 of 2 conversations have two turns of one role one behind the other (record 2)");
  count(ConversationFault::empty, turns(user + R"(,{"role": "assistant", "content": ""},)" + user + "," + assistant), 2,
        "1 of 2 conversations have an empty turn; an empty answer teaches nothing (record 2)");
  const Conversations twice = parse(good + turns(user) + turns(user));
  CHECK(twice.lines()[0] ==
        "2 of 3 conversations are left out, as the assistant says nothing in them (record 2 is the first)");
  CHECK(twice.number == std::vector<tfm::Index>{1});
}

TEST_CASE("what is no list of conversations is refused by name", "[conversations]") {
  CHECK(refusal("[]") == "tfm: x.json: found no record, expected at least one");
  CHECK(refusal("3") == "tfm: x.json: found the integer 3, expected an array of records, or a record a line");
  CHECK(refusal("[" + good + ", 3]") ==
        "tfm: x.json: record 2: found the integer 3, expected an object with 'messages' or 'conversations'");
  CHECK(refusal(good + "\n{\"instruction\": \"a\"}") ==
        "tfm: x.json: line 2: record 2: 'messages' is missing, and 'conversations' too, expected one of them");
  CHECK(refusal(R"({"data": []})") ==
        "tfm: x.json: found an object, expected an array of records, or records with 'messages' or 'conversations' one "
        "behind the other; its member 'data' is an array: save that alone");
  CHECK(refusal(R"([{"messages": "x"}])") ==
        "tfm: x.json: record 1: 'messages': found the string 'x', expected an array of messages");
  CHECK(refusal(turns("3")) ==
        "tfm: x.json: record 1: 'messages': found the integer 3, expected an object with a role and a content");
  CHECK(refusal(R"([{"tools": "heat", "messages": []}])").starts_with("tfm: x.json: tools: not valid JSON"));
  CHECK(refusal(R"([{"tools": {"name": "heat"}, "messages": []}])") ==
        "tfm: x.json: '[0].tools': found an object, expected a list of tools");
  CHECK(refusal(turns(user)) ==
        "tfm: x.json: found no conversation to learn from: 1 of 1 conversations are left out, as the assistant says "
        "nothing in them (record 1)");
  std::string deep;
  for (int i = 0; i < 100; ++i) deep += "[";
  CHECK(refusal(R"({"messages": [{"role": "user", "content": )" + deep).starts_with("tfm: x.json"));
}

TEST_CASE("damaged conversations are read or refused, and nothing else", "[conversations]") {
  const std::string call =
      R"({"tools": "[{\"name\": \"heat\"}]", "system": "Be.", "messages": [{"role": "user", "content": [{"text": "a"}]},)"
      R"({"role": "assistant", "tool_calls": [{"function": {"name": "heat", "arguments": "{\"at\": [1, 2]}"}}]},)"
      R"({"from": "observation", "value": "19"}, {"from": "gpt", "value": "\u00e9 \ud83d\ude00"}]})";
  const std::string whole = "[" + good + ",\n" + call + "]";
  int refused = 0, read = 0;
  const auto use = [&](const std::string& text) {
    try {
      read += parse(text).read > 0 ? 1 : 0;
    } catch (const tfm::LoadError& error) {
      ++refused;
      CHECK(std::string(error.what()).starts_with("tfm: x.json"));
    }
    static_cast<void>(tfm::holds_conversations(text));
  };
  for (std::size_t size = 0; size < whole.size(); ++size) use(whole.substr(0, size)), use(whole.substr(size));
  for (std::size_t at = 0; at < whole.size(); ++at)
    for (const char c : {'"', '{', ']', '0', '\\', '\xFF'}) {
      std::string text = whole;
      text[at] = c;
      use(text);
    }
  CHECK(refused > 500);
  CHECK(read > 500);
  std::string deep(150, '[');
  deep += std::string(150, ']');
  std::string outer = "{\"arguments\": \"{\\\"a\\\": " + deep + "}\"}";
  for (int i = 0; i < 55; ++i) outer = "[" + outer + "]";
  CHECK(refusal(turns(R"({"role": "user", "content": "a", "more": )" + outer + "}," + assistant))
            .starts_with("tfm: x.json: record 1: "));
}

TEST_CASE("the shared conversations are read", "[conversations]") {
  const auto folder = tfm_test::require(tfm_test::shared() / "data/chat");
  if (!folder) return;
  const Conversations read = tfm::read_conversations(*folder / "dummy_conversation.json");
  CHECK((read.records.size() == 500 && read.lines().empty()));
  const auto texts = tfm::distinct_texts(read.records);
  CHECK((texts.count() > 100 && texts.count() < 500));
  CHECK(tfm::read_conversations(*folder / "sharegpt_tiny.json").records[0].messages.size() == 5);
}
