// tokenizer.json of byte-level BPE: read, refused by name, and written for a GGUF vocabulary.
#include "tfm/checkpoint/tokenizer_json.hpp"

#include "support/catch.hpp"
#include "support/error_of.hpp"
#include "support/hostile.hpp"
#include "support/smollm2.hpp"
#include "support/temporary_folder.hpp"
#include "support/vocabularies.hpp"
#include "tfm/checkpoint/save_tokenizer.hpp"
#include "tfm/formats/gguf_writer.hpp"
#include "tfm/formats/json_text.hpp"

using namespace tfm;
using tfm_test::error_of;
using tfm_test::TemporaryFolder;

namespace {

using Tokens = std::vector<Token>;

/// Texts of many kinds: all that the goldens hold, every character up to U+33FF beside a letter, and numbers of all scripts.
std::vector<std::string> many_texts() {
  std::vector<std::string> texts{"", " ", "don't  stop\n\n\tnow ", "1234 5 \u00bd\u00b2 \u2167\u0664", "<|im_start|>user\nhi<|im_end|>\n<|endoftext|>",
                                 "<repo_name>x<file_sep> <|im_end|", "\xff\xfe\x04 \x80"};
  for (char32_t c = 1; c < 0x3400; c += 16) {
    std::string& text = texts.emplace_back();
    for (char32_t i = c; i < c + 16; ++i)
      if (i < 0xD800) append_utf8(text, i), text += i % 3 == 0 ? " a" : i % 3 == 1 ? " " : "";
  }
  const auto vocabulary = tfm_test::shared() / "data/vocab/ggml-vocab-gpt-2.gguf.inp";
  if (std::filesystem::exists(vocabulary))
    for (auto& text : tfm_test::vocabulary_texts(vocabulary)) texts.push_back(std::move(text));
  return texts;
}

void check_equal(const AnyTokenizer& a, const AnyTokenizer& b) {
  REQUIRE(a.size() == b.size());
  for (const std::string& text : many_texts()) {
    CAPTURE(text);
    const Tokens typed = a.encode(UserText{text});
    CHECK(b.encode(UserText{text}) == typed);
    for (const Token token : typed) CHECK_FALSE(b.is_control(token));
    CHECK(b.encode(TemplateText{text}) == a.encode(TemplateText{text}));
  }
  for (Token token = 0; token < a.size(); ++token)
    if (a.piece(token) != b.piece(token) || a.bytes(token) != b.bytes(token) || a.is_control(token) != b.is_control(token)) FAIL("token " << token);
  CHECK(a.bos() == b.bos());
  CHECK(a.eos() == b.eos());
  CHECK(a.unknown() == b.unknown());
  CHECK(a.pad() == b.pad());
  CHECK(a.add_bos() == b.add_bos());
  CHECK(a.add_eos() == b.add_eos());
}

/// A tokenizer.json of all bytes, "ab", "abc" and two added tokens, changed in some place.
std::string small_json(const std::string& from = "", const std::string& to = "") {
  std::string vocab;
  for (std::size_t byte = 0; byte < 256; ++byte) {
    std::string piece;
    append_utf8(piece, byte_alphabet[byte]);
    vocab += json_string(piece) + ": " + std::to_string(byte) + ", ";
  }
  std::string text = R"({"added_tokens": [{"id": 258, "content": "<|end|>", "special": true}, {"id": 259, "content": "[[", "special": false, "rstrip": true}],
    "normalizer": null, "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "use_regex": true}, "post_processor": null, "decoder": {"type": "ByteLevel"},
    "model": {"type": "BPE", "vocab": {)" + vocab + R"("ab": 256, "abc": 257}, "merges": ["a b", ["ab", "c"]]}})";
  if (const auto at = text.find(from); !from.empty() && at != text.npos) text.replace(at, from.size(), to);
  return text;
}
TokenizerJson read(const std::string& text) { return read_tokenizer_json(JsonDocument(text, "here/tokenizer.json")); }


/// A vocabulary with pieces twice, empty or no UTF-8, user-defined ones and a BOS that is added, written and read again.
void check_odd_vocabulary(const char* pre_tokenizer) {
  CAPTURE(pre_tokenizer);
  std::vector<std::string> pieces;
  for (const char16_t c : byte_alphabet) append_utf8(pieces.emplace_back(), c);
  for (const char* piece : {"ab", "<s>", "[x \"]", "ab", "", "\xff\xfe", "<|pad|>"}) pieces.emplace_back(piece);
  std::vector<std::int32_t> types(pieces.size(), 1);
  types[257] = 3, types[258] = 4, types[262] = 4;
  GgufWriter file;
  file.set("tokenizer.ggml.model", "gpt2");
  file.set("tokenizer.ggml.pre", pre_tokenizer);
  file.set("tokenizer.ggml.tokens", pieces);
  file.set("tokenizer.ggml.token_type", types);
  file.set("tokenizer.ggml.merges", std::vector<std::string>{"a b"});
  file.set("tokenizer.ggml.bos_token_id", std::uint32_t{257});
  file.set("tokenizer.ggml.add_bos_token", true);
  file.set("tokenizer.chat_template", "{{ \"x\ty\" }}");
  const TemporaryFolder folder;
  file.write(folder / "odd.gguf");
  const TemporaryFolder out;
  save_tokenizer(folder / "odd.gguf", out.path());
  const FoundTokenizer before = find_tokenizer(folder / "odd.gguf"), after = find_tokenizer(out.path());
  CHECK(after.jinja == before.jinja);
  CHECK(after.tokenizer.add_bos());
  CHECK(after.tokenizer.bos() == Token{257});
  for (const std::string& text : many_texts()) {
    CAPTURE(text);
    CHECK(after.tokenizer.encode(UserText{text}) == before.tokenizer.encode(UserText{text}));
    CHECK(after.tokenizer.encode(TemplateText{"<s>[x \"]ab" + text}) == before.tokenizer.encode(TemplateText{"<s>[x \"]ab" + text}));
  }
  CHECK(after.tokenizer.is_control(262));
}

}  // namespace

