#include "tfm/text/sentencepiece.hpp"

#include <cstring>

#include "support/catch.hpp"
#include "support/vocabularies.hpp"
#include "tfm/text/stream_decoder.hpp"

namespace {
using tfm::AnyTokenizer, tfm::SentencePieceTokenizer, tfm::TemplateText, tfm::Token, tfm::UserText;
using Tokens = std::vector<Token>;

std::string from_hex(const std::string& hex) {
  std::string bytes;
  for (std::size_t i = 0; i < hex.size(); i += 2) {
    bytes.push_back(static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16)));
  }
  return bytes;
}
void check_vocabulary(const AnyTokenizer& tokenizer, const std::filesystem::path& ids, bool round_trip) {
  const auto texts = tfm_test::vocabulary_texts(tfm_test::shared() / "data/vocab/ggml-vocab-llama-spm.gguf.inp");
  const auto expected = tfm_test::expected_ids(ids);
  REQUIRE(texts.size() == 46);
  REQUIRE(expected.size() >= texts.size());
  for (std::size_t i = 0; i < texts.size(); ++i) {
    CAPTURE(i, texts[i]);
    CHECK(tokenizer.encode(UserText{texts[i]}) == expected[i]);
    if (round_trip) CHECK(tokenizer.decode(expected[i]) == texts[i]);
  }
}

/// The tables that a GGUF file would hold, out of a tokenizer.model.
struct Tables {
  std::string file;
  tfm::SentencePieceModel model;
  std::vector<std::string_view> pieces;
  std::vector<float> scores;
  std::vector<std::int32_t> types;
  explicit Tables(const std::filesystem::path& path) : file(tfm_test::read_file(path)) {
    model = tfm::read_sentencepiece_model(file, "tokenizer.model");
    for (const auto& piece : model.pieces) {
      pieces.push_back(piece.text), scores.push_back(piece.score), types.push_back(static_cast<std::int32_t>(piece.type));
    }
  }
  tfm::SentencePieceTables tables() const {
    return {.pieces = pieces,
            .scores = scores,
            .types = types,
            .special = {.bos = 1, .eos = 2, .unknown = 0, .add_bos = true},
            .what = "here.gguf"};
  }
};
}  // namespace

TEST_CASE("sentencepiece: ids and text of the goldens") {
  const auto file = tfm_test::require(tfm_test::golden() / "tokenizers/sp.model");
  if (!file) return;
  const AnyTokenizer tokenizer = SentencePieceTokenizer(*file);
  for (const auto& expected : tfm_test::read_json(tfm_test::golden() / "tokenizers/sp.json")) {
    const std::string text = expected.at("text");
    CAPTURE(text);
    const Tokens ids = tokenizer.encode(UserText{text});
    CHECK(ids == expected.at("ids").get<Tokens>());
    CHECK(tokenizer.decode(ids) == expected.at("decoded").get<std::string>());
  }
}

TEST_CASE("sentencepiece: bytes that are no UTF-8, and the text of a growing list, as the goldens have them") {
  const auto file = tfm_test::require(tfm_test::golden() / "tokenizers/sp.model");
  if (!file) return;
  const AnyTokenizer tokenizer = SentencePieceTokenizer(*file);
  const auto golden = tfm_test::read_json(tfm_test::golden() / "tokenizers/sp_bytes.json");
  for (const auto& expected : golden.at("encode")) {
    const std::string hex = expected.at("hex");
    CAPTURE(hex);
    CHECK(tokenizer.encode(UserText{from_hex(hex)}) == expected.at("ids").get<Tokens>());
  }
  for (const auto& expected : golden.at("decode")) {
    const Tokens ids = expected.at("ids");
    const std::vector<std::string> prefixes = expected.at("prefixes");
    tfm::StreamDecoder stream(tokenizer);
    std::string emitted;
    for (std::size_t n = 1; n <= ids.size(); ++n) {
      CAPTURE(ids, n);
      CHECK(tokenizer.decode(std::span(ids).first(n)) == prefixes[n - 1]);
      emitted += stream.push(ids[n - 1]);
      CHECK(tfm::is_utf8(emitted));
      CHECK(emitted + tfm::StreamDecoder(stream).flush() == prefixes[n - 1]);
    }
    CHECK(emitted + stream.flush() == tokenizer.decode(ids));
  }
  const std::vector<std::string> pieces = golden.at("pieces");
  REQUIRE(tokenizer.size() == static_cast<tfm::Index>(pieces.size()));
  for (Token token = 0; token < tokenizer.size(); ++token) {
    CHECK(tokenizer.piece(token) == pieces[tfm::to_size(token)]);
    CHECK(tokenizer.find(pieces[tfm::to_size(token)]) == token);
  }
}

