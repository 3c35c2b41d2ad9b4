// Sentencepiece vocabularies inside GGUF files.
#include "support/catch.hpp"
#include "support/gguf_vocabulary.hpp"
#include "support/vocabularies.hpp"
#include "tfm/text/sentencepiece.hpp"

namespace {
tfm::AnyTokenizer gguf_sentencepiece(const std::filesystem::path& path) {
  const tfm::GgufMetadata metadata = tfm::read_gguf(path).metadata;
  const auto pieces = metadata.at("tokenizer.ggml.tokens").texts();
  const auto scores = metadata.at("tokenizer.ggml.scores").numbers();
  const auto types = metadata.at("tokenizer.ggml.token_type").integers();
  return tfm::SentencePieceTokenizer(tfm::SentencePieceTables{
      .pieces = pieces, .scores = scores, .types = types, .special = tfm_test::gguf_special(metadata)});
}
}  // namespace

TEST_CASE("sentencepiece: every text of LLaMA's vocabulary in a GGUF file") {
  const auto file = tfm_test::require(tfm_test::shared() / "data/vocab/ggml-vocab-llama-spm.gguf");
  if (!file) return;
  const tfm::AnyTokenizer tokenizer = gguf_sentencepiece(*file);
  CHECK(tokenizer.size() == 32000);
  CHECK(tokenizer.unknown() == tfm::Token{0});
  const auto texts = tfm_test::vocabulary_texts(file->string() + ".inp");
  const auto expected = tfm_test::expected_ids(file->string() + ".out");
  REQUIRE(texts.size() == 46);
  REQUIRE(expected.size() >= 46);
  for (std::size_t i = 0; i < texts.size(); ++i) {
    CAPTURE(i, texts[i]);
    CHECK(tokenizer.encode(tfm::UserText{texts[i]}) == expected[i]);
    CHECK(tokenizer.decode(expected[i]) == texts[i]);
  }
}

TEST_CASE("sentencepiece: the story that stories260K tells, as text") {
  const auto file = tfm_test::require(tfm_test::shared() / "data/stories260K/stories260K.F32.gguf");
  if (!file) return;
  const auto story = tfm_test::read_json(tfm_test::shared() / "data/stories260K/expected.json");
  const tfm::AnyTokenizer tokenizer = gguf_sentencepiece(*file);
  const auto ids = story.at("greedy_ids").get<std::vector<tfm::Token>>();
  CHECK(tokenizer.decode(ids) == story.at("greedy_text").get<std::string>());
}
