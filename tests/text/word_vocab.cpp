#include "tfm/text/word_vocab.hpp"

#include "support/catch.hpp"
#include "support/error_of.hpp"

namespace {

using tfm::AnyTokenizer, tfm::Token, tfm::TokenizerError, tfm::UserText, tfm::TemplateText, tfm::WordVocab;
using Ids = std::vector<Token>;

const std::vector<std::string> sentences{"go .", "hi .", "run !", "run !", "go on .", "i see .", "i see !"};

TEST_CASE("words are counted and ordered as d2l.ai does", "[word_vocab]") {
  // "." four times, "!" three times, then twice each, in order of appearance: go, run, i, see. "hi" and "on" are rare.
  const auto vocab = WordVocab::from_corpus(sentences);
  CHECK(vocab.words() == std::vector<std::string>{".", "!", "go", "run", "i", "see"});
  CHECK(vocab.size() == 10);
  CHECK(vocab.piece(0) == "<unk>");
  CHECK(vocab.piece(3) == "<eos>");
  CHECK(vocab.find("go") == Token{6});
  CHECK(WordVocab::from_corpus(sentences, 1).size() == 12);
  CHECK(WordVocab::from_corpus(sentences, 4).words() == std::vector<std::string>{"."});
}

TEST_CASE("a word vocabulary encodes and decodes", "[word_vocab]") {
  const AnyTokenizer vocab = WordVocab::from_corpus(sentences);
  CHECK(vocab.encode(UserText{"i go ."}) == Ids{8, 6, 4});
  CHECK(vocab.decode(Ids{8, 6, 4}) == "i go .");
  CHECK(vocab.encode(UserText{""}).empty());
  CHECK(vocab.encode(UserText{"we go  ."}) == Ids{0, 6, 0, 4});  // d2l's split(' ') has a word between two spaces
  CHECK(vocab.decode(Ids{2, 8, 0, 4, 3, 1, 1}) == "i <unk> .");
  CHECK(vocab.special().bos == Token{2});
  CHECK(vocab.special().eos == Token{3});
  CHECK(vocab.special().pad == Token{1});
  CHECK(vocab.special().unknown == Token{0});
}

TEST_CASE("nobody can type a reserved word", "[word_vocab]") {
  const AnyTokenizer vocab = WordVocab::from_corpus(sentences);
  CHECK(vocab.encode(UserText{"<bos> go <eos>"}) == Ids{0, 6, 0});
  CHECK(vocab.encode(TemplateText{"<bos> go . <eos>"}) == Ids{2, 6, 4, 3});
  CHECK(vocab.encode(TemplateText{"<bos>go .<eos>"}) == Ids{2, 6, 4, 3});
  const std::vector<std::string> with_reserved{"<eos> a", "<eos> a"};
  CHECK(WordVocab::from_corpus(with_reserved).words() == std::vector<std::string>{"a"});
}

TEST_CASE("words that make no vocabulary are refused by name", "[word_vocab]") {
  const auto message = [](std::vector<std::string> words) {
    return tfm_test::error_of<TokenizerError>([&] { WordVocab(words, "vocab.json"); });
  };
  CHECK(message({"go", "on", "go"}) == "tfm: vocab.json: word 6, 'go', is there twice");
  CHECK(message({"<eos>"}) == "tfm: vocab.json: word 4, '<eos>', is there twice");
  CHECK(message({"go on"}) == "tfm: vocab.json: word 4, 'go on', holds a space, expected a single word");
  CHECK(message({"\xff"}) == "tfm: vocab.json: word 4, '\xEF\xBF\xBD', is not UTF-8");
}

}  // namespace