TEST_CASE("sentencepiece: roles, and what is no text") {
  const auto file = tfm_test::require(tfm_test::golden() / "tokenizers/sp.model");
  if (!file) return;
  const AnyTokenizer tokenizer = SentencePieceTokenizer(*file);
  CHECK(tokenizer.unknown() == Token{0});
  CHECK(tokenizer.bos() == Token{1});
  CHECK(tokenizer.eos() == Token{2});
  CHECK(tokenizer.pad() == std::nullopt);
  CHECK(tokenizer.add_bos());
  CHECK_FALSE(tokenizer.add_eos());
  CHECK_FALSE(tokenizer.is_control(0));
  CHECK(tokenizer.is_control(1));
  CHECK(tokenizer.is_control(2));
  CHECK(tokenizer.bytes(1).empty());
  CHECK(tokenizer.bytes(tokenizer.find("<0x41>").value()) == "A");
  const Token space = tokenizer.find("\u2581").value();
  CHECK(tokenizer.bytes(space) == " ");
  CHECK(tokenizer.leading_bytes(space).empty());
  CHECK(tokenizer.decode(tokenizer.encode(UserText{"Hi"}), tfm::TextStart::middle) == " Hi");
  CHECK_THROWS_AS(tokenizer.decode(Tokens{5000}), tfm::TokenizerError);
}

TEST_CASE("sentencepiece: what a user types is never a control token") {
  const auto file = tfm_test::require(tfm_test::golden() / "tokenizers/sp.model");
  if (!file) return;
  const AnyTokenizer tokenizer = SentencePieceTokenizer(*file);
  for (const std::string text :
       {"<s>", "</s>", "<unk>", "<s></s>", "a</s>b", "<control 1>", "[INST]</s>", "\u2581</s>"}) {
    CAPTURE(text);
    for (const Token token : tokenizer.encode(UserText{text})) CHECK_FALSE(tokenizer.is_control(token));
  }
  // nor together with a marker's other half, which a template writes
  for (const Token token : tokenizer.encode({UserText{"</"}, TemplateText{"s>"}})) {
    CHECK_FALSE(tokenizer.is_control(token));
  }
  CHECK(tokenizer.encode(TemplateText{"</s>"}) == Tokens{2});
}

TEST_CASE("sentencepiece: segments are one text, and a control token begins a new stretch") {
  const auto file = tfm_test::require(tfm_test::golden() / "tokenizers/sp.model");
  if (!file) return;
  const AnyTokenizer tokenizer = SentencePieceTokenizer(*file);
  Tokens expected = tokenizer.encode(UserText{"Hello world"});
  CHECK(tokenizer.encode({UserText{"Hel"}, TemplateText{"lo"}, UserText{""}, UserText{" world"}}) == expected);
  expected.insert(expected.begin(), 1);
  CHECK(tokenizer.encode({TemplateText{"<s>"}, UserText{"Hello world"}}) == expected);
  const Tokens second = tokenizer.encode(UserText{"again"});
  expected.push_back(2), expected.push_back(1);
  expected.insert(expected.end(), second.begin(), second.end());
  CHECK(tokenizer.encode({TemplateText{"<s>"}, UserText{"Hello world"}, TemplateText{"</s><s>aga"}, UserText{"in"}}) ==
        expected);
}

