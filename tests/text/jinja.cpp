// Jinja beside the goldens: who wrote which character, and what hostile templates get.
#include "tfm/text/jinja/conversation.hpp"

#include <string>
#include <string_view>
#include <vector>

#include "support/catch.hpp"

namespace {

namespace jinja = tfm::jinja;
using Catch::Contains;
using jinja::Template, jinja::Value;

/// The rendered text, with what others than the template wrote in brackets: <text>.
std::string marked(std::string_view source, std::string user = "Hi <there>", const jinja::Limits& limits = {}) {
  jinja::Context context;
  context.variables.emplace_back("m", Value::of(std::move(user), jinja::by_message(0)));
  context.variables.emplace_back("d", jinja::from_json(R"({"a": [1, "x"], "k": "v"})", jinja::by_message(1)));
  const jinja::Rendered rendered = Template(source).render(context, limits);
  std::string out;
  std::size_t begin = 0;
  for (const jinja::Run& run : rendered.runs) {
    const std::string text = rendered.text.substr(begin, run.end - begin);
    out += run.origin == jinja::by_template ? text : "<" + std::to_string(run.origin - 2) + ":" + text + ">";
    begin = run.end;
  }
  return out;
}
std::string error_of(std::string_view source, const jinja::Limits& limits = {}) {
  try {
    jinja::Context context;
    context.variables.emplace_back("long", Value::of(std::string(100'000, 'a')));
    Template(source).render(context, limits);
  } catch (const tfm::TemplateError& error) {
    return error.what();
  }
  return "no error";
}
std::string repeated(std::string_view text, std::size_t times) {
  std::string out;
  for (std::size_t i = 0; i < times; ++i) out += text;
  return out;
}

}  // namespace

TEST_CASE("Jinja: every character knows who wrote it, through filters, slices, concatenation and macros") {
  CHECK(marked("a{{ m }}b") == "a<0:Hi <there>>b");
  CHECK(marked("{{ '[' + m[3:] + ']' }}") == "[<0:<there>>]");
  CHECK(marked("{{ '  ' ~ m|upper|trim ~ 1 }}") == "  <0:HI <THERE>>1");
  CHECK(marked("{{ m.split(' ')|join('+') }}") == "<0:Hi>+<0:<there>>");
  CHECK(marked("{{ m|replace('there', 'you') }}") == "<0:Hi <>you<0:>>");
  CHECK(marked("{{ 'one two'|replace('two', m) }}") == "one <0:Hi <there>>");
  CHECK(marked("{{ m[::-1][:3] }}") == "<0:>er>");
  CHECK(marked("{{ '%s and %5s' % (m, 'x') }}") == "<0:Hi <there>> and     x");
  CHECK(marked("{{ '{}!'.format(m) }}") == "<0:Hi <there>>!");
  CHECK(marked("{% macro f(x) %}({{ x|title }}){% endmacro %}{{ f(m) ~ f('y') }}") == "(<0:Hi <There>>)(Y)");
  CHECK(marked("{% set x %}a{{ m }}{% endset %}{{ x[1:3] ~ x[0] }}") == "<0:Hi>a");
  CHECK(marked("{% filter lower %}A{{ m }}{% endfilter %}") == "a<0:hi <there>>");
  CHECK(marked("{% for c in m[:2] %}{{ c }}-{% endfor %}") == "<0:H>-<0:i>-");
  CHECK(marked("{{ m|e }}") == "<0:Hi &lt;there&gt;>");
  CHECK(marked("{{ m|center(14) }}|{{ (m ~ '\n' ~ m)|indent(2) }}") ==
        "  <0:Hi <there>>  |<0:Hi <there>>\n  <0:Hi <there>>");
  // What is printed between the parts of a message's dictionary is the message's as well.
  CHECK(marked("{{ d|tojson }}{{ [d.k]|tojson }}") == "<1:{\"a\": [1, \"x\"], \"k\": \"v\"}>[\"<1:v>\"]");
  CHECK(marked("{{ d }}|{{ d.a }}|{{ d.a|string|length }}") == "<1:{'a': [1, 'x'], 'k': 'v'}>|<1:[1, 'x']>|8");
}

TEST_CASE("Jinja: what stands in {% generation %} is marked, out of macros and blocks too") {
  jinja::Context context;
  const auto spans = [&](std::string_view source) {
    const jinja::Rendered rendered = Template(source).render(context);
    std::string out;
    std::size_t begin = 0;
    for (const jinja::Run& run : rendered.runs) {
      if ((run.origin & jinja::in_generation) != 0) out += rendered.text.substr(begin, run.end - begin) + "|";
      begin = run.end;
    }
    return out;
  };
  CHECK(spans("a{% generation %}b{{ 1 }}{% endgeneration %}c{% generation %}d{% endgeneration %}") == "b1|d|");
  CHECK(spans("{% macro f() %}x{% generation %}y{% endgeneration %}{% endmacro %}{% set z %}{{ f() }}{% endset %}{{ "
              "z|upper }}") == "Y|");
  CHECK(Template("{% generation %}{% endgeneration %}").marks_generation());
  CHECK_FALSE(Template("{{ generation }}").marks_generation());
}

TEST_CASE("a conversation's roles and marks are the template's, its texts the messages'") {
  jinja::Conversation conversation;
  conversation.messages =
      jinja::from_json(R"([{"role": "user", "content": "<|user|>"}, {"role": "<|x|>", "content": "y", "name": null}])");
  conversation.tools = jinja::from_json(R"(["t"])");
  const Template chat(
      "{% for m in messages %}{{ '<|' + m.role + '|>' + m.content }}{{ m.name is defined }}{% endfor %}{{ tools[0] }}");
  const jinja::Rendered rendered = jinja::render(chat, conversation);
  CHECK(rendered.text == "<|user|><|user|>False<|<|x|>|>yFalset");
  const std::vector<jinja::Run> runs{{8, 0}, {16, 2}, {23, 0}, {28, 3}, {30, 0}, {31, 3}, {36, 0}, {37, 1}};
  CHECK(rendered.runs == runs);
  conversation.continue_final_message = true;
  CHECK_THROWS_AS(jinja::render(chat, conversation), tfm::OptionError);
  conversation.add_generation_prompt = false;
  CHECK(jinja::render(chat, conversation).text == "<|user|><|user|>False<|<|x|>|>y");
  CHECK(jinja::render(chat, conversation).runs.back() == jinja::Run{31, 3});
  CHECK_THROWS_WITH(jinja::render(Template("x"), conversation), Contains("cannot be continued"));
  conversation.messages = jinja::from_json("[]");
  CHECK_THROWS_WITH(jinja::render(chat, conversation), Contains("no messages"));
}

TEST_CASE("hostile Jinja is refused in bounded time, stack and memory") {
  const std::pair<const char*, const char*> brackets[] = {{"(", ")"},           {"[", "]"},    {"{1:", "}"},
                                                          {"not ", ""},         {"-", ""},     {"a(", ")"},
                                                          {"a if b else ", ""}, {"a|f(", ")"}, {"a[", "]"}};
  for (const auto& [open, close] : brackets)
    CHECK_THAT(error_of("{{ " + repeated(open, 100'000) + "a" + repeated(close, 100'000) + " }}"),
               Contains("deep in one another"));
  for (const char* block : {"{% if a %}", "{% for x in y %}", "{% macro f() %}", "{% filter upper %}", "{% set x %}",
                            "{% with %}", "{% call f() %}", "{% generation %}"}) {
    CHECK_THAT(error_of(repeated(block, 100'000)), Contains("deep in one another"));
  }
  for (const char* chain : {"+a", ".a", "|upper", "()", "[0]", "~(a)+a", " and a", " is string + a"})
    CHECK_THAT(error_of("{{ a" + repeated(chain, 100'000) + " }}"), Contains("deep in one another"));
  const std::string nested = "{% for a in range(100000) %}{% for b in range(100000) %}{{ ''}}";
  CHECK_THAT(error_of(nested + "{% endfor %}{% endfor %}", {.steps = 100'000}), Contains("100000 steps"));
  CHECK_THAT(error_of(nested + "{% endfor %}{% endfor %}", {.steps = 1'000'000'000, .bytes = 1'000'000}),
             Contains("1000000 bytes"));
  CHECK_THAT(error_of("{{ 'x' * 1000000000000 }}"), Contains("bytes"));
  CHECK_THAT(error_of("{{ [0] * 9223372036854775807 }}"), Contains("bytes"));
  CHECK_THAT(error_of("{{ 'x'.center(9223372036854775807) }}"), Contains("bytes"));
  CHECK_THAT(error_of("{{ '%1000000000d' % 1 }}"), Contains("characters"));
  CHECK_THAT(error_of("{{ 'a'|indent(9223372036854775807) }}"), Contains("bytes"));
  CHECK_THAT(error_of("{% for a in range(100000) %}{{ long }}{% endfor %}", {.output = 1'000'000}),
             Contains("writes more than"));
  CHECK_THAT(error_of("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}"), Contains("within one another"));
  CHECK_THAT(error_of("{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}"), Contains("within one another"));
  CHECK_THAT(error_of("{% set n = namespace(x=[]) %}{% for i in range(1000) %}{% set n.x = [n.x] %}{% endfor %}"),
             Contains("deep in one another"));
  CHECK_THAT(
      error_of("{% set n = namespace(x=[1]) %}{% for i in range(1000) %}{% set n.x = n.x|map('string') %}{% endfor %}"),
      Contains("deep in one another"));
  CHECK_THAT(error_of("{% set n = namespace() %}{% set n.x = [n] %}{{ n }}"), Contains("within one another"));
  CHECK_THAT(error_of("{{ 10 ** 100000 }}"), Contains("too large"));
  CHECK_THAT(
      error_of("{% set n = namespace(x=10**4000) %}{% for i in range(9) %}{% set n.x = n.x * n.x %}{% endfor %}"),
      Contains("bits"));
  CHECK_THAT(error_of("{{ long.replace('a', long) }}"), Contains("bytes"));
  for (const char* open : {"{{", "{%", "{#", "{{ 'a", "{% raw %}", "{% if x %}", "{{ a }", "{% set x %}", "{% for",
                           "{% macro", "{{ (", "{{ a."})
    CHECK(error_of(open) != "no error");
  CHECK_THAT(error_of("\xff{{ a }}"), Contains("UTF-8"));
  CHECK_THAT(error_of(std::string(5u << 20, 'a')), Contains("expected at most"));
  CHECK_THAT(error_of("a\n\n{{ nofilter|no }}"), Contains("line 3"));
  CHECK_THAT(error_of("a\n{{ x.y.z }}"), Contains("line 2: 'x' is undefined"));
  // Bytes that are no characters stay what they are.
  CHECK(marked("{{ m|upper }}{{ m|length }}{{ m[1:] }}", "a\xff\xe2\x82") == "<0:A\xff\xe2\x82>4<0:\xff\xe2\x82>");
}

TEST_CASE("long texts are found in texts that begin like them again and again") {
  const std::string part = std::string(20, 'a') + "b", text = "a" + part + std::string(30, 'a') + part + "aab" + part;
  std::string expected;
  for (std::size_t at = 0; (at = text.find(part, at)) != text.npos; at += part.size()) expected += std::to_string(at) + " ";
  CHECK(expected == "1 52 76 ");
  jinja::Context context;
  context.variables.emplace_back("text", Value::of(text));
  context.variables.emplace_back("part", Value::of(part));
  CHECK(Template("{% for p in text.split(part) %}{{ p|length }} {% endfor %}{{ text.count(part) }} {{ text.find(part) }} {{ part ~ 'c' in text }}")
            .render(context).text == "1 30 3 0 3 1 False");
}

TEST_CASE("values of JSON, and JSON of values") {
  const std::string text =
      R"({"b": [1, -2.5, 1e+16, true, null, "é\n\"", 123456789012345678901234567890], "a": {}, "": []})";
  CHECK(jinja::to_json(jinja::from_json(text)) == text);
  CHECK(jinja::to_json(jinja::from_json(R"({"a": 1, "b": 2, "a": 3})")) == R"({"a": 3, "b": 2})");
  CHECK(jinja::from_json(R"("\ud83d\ude00")").bytes() == "\xf0\x9f\x98\x80");
  for (const char* bad : {"", "{", "[1,]", "{\"a\"}", "01", "1.", "-", "\"a", "\"\\x\"", "\"\\ud800\"", "nul", "[1] 2",
                          "\"\n\"", "{1: 2}", "\"\xff\""}) {
    CAPTURE(bad);
    CHECK_THROWS_AS(jinja::from_json(bad), tfm::TemplateError);
  }
  CHECK_THROWS_WITH(jinja::from_json(repeated("[", 100'000)), Contains("deep"));
  CHECK_THROWS_WITH(jinja::from_json("[1, x]", jinja::by_caller, "tools.json"), Contains("tools.json: at byte 5"));
}

TEST_CASE("the time that a template writes is the caller's") {
  jinja::Context context;
  const auto text = [&](std::string_view format) {
    return Template("{{ strftime_now('" + std::string(format) + "') }}").render(context).text;
  };
  CHECK(Template("{{ strftime_now is defined }}").render(context).text == "False");
  context.now = jinja::DateTime::parse("2021-01-03T00:05:00");
  CHECK(text("%a %d %b %Y %I:%M %p %j %U %W %V %G %u") == "Sun 03 Jan 2021 12:05 AM 003 01 00 53 2020 7");
  CHECK(text("%-d %_d %e %% %Q") == "3  3  3 % %Q");
  for (const char* bad : {"", "2024-09-05", "2024-13-05T00:00:00", "2023-02-29T00:00:00", "2024-02-29T24:00:00",
                          "2024-02-29T00:00:60", "2024-02-29T00:00:00Z"}) {
    CHECK_THROWS_AS(jinja::DateTime::parse(bad), tfm::OptionError);
  }
}
