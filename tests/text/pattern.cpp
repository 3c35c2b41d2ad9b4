#include "tfm/text/pattern.hpp"

#include <string>
#include <utility>

#include "support/catch.hpp"
#include "support/error_of.hpp"

namespace {
using tfm::Pattern;
using Words = std::vector<std::string>;

/// The matches, an empty one as "".
Words matches(std::string_view pattern, std::string_view text) {
  Pattern::States states;
  std::vector<tfm::TextSpan> spans;
  Pattern(pattern, "here").find(text, states, spans);
  Words all;
  for (const auto& [begin, end] : spans) all.emplace_back(text.substr(begin, end - begin));
  return all;
}
std::string refusal(std::string_view pattern) {
  return tfm_test::error_of<tfm::LoadError>([&] { Pattern(pattern, "here"); });
}
}  // namespace

TEST_CASE("pattern: the first alternative that leads to a match, the longest repetition") {
  CHECK(matches("a|ab", "ab") == Words{"a"});
  CHECK(matches("ab|a", "abac") == Words{"ab", "a"});
  CHECK(matches("(?:a|ab)c", "abc") == Words{"abc"});
  CHECK(matches("a*b|a", "aaab aa") == Words{"aaab", "a", "a"});
  CHECK(matches("a{2,3}", "aaaaa a") == Words{"aaa", "aa"});
  CHECK(matches("a{2,}?", "aaaaa") == Words{"aa", "aa"});
  CHECK(matches("a+?b", "aab") == Words{"aab"});
  CHECK(matches("(?:ab)+", "ababa") == Words{"abab"});
  CHECK(matches("x?y", "xxyy") == Words{"xy", "y"});
  CHECK(matches("a??b", "aab") == Words{"ab"});
}

TEST_CASE("pattern: what a possessive repetition has taken it keeps") {
  CHECK(matches("a++a", "aaa").empty());
  CHECK(matches("a?+a", "a b aa") == Words{"aa"});
  CHECK(matches("[ab]*+b|a", "abab").front() == "a");
  CHECK(matches("a{1,2}+b", "aaaab") == Words{"aaaab"});  // not possessive: one or more times one or two
}

TEST_CASE("pattern: looks ahead, of any length and inside one another") {
  CHECK(matches(R"(\s+(?!\S))", "a   b  ") == Words{"  ", "  "});
  CHECK(matches(R"(\d{1,3}(?=(?:\d{3})*\b))", "1234567 12") == Words{"1", "234", "567", "12"});
  CHECK(matches(R"((?=(\d{3})+(?!\d)))", "1234567") == Words{"", ""});
  CHECK(matches("a(?=b(?!c))", "abc abd") == Words{"a"});
  CHECK(matches("(?=[a-c])([^b])", "abcd") == Words{"a", "c"});
  CHECK(matches("a$", "a\na ba") == Words{"a", "a"});
}

TEST_CASE("pattern: classes, properties, intersections and case") {
  CHECK(matches(R"([^\s\p{L}]+)", "ab1! \u00e9\u0301") == Words{"1!", "\u0301"});
  CHECK(matches(R"([\p{L}&&[^\p{Han}]]+)", "a\u4f60b") == Words{"a", "b"});
  CHECK(matches(R"([\S&&\W&&[^!]]+)", "a!?. b") == Words{"?."});
  CHECK(matches(R"([a\-\]^]+)", "x-]^ab") == Words{"-]^a"});
  CHECK(matches(R"([-a]+[]b])", "a-] ab") == Words{"a-]", "ab"});
  CHECK(matches(R"(\x{1F600}\u00e9\x41\P{Lu}\p{^Lu})", "\U0001F600\u00e9Aaa") == Words{"\U0001F600\u00e9Aaa"});
  CHECK(matches("(?i:'s|K)s", "'Ss 'ss '\u017fs \u212as kS") == Words{"'Ss", "'ss", "'\u017fs", "\u212as"});
  CHECK(matches("(?i:\u00e9)", "\u00c9\u00e9") == Words{"\u00c9", "\u00e9"});
  CHECK(matches(".", "a\n\u4f60") == Words{"a", "\u4f60"});
}

TEST_CASE("pattern: nothing to find, and texts of one character") {
  CHECK(matches("a", "").empty());
  CHECK(matches("a*", "").size() == 1);
  CHECK(matches("a*", "ba") == Words{"", "a"});
  CHECK(matches("", "ab") == Words{"", "", ""});
}

TEST_CASE("pattern: what is not regular, or not known, is refused by its place") {
  CHECK(refusal("a(?<=b)").find("tfm: here: the pattern 'a(?<=b)': at byte 1: found '(?<=', which is not supported") ==
        0);
  for (const auto& [pattern, part] : {std::pair<const char*, const char*>{"(?>a)", "found '(?>a'"},
                                      {R"((a)\1)", R"(found '\1')"},
                                      {"^a", "found '^'"},
                                      {R"(\p{Latin})", "the property 'Latin'"},
                                      {"[[:alpha:]]", "a class of POSIX"},
                                      {R"(\Ga)", "found"},
                                      {"a{3,2}", "fewest above most"},
                                      {"a{1001}", "a number above 1000"},
                                      {"(a", "found the end, expected a ')'"},
                                      {"a)", "found a ')', expected the end"},
                                      {"[a", "found the end, expected a ']'"},
                                      {"*a", "found '*'"},
                                      {"(a*)*", "a repeated part of it may be empty"},
                                      {"(ab)++", "a possessive repetition of more than one character"},
                                      {R"(a\b)", "found \\b"},
                                      {"((a{1000}){1000}){1000}", "repeats too much"},
                                      {"\\", "found the end"},
                                      {R"(\xZZ)", "no code point"},
                                      {"[z-a]", "whose end is before"},
                                      {R"([a-\d])", "a range that ends with a class"},
                                      {"a[ab]{20}b", "too many states"}}) {
    CAPTURE(pattern);
    const std::string message = refusal(pattern);
    CHECK(message.find(part) != std::string::npos);
  }
  CHECK(refusal("\xff").find("no UTF-8") != std::string::npos);
  CHECK(refusal(std::string(100, '(')).find("more than 50") != std::string::npos);
}

TEST_CASE("pattern: a megabyte takes no quadratic time") {
  const std::string spaces(1'000'000, ' '), digits(1'000'000, '1');
  CHECK(matches(R"(\s+$|\s*[\r\n]+)", spaces + "x").empty());
  CHECK(matches("a*b|a", std::string(1'000'000, 'a')).size() == 1'000'000);
  CHECK(matches(R"(\d{1,3}(?=(?:\d{3})*\b))", digits).size() == 333'334);
}
