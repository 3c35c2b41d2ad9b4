#include "tfm/generate/stop_rules.hpp"

#include "support/catch.hpp"
#include "tfm/core/random.hpp"

namespace {

using tfm::StopFilter, tfm::StopRules;
using Texts = std::vector<std::string>;

struct Streamed {
  std::string shown;
  bool found;
  Texts steps;
};
/// What comes out of the filter, piece by piece and at the end.
Streamed stream(const Texts& stops, const Texts& pieces) {
  StopFilter filter{std::span(stops)};
  Streamed out{};
  for (const std::string& piece : pieces) {
    out.steps.emplace_back(filter.push(piece));
    if (filter.found()) break;
  }
  out.steps.emplace_back(filter.flush());
  out.found = filter.found();
  for (const std::string& step : out.steps) out.shown += step;
  return out;
}

/// The same by definition: the shortest beginning of the text that ends with a stop string ends the answer.
Streamed by_definition(const Texts& stops, const std::string& text) {
  for (std::size_t end = 1; end <= text.size(); ++end) {
    std::size_t longest = 0;
    for (const std::string& s : stops) {
      if (std::string_view(text).substr(0, end).ends_with(s)) longest = std::max(longest, s.size());
    }
    if (longest > 0) return {text.substr(0, end - longest), true, {}};
  }
  return {text, false, {}};
}

}  // namespace

TEST_CASE("a stop string over several pieces is not shown, nor any part of it") {
  const Texts stops{"### End"};
  const Streamed out = stream(stops, {"Hello", " ##", "# E", "nd and more", "never read"});
  CHECK(out.steps == Texts{"Hello", " ", "", "", ""});
  CHECK(out.found);
}

TEST_CASE("what turns out not to be a stop string is shown after all") {
  const Texts stops{"### End"};
  CHECK(stream(stops, {"a ##", "# Ex", "it"}).steps == Texts{"a ", "### Ex", "it", ""});
  CHECK(stream(stops, {"a ##", "##"}).steps == Texts{"a ", "#", "###"});  // the flush gives what was held
  CHECK_FALSE(stream(stops, {"a ##", "##"}).found);
  CHECK(stream({}, {"a", "b"}).steps == Texts{"a", "b", ""});
}

TEST_CASE("the stop string that is complete first ends the text, of several the longest") {
  CHECK(stream({"abcd", "bc"}, {"xabcd"}).shown == "xa");
  CHECK(stream({"abcd", "bc"}, {"xab", "cd"}).shown == "xa");
  CHECK(stream({"\n\n# Q", "# Q"}, {"yes\n", "\n# ", "Q"}).shown == "yes");
  CHECK(stream({"# Q", "\n\n# Q"}, {"yes\n# Q"}).shown == "yes\n");
  CHECK(stream({"aab"}, {"aaab"}).shown == "a");
}

TEST_CASE("however a text is cut into pieces, the same is shown") {
  const tfm::RandomKey key{7};
  std::uint64_t draw = 0;
  const auto below = [&](std::size_t n) { return static_cast<std::size_t>(key.bits(draw++) % n); };
  const auto word = [&](std::size_t longest) {
    std::string s;
    for (std::size_t n = 1 + below(longest); n > 0; --n) s += static_cast<char>('a' + below(2));
    return s;
  };
  int found = 0;
  for (int round = 0; round < 5000; ++round) {
    Texts stops;
    for (std::size_t n = 1 + below(3); n > 0; --n) stops.push_back(word(6));
    const std::string text = word(12);
    Texts pieces;
    for (std::size_t at = 0; at < text.size(); at += pieces.back().size()) pieces.push_back(text.substr(at, below(4)));
    const Streamed expected = by_definition(stops, text), out = stream(stops, pieces);
    REQUIRE(out.shown == expected.shown);
    REQUIRE(out.found == expected.found);
    found += out.found;
  }
  CHECK(found > 500);
  CHECK(found < 4500);
}

