#include "tfm/train/bleu.hpp"

#include "support/catch.hpp"
#include "support/data.hpp"
#include "support/error_of.hpp"
#include "tfm/formats/json.hpp"

namespace {

using tfm::Index, tfm::Json;

struct Golden {
  tfm::JsonDocument document;
  std::vector<std::string> predictions, references;

  explicit Golden(const std::filesystem::path& file) : document(tfm::read_json(file)) {
    for (const Json pair : document.root().at("pairs").elements()) {
      bool first = true;
      for (const Json text : pair.elements())
        (std::exchange(first, false) ? predictions : references).emplace_back(text.text());
    }
  }
};

// Sums and logarithms of a few doubles: a few roundings of the last place.
Approx close(double value) { return Approx(value).epsilon(1e-12).margin(1e-14); }

TEST_CASE("sentence BLEU equals d2l.ai's", "[bleu][golden]") {
  const auto file = tfm_test::require(tfm_test::golden() / "bleu.json");
  if (!file) return;
  const Golden golden(*file);
  for (const Index longest : {1, 2, 3, 4}) {
    std::size_t i = 0;
    for (const Json expected : golden.document.root().at("sentence").at(std::to_string(longest)).elements()) {
      INFO(golden.predictions.at(i) << " | " << golden.references.at(i) << ", up to " << longest);
      CHECK(tfm::sentence_bleu(golden.predictions.at(i), golden.references.at(i), longest) == close(expected.number()));
      ++i;
    }
    CHECK(i == golden.predictions.size());
  }
}

TEST_CASE("corpus BLEU equals sacrebleu's without a tokenizer", "[bleu][golden]") {
  const auto file = tfm_test::require(tfm_test::golden() / "bleu.json");
  if (!file) return;
  const Golden golden(*file);
  const Json expected = golden.document.root().at("corpus").at("none");
  const tfm::CorpusBleu bleu = tfm::corpus_bleu(golden.predictions, golden.references);
  CHECK(bleu.score == close(expected.at("score").number()));
  std::size_t n = 0;
  for (const Json precision : expected.at("precisions").elements())
    CHECK(bleu.precisions.at(n++) == close(precision.number()));
  CHECK(n == 4);
  CHECK(bleu.brevity_penalty == close(expected.at("brevity_penalty").number()));
  CHECK(bleu.length == expected.at("length").integer());
  CHECK(bleu.reference_length == expected.at("reference_length").integer());
}

TEST_CASE("corpus BLEU at its edges equals sacrebleu's", "[bleu]") {
  // The expected scores are sacrebleu 2.6.0's, corpus_bleu(..., tokenize='none').
  const auto score = [](std::vector<std::string> said, std::vector<std::string> meant) {
    return tfm::corpus_bleu(said, meant).score;
  };
  CHECK(score({}, {}) == 0);
  CHECK(score({""}, {"a b"}) == 0);
  CHECK(score({"x y z w v"}, {"a b c d e"}) == 0);                     // nothing matches
  CHECK(score({"a b"}, {"a b"}) == 0);                                 // no four words in a row
  CHECK(score({"a b c d"}, {"a b c d"}) == close(100));
  CHECK(score({"a x b y c"}, {"a b c d e"}) == close(14.058533129758727));  // no pair matches: smoothed three times
  CHECK(score({"a b c d", "e"}, {"a b c d", "e f g"}) == close(67.03200460356394));
  CHECK(score({"a\xC2\xA0" "b c\xE2\x80\x89" "d e"}, {"a b c d e"}) == close(100));  // Unicode's spaces separate too
}

TEST_CASE("corpus BLEU is told as sacrebleu tells it", "[bleu]") {
  // The expected lines are those that sacrebleu 2.6.0 prints of corpus_bleu(..., tokenize='none').
  const auto line = [](std::vector<std::string> said, std::vector<std::string> meant) { return tfm::bleu_line(tfm::corpus_bleu(said, meant)); };
  CHECK(line({"a b c d", "e"}, {"a b c d", "e f g"}) == "BLEU = 67.03 100.0/100.0/100.0/100.0 (BP = 0.670 ratio = 0.714 hyp_len = 5 ref_len = 7)");
  CHECK(line({"a x b y c"}, {"a b c d e"}) == "BLEU = 14.06 60.0/12.5/8.3/6.2 (BP = 1.000 ratio = 1.000 hyp_len = 5 ref_len = 5)");
  CHECK(line({"a b c d e f"}, {"a b c d"}) == "BLEU = 50.81 66.7/60.0/50.0/33.3 (BP = 1.000 ratio = 1.500 hyp_len = 6 ref_len = 4)");
  CHECK(line({"x y z w v"}, {"a b c d e"}) == "BLEU = 0.00 0.0/0.0/0.0/0.0 (BP = 1.000 ratio = 1.000 hyp_len = 5 ref_len = 5)");
  CHECK(line({"a b"}, {"a b"}) == "BLEU = 0.00 100.0/100.0/0.0/0.0 (BP = 1.000 ratio = 1.000 hyp_len = 2 ref_len = 2)");
}

TEST_CASE("corpus BLEU wants a reference for each sentence", "[bleu]") {
  const std::vector<std::string> two{"a", "b"}, one{"a"};
  CHECK(tfm_test::error_of<tfm::Error>([&] { tfm::corpus_bleu(two, one); }) ==
        "tfm: BLEU of 2 sentences, found 1 references, expected one for each");
}

}  // namespace
