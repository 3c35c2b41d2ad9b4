#include "tfm/text/jinja_source.hpp"

#include "support/catch.hpp"

namespace {

/// The statements, one after the other, with quotes in place of the bytes 1.
std::string taken_apart(std::string_view source) {
  const auto statements = tfm::JinjaSource::statements(source);
  if (!statements) return "malformed";
  std::string all;
  for (const std::string& statement : *statements) all += statement;
  for (char& c : all) c = c == '\1' ? '"' : c;
  return all;
}

}  // namespace

TEST_CASE("one spelling for expressions") {
  CHECK(taken_apart("{{ a + b }}") == "{{a+b}}");
  CHECK(taken_apart("{{ m.role + m.content | trim }}") == "{{m[\"role\"]+m[\"content\"].strip()}}");
  CHECK(taken_apart("{{ m['role'] }}") == taken_apart("{{m[\"role\"]}}"));
  CHECK(taken_apart("{{ ' a\\n\\t\\'\\\\' }}") == "{{\" a\n\t'\\\"}}");
  CHECK(taken_apart("{{ 'a' + \"b\" + 'c' + d + 'e' }}") == "{{\"abc\"+d+\"e\"}}");
  CHECK(taken_apart("{{ 'it is }} and %}' }}") == "{{\"it is }} and %}\"}}");
  CHECK(taken_apart("{# a #}{{b}}{#- c -#}") == "{{b}}");
}

TEST_CASE("text between tags is trimmed as transformers does") {
  CHECK(taken_apart("a{{b}} c {{d}}\n\n") == "{{\"a\"}}{{b}}{{\" c \"}}{{d}}{{\"\n\"}}");
  CHECK(taken_apart("{% if a %}\n  b\n  {% endif %}\nc") == "{%ifa%}{{\"  b\n\"}}{%endif%}{{\"c\"}}");
  CHECK(taken_apart("  {% if a %}\n\n{% endif %}") == "{%ifa%}{{\"\n\"}}{%endif%}");
  CHECK(taken_apart("  {{ a }}") == "{{\"  \"}}{{a}}");
  CHECK(taken_apart("a \n {{- b -}} \n c") == "{{\"a\"}}{{b}}{{\"c\"}}");
  CHECK(taken_apart("{{ a }}\n  {%- if b -%}\n\n  c") == "{{a}}{%ifb%}{{\"c\"}}");
  CHECK(taken_apart("{{ a }}\r\n{{ b }}") == "{{a}}{{\"\n\"}}{{b}}");
  CHECK(taken_apart("a{{ b }} {% if c %}") == "{{\"a\"}}{{b}}{{\" \"}}{%ifc%}");
}

TEST_CASE("malformed sources are refused") {
  for (const char* broken : {"{{ a", "{% a", "{# a", "{{ 'a }}", "{{ 'a\\", "{{ '\\x41' }}", "a\1b", "{{"}) {
    CHECK(taken_apart(broken) == "malformed");
  }
  CHECK(taken_apart(std::string(100'000, ' ')) == "malformed");
  CHECK(taken_apart("") == "");
  CHECK(taken_apart("{") == "{{\"{\"}}");
}
