#include "tfm/train/data/translation.hpp"

#include <set>

#include "support/catch.hpp"
#include "support/data.hpp"
#include "support/error_of.hpp"
#include "tfm/text/word_vocab.hpp"

namespace {

using tfm::Index, tfm::SentencePair, tfm::Token, tfm::WordVocab;

std::vector<std::string> sides(const std::vector<SentencePair>& pairs, std::string SentencePair::*side) {
  std::vector<std::string> all;
  for (const SentencePair& pair : pairs) all.push_back(pair.*side);
  return all;
}

TEST_CASE("sentences are normalised as d2l.ai does", "[translation]") {
  CHECK(tfm::normalised_sentence("Go.") == "go .");
  CHECK(tfm::normalised_sentence("Va\xE2\x80\xAF!") == "va !");       // U+202F
  CHECK(tfm::normalised_sentence("Quoi\xC2\xA0?!") == "quoi ? !");    // U+00A0
  CHECK(tfm::normalised_sentence("\xC3\x80 l'\xC3\x89t\xC3\xA9, 3.5") == "\xC3\xA0 l'\xC3\xA9t\xC3\xA9 , 3 .5");
  CHECK(tfm::normalised_sentence("...") == ". . .");
  CHECK(tfm::normalised_sentence("a  .b") == "a  .b");
  CHECK(tfm::normalised_sentence("") == "");
}

TEST_CASE("lines that are no pair are skipped and counted", "[translation]") {
  const auto read = tfm::parse_sentence_pairs(
      "Go.\tVa !\r\n"
      "\n"
      "   \n"
      "no tab\n"
      "\tleft is empty\n"
      "right is empty\t \n"
      "Hi.\tSalut.\tCC-BY 2.0 (France)\n"
      "Run!\tCours !");
  REQUIRE(read.pairs.size() == 3);
  CHECK(read.pairs[0].source == "go .");
  CHECK(read.pairs[0].target == "va !");
  CHECK(read.pairs[1].target == "salut .");
  CHECK(read.pairs[2].target == "cours !");
  CHECK(read.skipped.empty == 4);
  CHECK(read.skipped.without_tab == 1);
  CHECK(read.skipped.total() == 5);
  CHECK(tfm::parse_sentence_pairs("\xEF\xBB\xBFGo.\tVa !\n\nHi.\tSalut !\n", 1).pairs.size() == 1);
  CHECK(tfm::parse_sentence_pairs("").pairs.empty());
  CHECK(tfm_test::error_of<tfm::LoadError>([] { tfm::read_sentence_pairs("/nowhere/fra.txt"); }) ==
        "tfm: cannot open /nowhere/fra.txt: No such file or directory");
}

TEST_CASE("held out pairs share no source sentence with the others", "[translation]") {
  std::vector<SentencePair> pairs;
  for (int i = 0; i < 300; ++i) pairs.push_back({"s" + std::to_string(i / 3), "t" + std::to_string(i)});
  const auto split = tfm::hold_out(pairs, 50, 7);
  CHECK(split.held_out.size() >= 50);
  CHECK(split.held_out.size() < 53);
  CHECK(split.held_out.size() + split.training.size() == 300);
  std::set<std::string> learnt, targets;
  for (const auto& pair : split.training) learnt.insert(pair.source), targets.insert(pair.target);
  for (const auto& pair : split.held_out) {
    CHECK(!learnt.contains(pair.source));
    targets.insert(pair.target);
  }
  CHECK(targets.size() == 300);
  const auto again = tfm::hold_out(pairs, 50, 7), other = tfm::hold_out(pairs, 50, 8);
  CHECK(sides(again.held_out, &SentencePair::source) == sides(split.held_out, &SentencePair::source));
  CHECK(sides(other.held_out, &SentencePair::source) != sides(split.held_out, &SentencePair::source));
  CHECK(tfm::hold_out(pairs, 0, 7).held_out.empty());
  CHECK(tfm::hold_out(pairs, 301, 7).training.empty());
}

TEST_CASE("pairs become ids that end with <eos> and are cut to the steps", "[translation]") {
  const std::vector<std::string> sentences{"a b c .", "a b c ."};
  const tfm::AnyTokenizer vocab = WordVocab::from_corpus(sentences);  // a 4, b 5, c 6, . 7
  const auto pairs = tfm::encode_pairs({{"a b .", "a b c ."}, {"", "x"}}, vocab, vocab, 4);
  CHECK(pairs[0].source == std::vector<Token>{4, 5, 7, 3});
  CHECK(pairs[0].target == std::vector<Token>{4, 5, 6, 7});
  CHECK(pairs[1].source == std::vector<Token>{3});
  CHECK(pairs[1].target == std::vector<Token>{0, 3});
}

TEST_CASE("the article's 600 pairs give d2l.ai's vocabularies", "[translation]") {
  const auto file = tfm_test::require(tfm_test::shared() / "data/translation/fra.txt");
  if (!file) return;
  const auto read = tfm::read_sentence_pairs(*file, 600);
  REQUIRE(read.pairs.size() == 600);
  CHECK(read.skipped.total() == 0);
  // What d2l.ai's Vocab gives for these lines with min_freq=2 and its three reserved tokens.
  const auto source = WordVocab::from_corpus(sides(read.pairs, &SentencePair::source));
  const auto target = WordVocab::from_corpus(sides(read.pairs, &SentencePair::target));
  CHECK(source.size() == 184);
  CHECK(target.size() == 201);
  CHECK(target.words()[2] == "je");
  const auto pairs = tfm::encode_pairs(read.pairs, source, target, 10);
  CHECK(pairs[0].source == std::vector<Token>{9, 4, 3});
  CHECK(pairs[0].target == std::vector<Token>{16, 5, 3});
}

TEST_CASE("all 40,000 pairs are read", "[translation]") {
  const auto file = tfm_test::require(tfm_test::shared() / "data/translation/fra.txt");
  if (!file) return;
  const auto read = tfm::read_sentence_pairs(*file);
  CHECK(read.pairs.size() == 40000);
  CHECK(read.skipped.total() == 0);
  const auto split = tfm::hold_out(read.pairs, 2000, 0);
  CHECK(split.held_out.size() >= 2000);
  CHECK(split.held_out.size() + split.training.size() == 40000);
}

}  // namespace
