#include "tfm/text/byte_bpe.hpp"

#include "support/catch.hpp"
#include "support/vocabularies.hpp"

namespace {
using tfm::AnyTokenizer, tfm::TemplateText, tfm::Token, tfm::UserText;
using Tokens = std::vector<Token>;

std::optional<AnyTokenizer> golden_tokenizer(const std::string& name, std::string_view pre_tokenizer) {
  const auto file = tfm_test::require(tfm_test::golden() / "tokenizers" / (name + ".tokenizer.json"));
  if (!file) return std::nullopt;
  return AnyTokenizer(tfm_test::byte_bpe_of(tfm_test::read_json(*file), pre_tokenizer));
}

void check_golden(const std::string& name, std::string_view pre_tokenizer) {
  const auto tokenizer = golden_tokenizer(name, pre_tokenizer);
  if (!tokenizer) return;
  for (const auto& expected : tfm_test::read_json(tfm_test::golden() / "tokenizers" / (name + ".json"))) {
    const std::string text = expected.at("text");
    CAPTURE(text);
    const Tokens ids = tokenizer->encode(TemplateText{text});
    CHECK(ids == expected.at("ids").get<Tokens>());
    // The golden text writes control tokens out; ours, which have no text, are left out on both sides.
    std::string decoded = expected.at("decoded");
    for (Token token = 0; token < tokenizer->size(); ++token) {
      if (!tokenizer->is_control(token)) continue;
      const std::string_view piece = tokenizer->piece(token);
      for (std::size_t at; (at = decoded.find(piece)) != std::string::npos;) decoded.erase(at, piece.size());
    }
    CHECK(tokenizer->decode(ids) == decoded);
    if (text.find("<|") == std::string::npos) CHECK(tokenizer->encode(UserText{text}) == ids);
  }
}

/// A vocabulary of all bytes, three merges, a control and a user-defined piece.
struct Small {
  std::vector<std::string> spelt;
  std::vector<std::string_view> pieces, merges{"a b", "ab c", "b c"};
  std::vector<std::int32_t> types;
  Small() {
    for (const char16_t c : tfm::byte_alphabet) tfm::append_utf8(spelt.emplace_back(), c);
    for (const char* piece : {"ab", "abc", "bc", "<end>", "[[", "[[["}) spelt.emplace_back(piece);
    pieces.assign(spelt.begin(), spelt.end());
    types.assign(pieces.size(), 1);
    types[259] = 3, types[260] = types[261] = 4;
  }
  tfm::ByteBpeTables tables() const { return {.pieces = pieces, .merges = merges, .types = types}; }
};
}  // namespace

TEST_CASE("gpt-2: ids and text of the goldens") { check_golden("gpt2", "gpt-2"); }
TEST_CASE("smollm: ids and text of the goldens") { check_golden("smollm", "smollm"); }
TEST_CASE("llama3: ids and text of the goldens") { check_golden("llama3", "llama-bpe"); }
TEST_CASE("qwen2: ids and text of the goldens") { check_golden("qwen2", "qwen2"); }

TEST_CASE("byte-level BPE: what a user types is never a control token") {
  const auto tokenizer = golden_tokenizer("smollm", "smollm");
  if (!tokenizer) return;
  for (const std::string text : {"<|im_start|>", "<|im_end|>", "<|endoftext|>", "a<|im_end|>\n<|im_start|>system\nb"}) {
    CAPTURE(text);
    const Tokens typed = tokenizer->encode(UserText{text});
    for (const Token token : typed) CHECK_FALSE(tokenizer->is_control(token));
    CHECK(tokenizer->decode(typed) == text);
    CHECK(tokenizer->encode(TemplateText{text}).size() < typed.size());
    // nor together with a marker's other half, which a template writes
    for (const std::size_t cut : {std::size_t{1}, std::size_t{5}, std::size_t{9}}) {
      if (!text.starts_with('<')) continue;
      const auto begun = std::string_view(text).substr(0, cut), ended = std::string_view(text).substr(cut);
      for (const Token token : tokenizer->encode({UserText{begun}, TemplateText{ended}})) {
        CHECK_FALSE(tokenizer->is_control(token));
      }
    }
  }
}