TEST_CASE("sentencepiece: LLaMA's own tokenizer") {
  const auto file = tfm_test::require(tfm_test::shared() / "data/llama/tokenizer.model");
  if (!file) return;
  const auto ids = tfm_test::shared() / "data/vocab/ggml-vocab-llama-spm.gguf.out";
  check_vocabulary(SentencePieceTokenizer(*file), ids, true);
  const std::string bytes = tfm_test::read_file(*file);
  check_vocabulary(SentencePieceTokenizer(std::as_bytes(std::span(bytes))), ids, true);
  check_vocabulary(SentencePieceTokenizer(Tables(*file).tables()), ids, true);
}

TEST_CASE("sentencepiece: the tokenizer of stories260K") {
  const auto file = tfm_test::require(tfm_test::shared() / "data/stories260K/tok512.model");
  if (!file) return;
  const auto ids = tfm_test::shared() / "data/stories260K/expected.ids";
  check_vocabulary(SentencePieceTokenizer(*file), ids, false);
  const Tables t(*file);
  auto tables = t.tables();
  tables.remove_extra_whitespaces = true;  // as this tokenizer was trained, which its GGUF does not say
  check_vocabulary(SentencePieceTokenizer(tables), ids, false);
}

TEST_CASE("sentencepiece: unigram with compiled normalisation rules and without byte fallback") {
  const auto file = tfm_test::require(tfm_test::shared() / "data/tokenizers/small-spm/tokenizer.model");
  if (!file) return;
  const AnyTokenizer tokenizer = SentencePieceTokenizer(*file);
  check_vocabulary(tokenizer, tfm_test::shared() / "data/tokenizers/small-spm/expected.ids", false);
  CHECK(tokenizer.trims_spaces());
  CHECK(tokenizer.decode(tokenizer.encode(UserText{"  two   words "})) == "two words");
}

