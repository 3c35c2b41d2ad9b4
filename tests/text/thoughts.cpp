#include "tfm/text/thoughts.hpp"

#include <string>
#include <vector>

#include "support/catch.hpp"
#include "tfm/text/tool_calls.hpp"

namespace {

/// What is told apart of a reply that comes in pieces of so many bytes: "thoughts|answer".
std::string apart(std::string_view reply, std::size_t each, bool open = false,
                  tfm::ThoughtMarks marks = tfm::known_thought_marks[0]) {
  std::string thoughts, answer;
  tfm::ThoughtFilter filter(marks, open);
  const auto to = [](std::string& text) { return [&text](std::string_view piece) { return text += piece, true; }; };
  for (std::size_t at = 0; at < reply.size(); at += each)
    CHECK(filter.push(reply.substr(at, each), to(answer), to(thoughts)));
  filter.flush(to(answer), to(thoughts));
  return thoughts + "|" + answer;
}

}  // namespace

TEST_CASE("thoughts are told from the answer, however the pieces come") {
  for (const std::size_t each : {1u, 2u, 3u, 5u, 7u, 100u}) {
    CAPTURE(each);
    CHECK(apart("<think>\nHm. <b> a\n b?\n</think>\n\nYes.", each) == "Hm. <b> a\n b?|Yes.");
    CHECK(apart("Hm.\n</think>\n\nYes </think>", each, true) == "Hm.|Yes </think>");
    CHECK(apart("\n<think>\n\n</think>\n\nYes.", each) == "|Yes.");
    CHECK(apart("A <think> b </think> c", each) == "|A <think> b </think> c");
    CHECK(apart(" <thin", each) == "| <thin");
    CHECK(apart("<think>Hm. </thi", each) == "Hm. </thi|");
    CHECK(apart("", each) == "|");
    CHECK(apart("[THINK]a[/THINK]b", each, false, tfm::known_thought_marks[1]) == "a|b");
  }
  tfm::ThoughtFilter filter(tfm::known_thought_marks[0]);
  const auto stop = [](std::string_view) { return false; };
  const auto go_on = [](std::string_view) { return true; };
  CHECK_FALSE(filter.push("<think>a", go_on, stop));
  CHECK_FALSE(filter.push("</think>b", stop, go_on));
}

TEST_CASE("tool calls of Hermes' form are read, others are told") {
  const tfm::ToolCalls two = tfm::tool_calls_in(
      "Let me look.\n<tool_call>\n{\"name\": \"a\", \"arguments\": {\"x\": [1]}}\n</tool_call>\n<tool_call>{\"name\": "
      "\"b\", "
      "\"arguments\": \"{}\"}");
  REQUIRE(two.calls.size() == 2);
  CHECK((two.calls[0].name == "a" && tfm::jinja::to_json(two.calls[0].arguments) == "{\"x\": [1]}"));
  CHECK((two.calls[1].name == "b" && tfm::jinja::to_json(two.calls[1].arguments) == "{}"));
  CHECK((two.text == "Let me look." && two.unknown.empty()));
  const tfm::ToolCalls broken = tfm::tool_calls_in("<tool_call>{\"name\": 1}</tool_call>x");
  CHECK((broken.calls.empty() && broken.text == "<tool_call>{\"name\": 1}</tool_call>x"));
  CHECK_THAT(broken.unknown, Catch::Contains("with a name"));
  CHECK(tfm::tool_calls_in("[TOOL_CALLS][{}]").unknown == "[TOOL_CALLS]");
  CHECK(tfm::tool_calls_in("Plain.").unknown.empty());
  CHECK(tfm::tool_calls_in("Plain.").text == "Plain.");
}