TEST_CASE("tokenizer.json: merges in both spellings, added tokens in and beside the vocabulary") {
  const AnyTokenizer tokenizer = read(small_json()).tokenizer;
  CHECK(tokenizer.size() == 260);
  CHECK(tokenizer.encode(UserText{"abc<|end|>"}) == Tokens{257, '<', '|', 'e', 'n', 'd', '|', '>'});
  CHECK(tokenizer.encode(TemplateText{"abc<|end|>"}) == Tokens{257, 258});
  CHECK(tokenizer.encode(UserText{"a[[  b"}) == Tokens{'a', 259, 'b'});  // it takes the white space behind it
  const AnyTokenizer with_gap = read(small_json("\"id\": 259", "\"id\": 300")).tokenizer;
  CHECK(with_gap.size() == 301);
  CHECK(with_gap.encode(UserText{"[["}) == Tokens{300});
  const auto bos = read(small_json("\"post_processor\": null", R"("post_processor": {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<|end|>", "type_id": 0}},
    {"Sequence": {"id": "A", "type_id": 0}}], "pair": [], "special_tokens": {"<|end|>": {"id": "<|end|>", "ids": [258], "tokens": ["<|end|>"]}}})"));
  CHECK(bos.tokenizer.special().bos == Token{258});
  CHECK(bos.tokenizer.special().add_bos);
  CHECK_FALSE(bos.tokenizer.special().add_eos);
}

