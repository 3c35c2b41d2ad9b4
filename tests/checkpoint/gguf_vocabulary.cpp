// GGUF vocabularies that are not quite as the format has them: what other programs read is put right and told.
#include "tfm/checkpoint/gguf_vocabulary.hpp"

#include "support/catch.hpp"
#include "support/error_of.hpp"
#include "support/tiny_llama.hpp"
#include "tfm/checkpoint/load_tokenizer.hpp"

using namespace tfm;
using tfm_test::error_of;

namespace {

using Notes = std::vector<std::string>;
using Tokens = std::vector<Token>;

/// TinyLlama's sentencepiece vocabulary: <unk>, <s>, </s>, the bytes, "_a", "ab", "_", "a", "b".
struct LlamaPieces {
  std::vector<std::string> pieces{"<unk>", "<s>", "</s>"};
  std::vector<float> scores = std::vector<float>(259, 0.f);
  std::vector<std::int32_t> types{2, 3, 3};
  GgufWriter file;
  LlamaPieces() {
    constexpr std::string_view digits = "0123456789ABCDEF";
    for (std::size_t b = 0; b < 256; ++b) pieces.push_back(std::string("<0x") + digits[b / 16] + digits[b % 16] + ">"), types.push_back(6);
    for (const char* piece : {"\xE2\x96\x81" "a", "ab", "\xE2\x96\x81", "a", "b"})
      scores.push_back(-static_cast<float>(pieces.size() - 258)), pieces.push_back(piece), types.push_back(1);
    file.set("tokenizer.ggml.model", "llama");
    file.set("tokenizer.ggml.bos_token_id", std::uint32_t{1});
    file.set("tokenizer.ggml.eos_token_id", std::uint32_t{2});
  }
  /// The file's bytes, with tables as they are now.
  FoundTokenizer found(bool with_scores = true, bool with_types = true) {
    file.set("tokenizer.ggml.tokens", pieces);
    if (with_scores) file.set("tokenizer.ggml.scores", scores);
    if (with_types) file.set("tokenizer.ggml.token_type", types);
    const auto bytes = file.bytes();
    return find_tokenizer(read_gguf_metadata(bytes, "here.gguf"));
  }
};

/// All bytes in GPT-2's alphabet, "ab", "abc", and two markers.
struct BytePieces {
  std::vector<std::string> pieces, merges{"a b", "ab c"};
  std::vector<std::int32_t> types;
  GgufWriter file;
  BytePieces() {
    for (const char16_t c : byte_alphabet) append_utf8(pieces.emplace_back(), c);
    for (const char* piece : {"ab", "abc", "<|im_end|>", "[x]"}) pieces.emplace_back(piece);
    types.assign(pieces.size(), 1);
    types[258] = 3, types[259] = 4;
    file.set("tokenizer.ggml.model", "gpt2");
  }
  FoundTokenizer found() {
    file.set("tokenizer.ggml.tokens", pieces);
    file.set("tokenizer.ggml.token_type", types);
    file.set("tokenizer.ggml.merges", merges);
    const auto bytes = file.bytes();
    return find_tokenizer(read_gguf_metadata(bytes, "here.gguf"));
  }
};


}  // namespace

TEST_CASE("GGUF: ids of special tokens outside the vocabulary are none, and it is told") {
  LlamaPieces v;
  v.file.set("tokenizer.ggml.padding_token_id", std::uint32_t{264});
  v.file.set("tokenizer.ggml.eos_token_id", std::uint32_t{32000});
  v.file.set("tokenizer.ggml.unknown_token_id", std::int32_t{-7});
  const FoundTokenizer found = v.found();
  CHECK(found.notes == Notes{"key 'tokenizer.ggml.eos_token_id' says 32000, outside the vocabulary of 264: there is no such token",
                             "key 'tokenizer.ggml.unknown_token_id' says -7, outside the vocabulary of 264: there is no such token",
                             "key 'tokenizer.ggml.padding_token_id' says 264, outside the vocabulary of 264: there is no such token"});
  CHECK_FALSE(found.tokenizer.pad());
  CHECK_FALSE(found.tokenizer.eos());
  CHECK(found.tokenizer.bos() == Token{1});
  CHECK(found.tokenizer.unknown() == Token{0});  // by its type
  LlamaPieces quiet;  // how converters write "none"
  quiet.file.set("tokenizer.ggml.padding_token_id", std::uint32_t{UINT32_MAX});
  quiet.file.set("tokenizer.ggml.unknown_token_id", std::uint64_t{UINT64_MAX});
  CHECK(quiet.found().notes.empty());
}

