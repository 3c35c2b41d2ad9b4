#include "tfm/text/pre_tokenizer.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "support/catch.hpp"
#include "support/vocabularies.hpp"

namespace {
using Words = std::vector<std::string>;
Words words(const tfm::PreTokenizer& pre_tokenizer, std::string_view text) {
  Words all;
  tfm::PreTokenizer::Workspace work;
  tfm::pre_tokenize(pre_tokenizer, text, work, [&](std::string_view word) { all.emplace_back(word); });
  return all;
}
Words gpt2(std::string_view text) { return words(tfm::PreTokenizer("gpt-2"), text); }
Words smollm(std::string_view text) { return words(tfm::PreTokenizer("smollm"), text); }
tfm::PreTokenizer of_splitter(const tfm::SplitterFacts& splitter) {
  tfm::PreTokenizer all;
  for (const std::string_view pattern : splitter.patterns)
    if (!pattern.empty()) all.add(pattern, splitter.name);
  return all;
}
}  // namespace

TEST_CASE("gpt-2's expression: contractions") {
  CHECK(gpt2("don't you're I'LL we'd'") == Words{"don", "'t", " you", "'re", " I", "'", "LL", " we", "'d", "'"});
  CHECK(gpt2("'sx 's '' 've") == Words{"'s", "x", " '", "s", " ''", " '", "ve"});
}

TEST_CASE("gpt-2's expression: letters, numbers, the rest") {
  CHECK(gpt2("abc123 4x!? \u00e9\u4f60 \u00bd\u0664") ==
        Words{"abc", "123", " 4", "x", "!?", " \u00e9\u4f60", " \u00bd\u0664"});
  CHECK(gpt2("a\u0301b") == Words{"a", "\u0301", "b"});  // a combining accent is no letter
  CHECK(gpt2("\u200bx") == Words{"\u200b", "x"});        // a zero-width space is no white space
}

TEST_CASE("gpt-2's expression: white space leaves its last character to what follows") {
  CHECK(gpt2("  a") == Words{" ", " a"});
  CHECK(gpt2("a   b  ") == Words{"a", "  ", " b", "  "});
  CHECK(gpt2("a\n\nb\n c") == Words{"a", "\n", "\n", "b", "\n", " c"});
  CHECK(gpt2(" \t\na") == Words{" \t", "\n", "a"});
  CHECK(gpt2(" ") == Words{" "});
  CHECK(gpt2(" \u00a0 x") == Words{" \u00a0", " x"});
  CHECK(gpt2("\u3000\u2028x") == Words{"\u3000", "\u2028", "x"});
  CHECK(gpt2("").empty());
}

TEST_CASE("smollm: numeric characters one by one, and what lies between them by itself") {
  CHECK(smollm("a12  3 b") == Words{"a", "1", "2", "  ", "3", " b"});
  CHECK(smollm("1\u0664x") == Words{"1", "\u0664", "x"});
  CHECK(smollm("x \u00b2\u00bd \u2167") == Words{"x", " ", "\u00b2", "\u00bd", " ", "\u2167"});  // No, No and Nl
  CHECK(smollm("\r\n\u2460 \u3007") == Words{"\r\n", "\u2460", " ", "\u3007"});
  CHECK(smollm("'1s") == Words{"'", "1", "s"});
}

TEST_CASE("pre-tokenizers: every name and splitter of the goldens, and their words") {
  const auto facts = tfm_test::require(tfm_test::golden() / "pre_tokenizers.json");
  const auto file = tfm_test::require(tfm_test::golden() / "pre_tokenizer_pieces.json");
  if (!facts || !file) return;
  const auto names = tfm_test::read_json(*facts);
  CHECK(names.at("names").size() == tfm::detail::pre_tokenizers.size());
  for (const auto& [name, said] : names.at("names").items()) {
    CAPTURE(name);
    const tfm::PreTokenizerFacts* const known = tfm::pre_tokenizer_facts(name);
    REQUIRE(known != nullptr);
    CHECK(known->splitter == said.at("splitter").get<std::string>());
    CHECK(known->ignore_merges == said.at("ignore_merges").get<bool>());
    CHECK(known->add_bos == said.at("add_bos").get<bool>());
  }
  const auto golden = tfm_test::read_json(*file);
  for (const auto& [name, said] : names.at("splitters").items()) {
    const tfm::SplitterFacts* const splitter = tfm::splitter_named(name);
    REQUIRE(splitter != nullptr);
    const tfm::PreTokenizer pre_tokenizer = of_splitter(*splitter);
    for (std::size_t i = 0; i < golden.at("texts").size(); ++i) {
      if (golden.at(name)[i].is_null()) continue;
      std::vector<int> lengths;  // in code points
      const auto text = golden.at("texts")[i].get<std::string>();
      for (const std::string& word : words(pre_tokenizer, text))
        lengths.push_back(
            static_cast<int>(std::count_if(word.begin(), word.end(), [](char c) { return (c & 0xC0) != 0x80; })));
      CAPTURE(name, i, text);
      CHECK(lengths == golden.at(name)[i].get<std::vector<int>>());
    }
  }
}

TEST_CASE("pre-tokenizers: the words are the text") {
  std::string text;
  for (char32_t c = 0; c < 0x3100; ++c) {
    tfm::append_utf8(text, c);
    if (c % 7 == 0) text += ' ';
    if (c % 11 == 0) text += '\'';
  }
  for (const char* const name : {"gpt-2", "smollm", "qwen2", "deepseek-v3", "gpt-4o", "superbpe"}) {
    std::string together;
    for (const auto& word : words(tfm::PreTokenizer(name), text)) {
      CHECK(!word.empty());
      together += word;
    }
    CHECK(together == text);
  }
}

TEST_CASE("pre-tokenizers: only known names") {
  for (const char* name : {"", "gpt2", "Qwen2", "llama-4"})
    CHECK_THROWS_AS(tfm::PreTokenizer(name), tfm::TokenizerError);
  CHECK_THROWS_WITH(tfm::PreTokenizer("gpt2"),
                    Catch::Contains("'gpt2' is not known; known are: default, minicpm5, llama3"));
}
