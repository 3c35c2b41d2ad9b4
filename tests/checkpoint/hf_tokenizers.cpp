// Real tokenizers in Hugging Face's format: their ids and texts, as its library has them. Those that are packed are
// large, and slow here.
#include "support/catch.hpp"
#include "support/unpacked.hpp"
#include "tfm/checkpoint/tokenizer_json.hpp"
#include "tfm/text/stream_decoder.hpp"

using namespace tfm;

namespace {

using Tokens = std::vector<Token>;
using nlohmann::json;

struct Golden {
  TokenizerJson read;
  AnyTokenizer tokenizer;
  json expected;
};

std::optional<Golden> golden(const std::string& name) {
  const auto folder = tfm_test::require(tfm_test::shared() / "golden/data/hf_tokenizers" / name);
  const auto expected = tfm_test::require(tfm_test::golden() / "hf_tokenizers" / name / "expected.json");
  if (!folder || !expected) return std::nullopt;
  const json source = tfm_test::read_json(*folder / "source.json");
  const auto text = tfm_test::unpacked(*folder / source.value("tokenizer", "tokenizer.json"));
  if (!text) return std::nullopt;
  TokenizerJson read = read_tokenizer_json(JsonDocument(*text, name));
  AnyTokenizer tokenizer = read.tokenizer;
  return Golden{std::move(read), std::move(tokenizer), tfm_test::read_json(*expected)};
}

Tokens tokens_or(const json& value, const char* key, const Tokens& otherwise) {
  return value.contains(key) ? value.at(key).get<Tokens>() : otherwise;
}
/// What the library decodes where special tokens have no text, which ours never have.
std::string decoded(const json& value, const std::string& otherwise) {
  const std::string all = value.value("decoded", otherwise);
  return value.value("decoded_skip_special", all);
}
/// Whether every token has a text of its own.
bool spoken(const AnyTokenizer& tokenizer, const Tokens& ids) {
  return std::none_of(ids.begin(), ids.end(), [&](Token id) { return tokenizer.bytes(id).empty(); });
}

void check_cases(const Golden& golden) {
  const TokenizerJson& read = golden.read;
  const AnyTokenizer& tokenizer = golden.tokenizer;
  const json& expected = golden.expected;
  const Tokens prefix = expected.at("prefix"), suffix = expected.at("suffix");
  for (const json& one : expected.at("cases")) {
    const std::string text = one.at("text");
    CAPTURE(text);
    const Tokens ids = one.at("ids"), plain = tokens_or(one, "ids_plain", ids);
    CHECK(tokenizer.encode(TemplateText{text}) == ids);
    // A user's text never becomes a control token, where the library's Unigram makes one of the piece.
    const auto closed = [&](Token id) {
      return tokenizer.is_control(id) || (id == tokenizer.unknown() && text.find(tokenizer.piece(id)) != text.npos);
    };
    if (std::none_of(plain.begin(), plain.end(), closed))
      CHECK(tokenizer.encode(UserText{text}) == plain);
    for (const Token id : tokenizer.encode(UserText{text})) CHECK_FALSE(tokenizer.is_control(id));
    Tokens around = prefix;
    around.insert(around.end(), ids.begin(), ids.end());
    around.insert(around.end(), suffix.begin(), suffix.end());
    CHECK(read.post_processor(ids).tokens == tokens_or(one, "ids_with_special", around));
    CHECK(tokenizer.decode(ids) == decoded(one, text));
  }
  for (const json& one : expected.at("pairs")) {
    const auto encode = [&](const char* key) {
      return tokenizer.encode(TemplateText{one.at(key).get_ref<const std::string&>()});
    };
    const JoinedTokens joined = read.post_processor(encode("a"), encode("b"));
    CHECK(joined.tokens == one.at("ids").get<Tokens>());
    CHECK(joined.types == one.at("type_ids").get<std::vector<std::int32_t>>());
  }
  for (std::size_t c = 0; expected.contains("latin1") && c < 256; ++c) {
    std::string text;
    append_utf8(text, static_cast<char32_t>(c));
    CAPTURE(c);
    CHECK(tokenizer.encode(TemplateText{text}) == expected.at("latin1")[c].get<Tokens>());
  }
}

/// `byte_runs`: the library makes U+FFFD of every byte of a run that holds one wrong byte, ours of the wrong ones
/// alone.
void check_decoding(const Golden& golden, bool byte_runs) {
  const AnyTokenizer& tokenizer = golden.tokenizer;
  for (const json& one : golden.expected.at("random")) {
    const Tokens ids = one.at("ids");
    CAPTURE(ids);
    CHECK(tokenizer.decode(ids) == decoded(one, ""));
  }
  for (const json& one : golden.expected.at("streams")) {
    const Tokens ids = one.at("ids");
    if (!spoken(tokenizer, ids)) continue;
    StreamDecoder stream(tokenizer);
    std::string ours, theirs;
    for (std::size_t i = 0; i < ids.size(); ++i) {
      const Tokens begun(ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(i) + 1);
      CAPTURE(begun);
      const std::string prefix = one.at("prefixes")[i];
      if (!byte_runs || prefix.find("\uFFFD") == std::string::npos) CHECK(tokenizer.decode(begun) == prefix);
      ours += stream.push(ids[i]);
      if (one.at("chunks")[i].is_string()) theirs += one.at("chunks")[i].get<std::string>();
      CHECK(is_utf8(ours));
      CHECK(ours.starts_with(theirs));  // the library waits where a text ends with U+FFFD
    }
    CHECK(ours + stream.flush() == tokenizer.decode(ids));
  }
}

void check(const char* name, bool byte_runs = false) {
  const auto found = golden(name);
  if (!found) return;
  CAPTURE(name);
  CHECK(found->tokenizer.size() == found->expected.at("size").get<Index>());
  CHECK(found->read.notes.empty());
  check_cases(*found);
  check_decoding(*found, byte_runs);
}

}  // namespace

TEST_CASE("Hugging Face tokenizers: SmolLM2, digits one by one") { check("smollm2"); }
TEST_CASE("Hugging Face tokenizers: GPT-2") { check("gpt2"); }
TEST_CASE("Hugging Face tokenizers: RoBERTa, a marker that takes white space") { check("roberta"); }
TEST_CASE("Hugging Face tokenizers: OLMo, NFC and spaces as added tokens") { check("olmo"); }
TEST_CASE("Hugging Face tokenizers: a small Llama 3, merges ignored for whole words") { check("small-llama3-bpe"); }
TEST_CASE("Hugging Face tokenizers: TinyLlama, sentencepiece's BPE by normalizers") { check("tinyllama", true); }
TEST_CASE("Hugging Face tokenizers: Mistral v3, Metaspace with bytes") { check("mistral-v3", true); }
TEST_CASE("Hugging Face tokenizers: T5, Unigram with compiled rules") { check("t5-small"); }
TEST_CASE("Hugging Face tokenizers: MiniLM, WordPiece") { check("minilm"); }
TEST_CASE("Hugging Face tokenizers: DeepSeek V3", "[slow]") { check("deepseek-v3"); }
TEST_CASE("Hugging Face tokenizers: Falcon, digits cut in the byte alphabet", "[slow]") { check("falcon"); }
TEST_CASE("Hugging Face tokenizers: OLMo 2", "[slow]") { check("olmo2"); }
TEST_CASE("Hugging Face tokenizers: Tekken", "[slow]") { check("tekken"); }
