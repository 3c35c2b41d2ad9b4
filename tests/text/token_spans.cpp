// Where tokens stand in their text: exact where the tokenizer keeps every byte, by stretches where it changes them.
#include "tfm/text/token_spans.hpp"

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "support/catch.hpp"
#include "support/data.hpp"
#include "support/golden.hpp"
#include "support/random.hpp"
#include "support/vocabularies.hpp"
#include "tfm/text/sentencepiece.hpp"

namespace {

using tfm::Agreement, tfm::AnyTokenizer, tfm::TextSpan, tfm::Token;

/// The texts of the tokens' places, with a bar between.
std::string places(const AnyTokenizer& tokenizer, const std::string& text) {
  const std::vector<Token> ids = tokenizer.encode(tfm::TemplateText{text});
  std::string out;
  for (const TextSpan& span : tfm::token_spans(tokenizer, ids, text))
    out += (out.empty() ? "" : "|") + text.substr(span.begin, span.end - span.begin);
  return out;
}

/// The length of the longest common subsequence, by its table.
std::size_t longest_common(const std::string& a, const std::string& b) {
  std::vector<std::size_t> row(b.size() + 1), above;
  for (const char c : a) {
    above = row;
    for (std::size_t j = 0; j < b.size(); ++j) row[j + 1] = c == b[j] ? above[j] + 1 : std::max(row[j], above[j + 1]);
  }
  return row.back();
}

}  // namespace

TEST_CASE("texts agree where they do, and nowhere else") {
  CHECK(tfm::agreements("", "abc").empty());
  CHECK(tfm::agreements("abc", "abc") == std::vector<Agreement>{{0, 0, 3}});
  CHECK(tfm::agreements(" Hi</s> you", "Hi</s>you") == std::vector<Agreement>{{1, 0, 6}, {8, 6, 3}});
  CHECK(tfm::agreements("abc", "xyz").empty());
}

TEST_CASE("what texts agree in is as long as it can be") {
  std::uint64_t at = 0;
  const auto draw = [&](std::uint64_t below) { return tfm::splitmix64(++at) % below; };
  for (int round = 0; round < 300; ++round) {
    std::string a, b;
    for (std::uint64_t n = draw(60); n > 0; --n) a += static_cast<char>('a' + draw(3));
    for (const char c : a) {
      if (draw(4) != 0) b += c;
      if (draw(5) == 0) b += static_cast<char>('a' + draw(4));
    }
    const auto same = tfm::agreements(a, b);
    std::size_t total = 0, in_a = 0, in_b = 0;
    for (const Agreement& each : same) {
      REQUIRE((each.a >= in_a && each.b >= in_b && each.size > 0));
      REQUIRE(a.substr(each.a, each.size) == b.substr(each.b, each.size));
      in_a = each.a + each.size, in_b = each.b + each.size, total += each.size;
    }
    CAPTURE(a, b);
    // 32 bytes that agree settle what was before them, so that longer texts may come out a little short.
    if (std::max(a.size(), b.size()) < 32) CHECK(total == longest_common(a, b));
  }
}

TEST_CASE("texts that have little in common take bounded time") {
  std::string a, b;
  for (int i = 0; i < 200'000; ++i) a += static_cast<char>('a' + i % 7), b += static_cast<char>('A' + i % 5);
  CHECK(tfm::agreements(a, b).empty());
  const std::string tail(1000, 'x');
  CHECK(tfm::agreements(a.substr(0, 100) + tail, tail).back() == Agreement{100, 0, 1000});
}

TEST_CASE("a byte-level BPE's tokens stand where their bytes do, special ones where they are spelt") {
  const auto folder = tfm_test::require(tfm_test::golden() / "tokenizers");
  if (!folder) return;
  for (const char* name : {"gpt2", "llama3", "smollm"}) {
    CAPTURE(name);
    const auto json = tfm_test::read_json(*folder / (std::string(name) + ".tokenizer.json"));
    const AnyTokenizer tokenizer = tfm_test::byte_bpe_of(json, std::string(name) == "gpt2" ? "gpt-2" : name);
    const std::string special = json.at("added_tokens").at(0).at("content");
    const std::string text = special + "Caf\xC3\xA9 \xF0\x9F\x98\x80\n\n  two " + special + " end";
    const std::vector<Token> ids = tokenizer.encode(tfm::TemplateText{text});
    const auto spans = tfm::token_spans(tokenizer, ids, text);
    REQUIRE(spans.size() == ids.size());
    std::size_t at = 0;
    for (std::size_t i = 0; i < ids.size(); ++i) {
      const auto spelt = tokenizer.is_control(ids[i]) ? tokenizer.piece(ids[i]) : tokenizer.bytes(ids[i]);
      // smollm's vocabulary lacks bytes, which are nobody's.
      if (std::string(name) == "smollm") at = spans[i].begin;
      CHECK(spans[i] == TextSpan{at, at + spelt.size()});
      CHECK(text.substr(spans[i].begin, spelt.size()) == spelt);
      at += spelt.size();
    }
  }
}

TEST_CASE("spaces that sentencepiece puts in front stand for the character behind them") {
  const auto file = tfm_test::require(tfm_test::golden() / "tokenizers/sp.model");
  if (!file) return;
  const AnyTokenizer tokenizer = tfm::SentencePieceTokenizer(*file);
  const std::string text = "<s>the cat</s>Zq<s> the";
  const std::vector<Token> ids = tokenizer.encode(tfm::TemplateText{text});
  const auto spans = tfm::token_spans(tokenizer, ids, text);
  std::string all;
  std::size_t before = 0;
  for (std::size_t i = 0; i < spans.size(); ++i) {
    CHECK((spans[i].begin < spans[i].end && spans[i].begin + 1 >= before));
    before = spans[i].end;
    if (tokenizer.is_control(ids[i]))
      CHECK(text.substr(spans[i].begin, spans[i].end - spans[i].begin) == tokenizer.piece(ids[i]));
    else all += text.substr(spans[i].begin, spans[i].end - spans[i].begin);
  }
  CHECK(before == text.size());
}

TEST_CASE("a composed character stands for the characters that it was made of") {
  const auto folder = tfm_test::require(tfm_test::golden() / "tokenizers");
  if (!folder) return;
  const AnyTokenizer tokenizer = tfm_test::byte_bpe_of(tfm_test::read_json(*folder / "qwen2.tokenizer.json"), "qwen2");
  const std::string text = "xe\xCC\x81y";  // NFC makes one character of the two
  const std::vector<Token> ids = tokenizer.encode(tfm::TemplateText{text});
  const auto spans = tfm::token_spans(tokenizer, ids, text);
  REQUIRE(!spans.empty());
  CHECK(spans.front().begin == 0);
  CHECK(spans.back().end == text.size());
  for (std::size_t i = 0; i < ids.size(); ++i)
    if (tokenizer.bytes(ids[i]).find('\xA9') != std::string_view::npos)
      CHECK((spans[i].begin <= 1 && spans[i].end >= 4));
  CHECK(places(tokenizer, "a") == "a");
}