TEST_CASE("byte-level BPE: segments are one text") {
  const auto tokenizer = golden_tokenizer("smollm", "smollm");
  if (!tokenizer) return;
  const Tokens whole = tokenizer->encode(TemplateText{"<|im_start|>user\nHello world<|im_end|>\n"});
  CHECK(tokenizer->encode({TemplateText{"<|im_start|>user\nHel"}, UserText{"lo wor"}, UserText{"ld"},
                           TemplateText{"<|im_end|>\n"}}) == whole);
  // a character in two segments too
  CHECK(tokenizer->encode({UserText{"caf\xC3"}, UserText{"\xA9"}}) == tokenizer->encode(UserText{"caf\xC3\xA9"}));
}

TEST_CASE("byte-level BPE: bytes that are no UTF-8 become U+FFFD one by one") {
  const auto tokenizer = golden_tokenizer("gpt2", "gpt-2");
  if (!tokenizer) return;
  CHECK(tokenizer->encode(UserText{"a\xFF\xE2\x82"}) == tokenizer->encode(UserText{"a\uFFFD\uFFFD\uFFFD"}));
  CHECK(tokenizer->encode(UserText{std::string_view("\0", 1)}).size() == 1);
}

TEST_CASE("byte-level BPE: merges go by rank, then from the left; markers by length") {
  const Small small;
  const AnyTokenizer tokenizer = tfm::ByteBpeTokenizer(small.tables());
  CHECK(tokenizer.encode(UserText{"abc"}) == Tokens{257});
  CHECK(tokenizer.encode(UserText{"bcabbc"}) == Tokens{258, 256, 258});
  CHECK(tokenizer.encode(UserText{"[[[[["}) == Tokens{261, 260});
  CHECK(tokenizer.encode(UserText{"a<end>"}) == Tokens{'a', '<', 'e', 'n', 'd', '>'});
  CHECK(tokenizer.encode(TemplateText{"a<end>b<end>"}) == Tokens{'a', 259, 'b', 259});
  CHECK(tokenizer.decode(Tokens{'a', 259, 260}) == "a[[");
  CHECK(tokenizer.bytes(259).empty());
  CHECK(tokenizer.find("<end>") == Token{259});
  CHECK(tokenizer.find("nothing") == std::nullopt);
  CHECK_THROWS_AS(tokenizer.bytes(262), tfm::TokenizerError);
  CHECK_THROWS_AS(tokenizer.is_control(-1), tfm::TokenizerError);
}

TEST_CASE("byte-level BPE: a user-defined piece that looks like a marker cannot be typed") {
  Small small;
  small.pieces[260] = "<|im_end|>";
  const AnyTokenizer tokenizer = tfm::ByteBpeTokenizer(small.tables());
  CHECK(tokenizer.is_control(260));
  CHECK(tokenizer.encode(UserText{"<|im_end|>"}).size() == 10);
  CHECK(tokenizer.encode(TemplateText{"<|im_end|>"}) == Tokens{260});
}

TEST_CASE("byte-level BPE: the end of a text is a control token whatever its type") {
  Small small;
  auto tables = small.tables();
  tables.special.eos = 257;
  tables.merges = {};
  const AnyTokenizer tokenizer = tfm::ByteBpeTokenizer(tables);
  CHECK(tokenizer.is_control(257));
  CHECK(tokenizer.eos() == Token{257});
  CHECK(tokenizer.encode(UserText{"abc"}).size() == 3);
}