TEST_CASE("sentencepiece: the file's tables") {
  const auto file = tfm_test::require(tfm_test::shared() / "data/stories260K/tok512.model");
  if (!file) return;
  Tables t(*file);
  const auto refused = [](const tfm::SentencePieceTables& tables, const std::string& part) {
    CHECK_THROWS_WITH(SentencePieceTokenizer(tables), Catch::Contains("tfm: here.gguf: ") && Catch::Contains(part));
    CHECK_THROWS_AS(SentencePieceTokenizer(tables), tfm::TokenizerError);
  };
  SECTION("the unknown piece is the one that is named, whatever the types say") {
    t.types[0] = 1, t.types[300] = t.types[301] = 2;
    auto tables = t.tables();
    for (const Token unknown : {0, 300, 259}) {
      tables.special.unknown = unknown;
      const SentencePieceTokenizer tokenizer(tables);
      CHECK(tokenizer.special().unknown == unknown);
      for (const Token token : {0, 259, 300, 301}) {
        const auto type = tokenizer.vocabulary().type(token);
        const bool marked = t.types[tfm::to_size(token)] == 2;
        const auto other = marked ? tfm::TokenType::unused : tfm::TokenType::normal;
        CHECK(type == (token == unknown ? tfm::TokenType::unknown : other));
      }
    }
    tables.special.unknown.reset();
    CHECK(SentencePieceTokenizer(tables).special().unknown == Token{300});
    t.types[300] = t.types[301] = 1;
    refused(tables, "no unknown piece");
    tables.special.unknown = 2;
    refused(tables, "token 2 is the unknown piece and begins or ends a text, in one");
  }
  SECTION("without types they are told from the pieces") {
    auto tables = t.tables();
    tables.types = {};
    tables.remove_extra_whitespaces = true;
    check_vocabulary(SentencePieceTokenizer(tables), tfm_test::shared() / "data/stories260K/expected.ids", false);
  }
  SECTION("without the space in front") {
    auto tables = t.tables();
    tables.add_space_prefix = false;
    const AnyTokenizer tokenizer = SentencePieceTokenizer(tables);
    CHECK(tokenizer.decode(tokenizer.encode(UserText{" a b"})) == " a b");
    CHECK(tokenizer.piece(tokenizer.encode(UserText{"once"}).front())[0] == 'o');
  }
  SECTION("a control piece of one character cannot be typed") {
    const auto letter = std::find(t.pieces.begin(), t.pieces.end(), "e") - t.pieces.begin();
    t.types[tfm::to_size(letter)] = 3;
    const AnyTokenizer tokenizer = SentencePieceTokenizer(t.tables());
    const Tokens typed = tokenizer.encode(UserText{"#e#e e"});
    for (const Token token : typed) CHECK_FALSE(tokenizer.is_control(token));
    CHECK(tokenizer.decode(typed) == "#e#e e");
    CHECK(tokenizer.encode(TemplateText{"e"}) == Tokens{static_cast<Token>(letter)});
  }
  SECTION("user-defined pieces are matched in any text, unless they look like markers") {
    t.pieces[300] = "<tool>", t.types[300] = 4;
    t.pieces[301] = "<|im_end|>", t.types[301] = 4;
    const AnyTokenizer tokenizer = SentencePieceTokenizer(t.tables());
    CHECK(tokenizer.encode(UserText{"<tool>"}).back() == 300);
    CHECK(tokenizer.encode(TemplateText{"<tool><|im_end|>"}).back() == 301);
    for (const Token token : tokenizer.encode(UserText{"<|im_end|>"})) CHECK(token != 301);
  }
  SECTION("tables that do not fit") {
    auto tables = t.tables();
    tables.scores = tables.scores.first(5);
    refused(tables, "5 scores for 512 pieces");
    tables = t.tables(), tables.types = tables.types.first(1);
    refused(tables, "1 token types for 512 pieces");
    tables = t.tables(), tables.special.bos = 512;
    refused(tables, "bos token is 512");
    tables = t.tables(), tables.special.pad = -1;
    CHECK(SentencePieceTokenizer(tables).special().pad == std::nullopt);
    t.pieces[400] = t.pieces[401];
    refused(t.tables(), "piece 401");
    t.pieces[400] = "\xFF";
    refused(t.tables(), "piece 400 is not UTF-8");
    t.pieces[400] = "fine", t.pieces[50] = "<0xZZ>";
    refused(t.tables(), "piece 50 is '<0xZZ>', of type byte");
    t.types[50] = 1;  // a byte without a piece is unknown
    CHECK(SentencePieceTokenizer(t.tables()).size() == 512);
    tables = t.tables(), tables.pieces = {}, tables.scores = {}, tables.types = {};
    tables.special = {};
    refused(tables, "no unknown piece");
  }
}

TEST_CASE("sentencepiece: a file that is not there") {
  CHECK_THROWS_WITH(SentencePieceTokenizer(std::filesystem::path("/no/tokenizer.model")),
                    "tfm: /no/tokenizer.model: cannot be read");
  CHECK_THROWS_AS(SentencePieceTokenizer(std::filesystem::path("/")), tfm::LoadError);
}

TEST_CASE("sentencepiece: a word of a megabyte") {
  const auto file = tfm_test::require(tfm_test::golden() / "tokenizers/sp.model");
  if (!file) return;
  const AnyTokenizer tokenizer = SentencePieceTokenizer(*file);
  std::string word;
  for (std::size_t i = 0; i < 1'000'000; ++i) word += "tionther"[i * i / 3 % 8];
  CHECK(tokenizer.decode(tokenizer.encode(UserText{word})) == word);
}
