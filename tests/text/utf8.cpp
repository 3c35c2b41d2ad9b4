#include "tfm/text/utf8.hpp"

#include "support/catch.hpp"
#include "tfm/core/random.hpp"

using namespace std::string_literals;

TEST_CASE("utf-8: every code point goes round, surrogates are refused") {
  for (char32_t code = 0; code < 0x110000; ++code) {
    std::string text;
    tfm::append_utf8(text, code);
    const bool surrogate = code >= 0xD800 && code < 0xE000;
    std::size_t at = 0;
    const bool fine = surrogate ? !tfm::is_utf8(text)
                                : tfm::utf8_character(text) == static_cast<int>(text.size()) &&
                                      tfm::next_code_point(text, at) == code && at == text.size();
    if (!fine) FAIL("code point " << static_cast<unsigned>(code));
  }
}

TEST_CASE("utf-8: what is no character") {
  for (const std::string& bad : {"\x80"s, "\xBF"s, "\xC0\xAF"s, "\xC1\x81"s, "\xE0\x9F\xBF"s, "\xED\xA0\x80"s,
                                 "\xF0\x8F\xBF\xBF"s, "\xF4\x90\x80\x80"s, "\xF5\x80\x80\x80"s, "\xFF"s, "\xC3("s,
                                 "\xE2\x82("s}) {
    CHECK(tfm::utf8_character(bad) == 0);
    CHECK_FALSE(tfm::is_utf8(bad));
  }
  for (const std::string& begun : {"\xC3"s, "\xE2"s, "\xE2\x82"s, "\xF0\x9F\x98"s, "\xF4\x8F"s}) {
    CHECK(tfm::utf8_character(begun) == -1);
    CHECK(tfm::incomplete_tail("x" + begun) == begun.size());
  }
  CHECK(tfm::incomplete_tail("") == 0);
  CHECK(tfm::incomplete_tail("x\xFF") == 0);
  CHECK(tfm::incomplete_tail("\xC3\xA9") == 0);
}

TEST_CASE("utf-8: one U+FFFD for each byte that belongs to no character") {
  CHECK(tfm::replace_invalid("a\xFF\xE2\x82z\xF0\x9F") == "a\uFFFD\uFFFD\uFFFDz\uFFFD\uFFFD");
  CHECK(tfm::replace_invalid("\xED\xA0\x80") == "\uFFFD\uFFFD\uFFFD");
  CHECK(tfm::replace_invalid("caf\xC3\xA9") == "caf\u00e9");
  CHECK(tfm::replace_invalid("").empty());
}

TEST_CASE("utf-8: a stream gives the same in any parts, and never half a character") {
  const tfm::RandomKey random{3};
  for (std::uint64_t round = 0; round < 500; ++round) {
    const auto key = random.with(round);
    std::string text;
    for (std::uint64_t i = 0; i < 40; ++i) {
      const auto bits = key.bits(i);
      if (bits % 3 == 0) {
        text.push_back(static_cast<char>(static_cast<unsigned char>(bits >> 8)));
      } else {
        tfm::append_utf8(text, static_cast<char32_t>((bits >> 8) % (bits % 3 == 1 ? 0xD800 : 0x80)));
      }
    }
    tfm::Utf8Stream stream;
    std::string whole;
    for (std::size_t at = 0, part = 0; at < text.size(); at += part) {
      part = 1 + key.with(1).bits(at) % 5;
      std::string out;
      stream.push(std::string_view(text).substr(at, part), out);
      if (!tfm::is_utf8(out)) FAIL("half a character");
      whole += out;
    }
    stream.flush(whole);
    CHECK(whole == tfm::replace_invalid(text));
    CHECK_FALSE(stream.pending());
  }
}