TEST_CASE("GGUF: scores that are integers or missing") {
  LlamaPieces right;
  const auto expected = right.found();
  CHECK(expected.notes.empty());
  LlamaPieces v;
  v.file.set("tokenizer.ggml.scores", std::vector<std::int32_t>(v.scores.begin(), v.scores.end()));
  const auto integers = v.found(false);
  CHECK(integers.notes == Notes{"key 'tokenizer.ggml.scores' holds integers: they are taken as floats"});
  for (const char* text : {"ab a", "b ab", "aab"}) CHECK(integers.tokenizer.encode(UserText{text}) == expected.tokenizer.encode(UserText{text}));

  const auto none = LlamaPieces().found(false);
  CHECK(none.notes == Notes{"key 'tokenizer.ggml.scores' is missing: all pieces score 0, as llama.cpp has it, and texts are merged from the left"});
  CHECK(none.tokenizer.encode(UserText{"ab"}) == Tokens{259, 263});  // "_a" is left of "ab"
  LlamaPieces wrong;
  wrong.file.set("tokenizer.ggml.scores", std::vector<std::string>(264, "0"));
  CHECK(error_of<LoadError>([&] { wrong.found(false); }).find("'tokenizer.ggml.scores': found an array of 264 ") != std::string::npos);
  LlamaPieces fewer;
  fewer.scores.resize(3);
  CHECK(error_of<TokenizerError>([&] { fewer.found(); }) == "tfm: here.gguf: 3 scores for 264 pieces");
}

TEST_CASE("GGUF: what pieces are is told from their spelling where the types are 0 or missing") {
  LlamaPieces right;
  const auto expected = right.found();
  LlamaPieces v;
  v.types.assign(264, 0);
  const auto undefined = v.found();
  CHECK(undefined.notes == Notes{"264 of 264 pieces have the type 0 (undefined): what they are is told from their spelling"});
  const auto missing = LlamaPieces().found(true, false);
  CHECK(missing.notes.empty());
  for (const auto* found : {&undefined, &missing}) {
    CHECK(found->tokenizer.encode(UserText{"ab\n<s>\xC3\xA9"}) == expected.tokenizer.encode(UserText{"ab\n<s>\xC3\xA9"}));
    CHECK(found->tokenizer.encode(TemplateText{"<s>ab</s>"}) == expected.tokenizer.encode(TemplateText{"<s>ab</s>"}));
    CHECK(found->tokenizer.unknown() == Token{0});
  }
  BytePieces bytes;
  bytes.types.assign(bytes.pieces.size(), 0);
  bytes.file.set("tokenizer.ggml.pre", "gpt-2");
  const auto found = bytes.found();
  CHECK(found.notes == Notes{"260 of 260 pieces have the type 0 (undefined): what they are is told from their spelling"});
  CHECK(found.tokenizer.is_control(258));
  CHECK(found.tokenizer.encode(UserText{"abc"}) == Tokens{257});
  for (const std::int32_t type : {-1, 7}) {
    LlamaPieces strange;
    strange.types[5] = type;
    CHECK(error_of<TokenizerError>([&] { strange.found(); }).find("piece 5 has type") != std::string::npos);
  }
}

