// Chat templates in Jinja against transformers: every template and conversation of the goldens, and a snippet for each
// feature.
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "support/catch.hpp"
#include "support/data.hpp"
#include "support/file_text.hpp"
#include "tfm/text/jinja/conversation.hpp"

namespace {

namespace jinja = tfm::jinja;
using jinja::find, jinja::Kind, jinja::Value;

const auto& pairs(const Value& dict) { return dict.as<jinja::Dict>().items; }
Value json_file(const std::filesystem::path& file) {
  return jinja::from_json(tfm_test::file_text(file), jinja::by_caller, file.string());
}
/// A file of the templates' goldens; what another seed's have not is the same for all seeds.
std::filesystem::path in_templates(const std::string& name) {
  const auto own = tfm_test::golden() / "templates" / name;
  return std::filesystem::exists(own) ? own : tfm_test::shared() / "golden/data/templates" / name;
}
const jinja::DateTime golden_time{2024, 9, 5, 14, 3, 9};

struct Outcome {
  std::string text;  // or the error's message
  bool failed = false, raised = false;
};
template <class Render>
Outcome outcome(Render render) {
  try {
    return {render(), false, false};
  } catch (const jinja::Raised& error) {
    return {error.what(), true, true};
  } catch (const tfm::TemplateError& error) {
    return {error.what(), true, false};
  }
}
/// A text must be equal; of an error that the template raised the message too.
void compare(const Outcome& got, const Value* text, const Value* error, bool raised) {
  if (text != nullptr) {
    CHECK_FALSE(got.failed);
    CHECK(got.text == text->bytes());
    return;
  }
  CHECK(got.failed);
  CHECK(got.raised == raised);
  if (raised) CHECK(got.text == error->bytes());
}

/// The variable that "user enable_thinking=True" sets; "set" stands for what no name holds.
std::pair<std::string, Value> option_of(const std::string& job, const Value& conversations) {
  const std::size_t equal = job.find('=');
  std::string name = job.substr(0, equal);
  const std::string shown = job.substr(equal + 1);
  if (shown == "True" || shown == "False") return {name, Value::of(shown == "True")};
  if (shown.find_first_not_of("0123456789") == shown.npos) return {name, Value::of(std::int64_t{std::stoll(shown)})};
  if (shown != "set") return {name, Value::of(shown, jinja::by_caller)};
  if (name == "documents") {
    return {name, jinja::from_json(R"([{"title": "On rivers", "text": "The Rhine is 1,233 km long."},)"
                                   R"( {"title": "Ünïcode", "text": "Second \"document\".\nTwo lines."}])")};
  }
  if (name == "builtin_tools") return {name, jinja::from_json(R"(["browser", "python"])")};
  return {name, *find(*find(conversations, "tools"), "tools")};
}

jinja::Conversation conversation_of(const Value& talk, const Value& source) {
  jinja::Conversation out;
  out.messages = *find(talk, "messages");
  if (const Value* tools = find(talk, "tools")) out.tools = *tools;
  out.continue_final_message = find(talk, "continue_final_message") != nullptr;
  const Value* begin = find(talk, "add_generation_prompt");
  out.add_generation_prompt = begin != nullptr ? begin->boolean() : !out.continue_final_message;
  out.now = golden_time;
  for (const auto& [key, value] : pairs(source))
    if (key.bytes().ends_with("_token"))
      out.variables.emplace_back(key.bytes(), jinja::with_origin(value, jinja::by_template));
  return out;
}
void add_variables(jinja::Conversation& conversation, const Value& source) {
  const Value* variables = find(source, "variables");
  if (variables == nullptr) return;
  for (const auto& [key, value] : pairs(*variables)) conversation.variables.emplace_back(key.bytes(), value);
}

/// What stands inside of {% generation %}, in code points; stretches that touch one another are one.
std::vector<std::pair<std::int64_t, std::int64_t>> generated(const jinja::Rendered& rendered) {
  std::vector<std::pair<std::int64_t, std::int64_t>> spans;
  std::size_t begin = 0;
  std::int64_t at = 0;
  for (const jinja::Run& run : rendered.runs) {
    std::int64_t length = 0;
    for (; begin < run.end; ++begin)
      length += (static_cast<unsigned char>(rendered.text[begin]) & 0xC0) != 0x80 ? 1 : 0;
    if ((run.origin & jinja::in_generation) != 0) {
      if (!spans.empty() && spans.back().second == at) spans.back().second += length;
      else spans.emplace_back(at, at + length);
    }
    at += length;
  }
  return spans;
}

}  // namespace

TEST_CASE("Jinja's snippets give what jinja2 gives, and fail where it does") {
  const auto file = tfm_test::require(in_templates("snippets.json"));
  if (!file) return;
  const Value golden = json_file(*file);
  jinja::Context context;
  for (const auto& [name, value] : pairs(*find(golden, "context"))) context.variables.emplace_back(name.bytes(), value);
  context.now = golden_time;
  for (const Value& snippet : find(golden, "cases")->as<jinja::List>().items) {
    const std::string source(find(snippet, "template")->bytes());
    CAPTURE(source);
    compare(outcome([&] { return jinja::Template(source).render(context).text; }), find(snippet, "out"),
            find(snippet, "error"), find(snippet, "raised") != nullptr);
  }
}

TEST_CASE("chat templates give what transformers renders, and raise what it raises") {
  const auto file = tfm_test::require(in_templates("sources.json"));
  if (!file) return;
  const Value sources = json_file(*file), conversations = json_file(in_templates("conversations.json"));
  int compared = 0;
  for (const auto& [name, source] : pairs(sources)) {
    const std::string file_name(name.bytes());
    const auto golden_file = tfm_test::golden() / "templates" / (file_name + ".json");
    if (!std::filesystem::exists(golden_file)) continue;
    const Value golden = json_file(golden_file);
    std::optional<jinja::Template> chat_template;
    const Outcome parsed = outcome(
        [&] { return chat_template.emplace(tfm_test::file_text(in_templates(file_name + ".jinja"))), std::string(); });
    for (const auto& [job_name, expected] : pairs(golden)) {
      const std::string job(job_name.bytes());
      CAPTURE(file_name, job);
      const std::size_t space = job.find(' ');
      const bool spans = job == "training spans";
      const Value* talk = find(conversations, job.substr(0, space));
      REQUIRE(talk != nullptr);
      jinja::Conversation conversation = conversation_of(*talk, source);
      if (!spans) add_variables(conversation, source);
      if (!spans && space != job.npos)
        conversation.variables.push_back(option_of(job.substr(space + 1), conversations));
      jinja::Rendered rendered;
      const Outcome got =
          chat_template ? outcome([&] { return rendered = jinja::render(*chat_template, conversation), rendered.text; })
                        : parsed;
      if (!got.failed && !got.text.empty()) CHECK(rendered.runs.back().end == got.text.size());
      ++compared;
      if (spans) {
        std::vector<std::pair<std::int64_t, std::int64_t>> whole;
        for (const Value& span : expected.as<jinja::List>().items) {
          const auto& ends = span.as<jinja::List>().items;
          if (!whole.empty() && whole.back().second == ends[0].integer()) whole.back().second = ends[1].integer();
          else whole.emplace_back(ends[0].integer(), ends[1].integer());
        }
        CHECK(generated(rendered) == whole);
        continue;
      }
      const Value* error = expected.is(Kind::text) ? nullptr : find(expected, "error");
      compare(got, error == nullptr ? &expected : nullptr, error,
              error != nullptr && find(expected, "raised") != nullptr);
    }
  }
  CHECK(compared > 100);
}