TEST_CASE("tokenizer.json: what is not known is refused by name") {
  const auto refused = [](const std::string& from, const std::string& to, const std::string& part) {
    REQUIRE(small_json().find(from) != std::string::npos);
    const std::string message = error_of<LoadError>([&] { read(small_json(from, to)); });
    CAPTURE(message);
    CHECK(message.starts_with("tfm: here/tokenizer.json: "));
    CHECK(message.find(part) != std::string::npos);
  };
  const auto part = [](const std::string& name, const std::string& value) { return "\"" + name + "\": " + value; };
  const std::string byte_level = part("pre_tokenizer", R"({"type": "ByteLevel", "add_prefix_space": false, "use_regex": true})");
  refused(R"("BPE")", R"("WordLevel")", "'model.type': found the string 'WordLevel', expected 'BPE', 'Unigram' or 'WordPiece'");
  refused(R"("BPE")", R"("Unigram")", "'model.vocab': found no scores, expected an array of pieces with their scores");
  refused(R"("BPE")", R"("WordPiece")", "'model': 'unk_token' is missing");
  refused(R"("type": "BPE")", R"("type": "BPE", "unk_token": "no")", "'model.unk_token': found the string 'no', which the vocabulary does not have");
  refused(part("normalizer", "null"), part("normalizer", R"({"type": "NFX"})"), "'normalizer.type': found the string 'NFX', which is not supported");
  refused(part("normalizer", "null"), part("normalizer", R"({"type": "Precompiled", "precompiled_charsmap": "AAAA"})"), "the normalisation rules have 3 bytes");
  refused(byte_level, part("pre_tokenizer", R"({"type": "UnicodeScripts"})"), "'pre_tokenizer.type': found the string 'UnicodeScripts', which is not supported");
  refused(byte_level, part("pre_tokenizer", R"~({"type": "Split", "pattern": {"Regex": "a(?<=b)"}, "behavior": "Isolated"})~"),
          "'pre_tokenizer': the pattern 'a(?<=b)': at byte 1: found '(?<=', which is not supported");
  refused(byte_level, part("pre_tokenizer", R"({"type": "Split", "pattern": {"String": "a"}, "behavior": "Together"})"), "'pre_tokenizer.behavior': found the string 'Together'");
  refused(R"("decoder": {"type": "ByteLevel"})", R"("decoder": {"type": "CTC"})", "'decoder.type': found the string 'CTC', which is not supported");
  refused(part("post_processor", "null"), part("post_processor", R"({"type": "Other"})"), "'post_processor.type': found the string 'Other'");
  refused(R"("a b")", R"("a q")", "'model.merges[0]': found 'aq', which 'vocab' does not have");
  refused(R"("type": "BPE")", R"("type": "BPE", "end_of_word_suffix": "</w>")", "'model.end_of_word_suffix': found the string '</w>', expected none");
  refused(R"("abc": 257)", R"("abc": 256)", "token 256 is 'ab' and 'abc', expected one piece for a number");
  refused(R"("id": 258)", R"("id": 3)", "found 3 for '<|end|>', which is");
  refused(R"("id": 258)", R"("id": -1)", "'added_tokens[0].id': found -1, expected at least 0");
  refused(R"("a b")", R"("ab")", "'model.merges[0]': found the string 'ab', expected two pieces with a space between");
  refused(R"(["ab", "c"])", R"(["ab"])", "'model.merges[1]': found 1 pieces, expected two");
}

TEST_CASE("hostile tokenizer.json files end as promised", "[hostile]") {
  for (const int seed : {0, 1}) {
    const auto corpus = tfm_test::HostileCorpus::make(seed, {"json"});
    if (!corpus) return;
    int seen = 0;
    for (const auto& hostile : corpus->cases()) {
      if (hostile.format != "tokenizer.json") continue;
      ++seen;
      tfm_test::hold_to_promise(hostile, {"parse", "model", "use"}, [](const std::filesystem::path& path) {
        const AnyTokenizer tokenizer = read_tokenizer_json(read_json(path)).tokenizer;
        tokenizer.decode(tokenizer.encode({UserText{"ab <s>\xff"}, TemplateText{"<s>b 12</s>"}}));
      });
    }
    CHECK(seen > 100);
  }
}

TEST_CASE("tokenizer.json that is written is the GGUF file's tokenizer") {
  const TemporaryFolder folder;
  const auto gpt2 = tfm_test::require(tfm_test::shared() / "data/vocab/ggml-vocab-gpt-2.gguf");
  const auto smollm = tfm_test::smollm2();
  for (const auto& file : {gpt2, smollm}) {
    if (!file) continue;
    const SavedTokenizer saved = save_tokenizer(*file, folder.path());
    CHECK(saved.notes.empty());
    const FoundTokenizer before = find_tokenizer(*file), after = find_tokenizer(folder.path());
    CHECK(after.notes.empty());
    CHECK(after.jinja == before.jinja);
    check_equal(before.tokenizer, after.tokenizer);
    CHECK(saved.special.eos == after.tokenizer.eos());
  }
}

TEST_CASE("tokenizer.json of an odd vocabulary, behind pre-tokenizers of every kind") {
  for (const char* const name : {"smollm", "qwen2", "llama-bpe", "deepseek-v3"}) check_odd_vocabulary(name);
}