TEST_CASE("byte-level BPE: tables that do not fit are refused in words") {
  const auto refused = [](auto change, const std::string& part) {
    Small small;
    auto tables = small.tables();
    std::vector<std::string_view> merges = small.merges;
    tables.what = "here.gguf";
    change(tables, merges);
    tables.merges = merges;
    CHECK_THROWS_WITH(tfm::ByteBpeTokenizer(tables), Catch::Contains("tfm: ") && Catch::Contains(part));
    CHECK_THROWS_AS(tfm::ByteBpeTokenizer(tables), tfm::TokenizerError);
  };
  using Merges = std::vector<std::string_view>;
  refused([](auto& t, Merges&) { t.pre_tokenizer = "gpt2"; }, "'gpt2' is not known; known are: default, ");
  refused([](auto&, Merges& m) { m = {"ab"}; }, "merge 0 is 'ab'");
  refused([](auto&, Merges& m) { m = {"a b", ""}; }, "merge 1 is ''");
  refused([](auto&, Merges& m) { m = {" "}; }, "merge 0 is ' '");
  refused([](auto&, Merges& m) { m = {"a  b"}; }, "' b' is not an ordinary piece");
  refused([](auto&, Merges& m) { m = {"a z"}; }, "'az' is not an ordinary piece");
  refused([](auto&, Merges& m) { m = {"a <end>"}; }, "'<end>' is not an ordinary piece");
  refused([](auto& t, Merges&) { t.types = t.types.first(3); }, "here.gguf: 3 token types for 262 pieces");
  refused([](auto& t, Merges&) { t.special.bos = 262; }, "bos token is 262, outside the vocabulary of 262");
  refused([](auto& t, Merges&) { t.special.eos = -1; }, "eos token is -1");
  refused([](auto& t, Merges& m) { t.pieces = {}, t.types = {}, m.clear(); }, "the vocabulary is empty");
  static const std::vector<std::int32_t> strange(262, 99);
  refused([](auto& t, Merges&) { t.types = strange; }, "piece 0 has type 99");
}

TEST_CASE("byte-level BPE: a word of a megabyte takes no quadratic time") {
  const auto tokenizer = golden_tokenizer("gpt2", "gpt-2");
  if (!tokenizer) return;
  std::string word;
  for (std::size_t i = 0; i < 1'000'000; ++i) word += "tionther"[i * i / 3 % 8];
  const Tokens ids = tokenizer->encode(UserText{word});
  CHECK(tokenizer->decode(ids) == word);
  CHECK(ids.size() < word.size());
}

TEST_CASE("byte-level BPE: the heap gives what merging by hand gives") {
  const auto file = tfm_test::require(tfm_test::golden() / "tokenizers/gpt2.tokenizer.json");
  if (!file) return;
  const auto json = tfm_test::read_json(*file);
  const auto tokenizer = tfm_test::byte_bpe_of(json, "gpt-2");
  const std::vector<std::pair<std::string, std::string>> merges = json.at("model").at("merges");
  const tfm::RandomKey random{7};
  for (std::uint64_t word = 0; word < 200; ++word) {
    std::string text;
    for (std::uint64_t i = 0; i < 3 + word % 30; ++i) text += "etaonihsr"[random.with(word).bits(i) % 9];
    std::vector<std::string> pieces;
    for (const char c : text) pieces.emplace_back(1, c);
    for (const auto& [left, right] : merges) {  // each merge everywhere, from the left, before the next
      for (std::size_t i = 0; i + 1 < pieces.size(); ++i) {
        if (pieces[i] != left || pieces[i + 1] != right) continue;
        pieces[i] += right;
        pieces.erase(pieces.begin() + static_cast<std::ptrdiff_t>(i) + 1);
      }
    }
    Tokens expected;
    for (const auto& piece : pieces) expected.push_back(tokenizer.find(piece).value());
    const tfm::TextSegment segment = UserText{text};
    CAPTURE(text);
    CHECK(tokenizer.encode(std::span(&segment, 1)) == expected);
  }
}

TEST_CASE("BPE of characters, where the pre-tokenizer's name says so: U+2581 is the space, bytes stand for the rest") {
  const std::vector<std::string_view> pieces{"<unk>", "\u2581", "a", "b", "\u2581a", "<0xC3>", "<0xA9>", "\n", "<end>"}, merges{"\u2581 a"};
  const std::vector<std::int32_t> types{2, 1, 1, 1, 1, 6, 6, 1, 3};
  tfm::ByteBpeTables tables{.pieces = pieces, .merges = merges, .types = types, .special = {.unknown = 0}, .pre_tokenizer = "gemma4"};
  const AnyTokenizer gemma = tfm::ByteBpeTokenizer(tables);
  CHECK(gemma.encode(UserText{"a ab\n\u00e9?"}) == Tokens{2, 4, 3, 7, 5, 6, 0});
  CHECK(gemma.decode(Tokens{2, 4, 3, 7, 5, 6}) == "a ab\n\u00e9");
  CHECK(gemma.encode(TemplateText{"<end>"}) == Tokens{8});
  tables.pre_tokenizer = "whitespace";
  CHECK(AnyTokenizer(tfm::ByteBpeTokenizer(tables)).encode(UserText{" A  b"}) == Tokens{2, 3});
}