TEST_CASE("nothing is shown after the end, until the filter is reset") {
  const Texts stops{"."};
  StopFilter filter{std::span(stops)};
  CHECK(filter.push("a.b") == "a");
  CHECK(filter.found());
  CHECK(filter.push("c").empty());
  CHECK(filter.flush().empty());
  filter.reset();
  CHECK_FALSE(filter.found());
  CHECK(filter.push("d") == "d");
}

TEST_CASE("a control token's spelling is seen by the stop strings that hold it, and never shown") {
  // "<" begins the spelling of a token that has no text of its own, here <s>
  const auto shown = [](const Texts& stops, const Texts& pieces) {
    StopFilter filter{std::span(stops)};
    std::string out;
    for (const std::string& piece : pieces) {
      out += piece.starts_with('<') ? filter.push_control(piece) : filter.push(piece);
      if (filter.found()) return out + "|";
    }
    return out + std::string(filter.flush());
  };
  CHECK(shown({"<s>"}, {"ab", "<s>", "c"}) == "ab|");
  CHECK(shown({"b<s>"}, {"ab", "<s>", "c"}) == "a|");
  CHECK(shown({"b<s>"}, {"ab", "c", "<s>", "d"}) == "abcd");
  CHECK(shown({"b<s>c"}, {"ab", "<s>", "cd"}) == "a|");
  CHECK(shown({"b<s>c"}, {"ab", "<s>", "<s>", "cd"}) == "abcd");
  CHECK(shown({"<s><s>"}, {"ab", "<s>", "<s>"}) == "ab|");
  CHECK(shown({"b<s>"}, {"a", "b", "</s>", "<s>"}) == "a|");          // another token has no part in it
  CHECK(shown({"abc"}, {"xa", "<s>", "bc"}) == "x|");                   // what a reader sees is "abc"
  CHECK(shown({"abc", "b<s>"}, {"xab", "<s>", "c"}) == "xa|");
  CHECK(shown({"ab<s>", "<s>"}, {"xab", "<s>"}) == "x|");               // the longest
  CHECK(shown({"b<s>"}, {"a", "b<", "s>"}) == "a|");                    // typed, not the token
  CHECK(shown({"b<s>c"}, {"ab", "<s>"}) == "ab");
}

TEST_CASE("whole characters stay whole: only a stop string's own beginning is held back") {
  const Texts stops{"\u00e9t\u00e9"};
  CHECK(stream(stops, {"caf\u00e9", "\u00e8"}).steps == Texts{"caf", "\u00e9\u00e8", ""});
}

TEST_CASE("stop rules know their tokens and refuse stop strings that make no sense") {
  const StopRules rules({2, 0}, {"###"});
  CHECK(rules.stops(2));
  CHECK(rules.stops(0));
  CHECK_FALSE(rules.stops(1));
  CHECK_FALSE(StopRules().stops(0));
  CHECK(rules.strings().size() == 1);
  CHECK_THROWS_AS(StopRules({}, {"a", ""}), tfm::OptionError);
  CHECK_THROWS_WITH(StopRules({}, {"a", ""}), Catch::Contains("stop string 2 of 2 is empty"));
  CHECK_THROWS_WITH(StopRules({}, {"\xa9"}), Catch::Contains("within a UTF-8 character"));
}

TEST_CASE("every reason has its name") {
  CHECK(tfm::name(tfm::StopReason::stop_token) == "stop_token");
  CHECK(tfm::name(tfm::StopReason::stop_string) == "stop_string");
  CHECK(tfm::name(tfm::StopReason::max_tokens) == "max_tokens");
  CHECK(tfm::name(tfm::StopReason::context_full) == "context_full");
  CHECK(tfm::name(tfm::StopReason::callback) == "callback");
  CHECK(tfm::name(tfm::StopReason::stopped) == "stopped");
}
