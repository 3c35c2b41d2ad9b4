#include "tfm/text/tokenizer.hpp"

#include "support/catch.hpp"
#include "tfm/text/stream_decoder.hpp"

namespace {
using tfm::AnyTokenizer, tfm::Index, tfm::TextSegment, tfm::Token;
using Tokens = std::vector<Token>;

/// A tokenizer of a user's own: every byte is a token, 256 is control; a text loses the spaces that it begins with.
struct Bytes {
  std::string all;
  Bytes() {
    for (int byte = 0; byte < 256; ++byte) all.push_back(static_cast<char>(static_cast<unsigned char>(byte)));
  }
  Tokens encode(std::span<const TextSegment> segments) const {
    Tokens out;
    for (const auto& segment : segments) {
      for (const char c : segment.text) {
        out.push_back(segment.from_template && c == '#' ? 256 : static_cast<unsigned char>(c));
      }
    }
    return out;
  }
  Index size() const { return 257; }
  tfm::SpecialTokens special() const { return {.bos = 256, .add_bos = true}; }
  bool is_control(Token token) const { return token == 256; }
  std::string_view bytes(Token token) const { return std::string_view(all).substr(static_cast<std::size_t>(token), 1); }
  std::string_view leading_bytes(Token token) const { return token == ' ' ? std::string_view() : bytes(token); }
  bool trims_spaces() const { return true; }
  std::string_view piece(Token token) const { return bytes(token); }
  std::optional<Token> find(std::string_view) const { return std::nullopt; }
};
}  // namespace

TEST_CASE("AnyTokenizer: holds a user's tokenizer") {
  const AnyTokenizer tokenizer = Bytes{};
  const AnyTokenizer copy = tokenizer;
  CHECK(copy.encode(tfm::UserText{"a#"}) == Tokens{'a', '#'});
  CHECK(copy.encode({tfm::TemplateText{"#"}, tfm::UserText{"#"}}) == Tokens{256, '#'});
  CHECK(copy.bos() == Token{256});
  CHECK(copy.add_bos());
  CHECK_FALSE(copy.eos());
  CHECK(copy.size() == 257);
}

TEST_CASE("AnyTokenizer: other roles, which must exist") {
  const AnyTokenizer tokenizer = Bytes{};
  const AnyTokenizer other = tokenizer.with_special({.eos = 7});
  CHECK(other.eos() == Token{7});
  CHECK_FALSE(other.bos());
  CHECK(tokenizer.bos() == Token{256});
  CHECK_THROWS_WITH(tokenizer.with_special({.pad = 257}),
                    "tfm: special token 257 is outside the vocabulary of 257");
  CHECK_THROWS_AS(tokenizer.with_special({.bos = -1}), tfm::TokenizerError);
}

TEST_CASE("AnyTokenizer: an empty one says so") {
  const AnyTokenizer nothing;
  CHECK_FALSE(static_cast<bool>(nothing));
  CHECK_THROWS_WITH(nothing.size(), "tfm: this AnyTokenizer holds no tokenizer");
  CHECK_THROWS_AS(nothing.encode(tfm::UserText{"a"}), tfm::TokenizerError);
}

TEST_CASE("decoding: leading spaces, control tokens, halves of characters") {
  const AnyTokenizer tokenizer = Bytes{};
  CHECK(tokenizer.decode(Tokens{256, ' ', ' ', 'a', ' ', 256}) == "a ");
  CHECK(tokenizer.decode(Tokens{' ', 'a'}, tfm::TextStart::middle) == " a");
  CHECK(tokenizer.decode(Tokens{0xC3, 0xA9}) == "\u00e9");
  CHECK(tokenizer.decode(Tokens{0xC3, 256, 0xA9}) == "\uFFFD\uFFFD");  // a control token ends a run of bytes
  CHECK(tokenizer.decode(Tokens{0xC3, 256, ' ', 'x'}) == "\uFFFD x");  // and text has begun by then
}

TEST_CASE("StreamDecoder: gives what it can at once, and no more") {
  tfm::StreamDecoder stream{AnyTokenizer(Bytes{})};
  CHECK(stream.push('H') == "H");
  CHECK(stream.push(0xF0).empty());
  CHECK(stream.push(0x9F).empty());
  CHECK(stream.push(0x98).empty());
  CHECK(stream.push(0x80) == "\U0001F600");
  CHECK(stream.push(0xE2).empty());
  CHECK(stream.push('x') == "\uFFFDx");
  CHECK(stream.push(0xF0).empty());
  CHECK(stream.flush() == "\uFFFD");
  CHECK(stream.flush().empty());
}