TEST_CASE("GGUF: bytes without a piece become the unknown token") {
  LlamaPieces v;
  v.pieces[3 + 0xC3] = "twelve", v.types[3 + 0xC3] = 1;
  const auto found = v.found();
  CHECK(found.notes == Notes{"the vocabulary has pieces for 255 of 256 bytes: the other bytes become the unknown token"});
  CHECK(found.tokenizer.encode(UserText{"a\xC3\xA9"}) == Tokens{259, 0, 3 + 0xA9});
  CHECK(found.tokenizer.encode(UserText{"\n"}) == Tokens{261, 3 + '\n'});
  LlamaPieces normal;  // a byte's piece with another type
  normal.types[3 + '\n'] = 1;
  const auto put_right = normal.found();
  CHECK(put_right.notes == Notes{"1 pieces of the form <0x00> have the type 1 (normal): they are taken as bytes"});
  CHECK(put_right.tokenizer.decode(Tokens{3 + '\n'}) == "\n");
}

TEST_CASE("GGUF: empty pieces are no text's") {
  LlamaPieces v;
  v.pieces.insert(v.pieces.end(), {"", ""}), v.types.insert(v.types.end(), {1, 3}), v.scores.insert(v.scores.end(), {0, 0});
  const auto found = v.found();
  CHECK(found.notes == Notes{"2 of 266 pieces are empty: no text becomes one of them"});
  CHECK(found.tokenizer.size() == 266);
  CHECK(found.tokenizer.encode(TemplateText{"ab</s>"}) == LlamaPieces().found().tokenizer.encode(TemplateText{"ab</s>"}));
  CHECK(found.tokenizer.decode(Tokens{264, 265}).empty());
  CHECK_FALSE(found.tokenizer.find(""));
  BytePieces bytes;
  bytes.file.set("tokenizer.ggml.pre", "gpt-2");
  bytes.pieces.insert(bytes.pieces.end(), {"", ""}), bytes.types.insert(bytes.types.end(), {1, 1});
  const auto second = bytes.found();
  CHECK(second.notes == Notes{"2 of 262 pieces are empty: no text becomes one of them"});
  CHECK(second.tokenizer.encode(UserText{"abc"}) == Tokens{257});
}

TEST_CASE("GGUF: without a pre-tokeniser's name GPT-2's rule is taken, and told") {
  BytePieces v;
  const auto found = v.found();
  CHECK(found.notes == Notes{"key 'tokenizer.ggml.pre' is missing: texts are cut into words by GPT-2's rule; a model that was trained with another "
                             "answers worse"});
  CHECK(found.tokenizer.encode(UserText{"abc"}) == Tokens{257});
  BytePieces named;
  named.file.set("tokenizer.ggml.pre", "nobody");
  CHECK(error_of<TokenizerError>([&] { named.found(); }) .starts_with("tfm: pre-tokenizer 'nobody' is not known; known are: default, minicpm5, llama3, "));
}

TEST_CASE("GGUF: of several chat templates the first") {
  LlamaPieces v;
  v.file.set("tokenizer.chat_template", std::vector<std::string>{"{{ one }}", "{{ two }}"});
  auto found = v.found();
  CHECK(found.jinja == "{{ one }}");
  CHECK(found.notes == Notes{"key 'tokenizer.chat_template' is an array of 2 strings, expected a string: the first is taken"});
  LlamaPieces named;
  named.file.set("tokenizer.chat_templates", std::vector<std::string>{"rag", "tool"});
  named.file.set("tokenizer.chat_template.tool", "{{ tool }}");
  found = named.found();
  CHECK(found.jinja == "{{ tool }}");
  CHECK(found.notes == Notes{"none of the chat templates is called 'default': 'tool' is taken"});
  LlamaPieces none;
  none.file.set("tokenizer.chat_template", std::vector<std::string>{});
  CHECK(none.found().jinja.empty());
  LlamaPieces numbers;
  numbers.file.set("tokenizer.chat_template", std::uint32_t{1});
  CHECK(error_of<LoadError>([&] { numbers.found(); }).find("'tokenizer.chat_template': found u32 1, expected a string") != std::string::npos);
}
