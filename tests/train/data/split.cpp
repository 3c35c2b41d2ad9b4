// Splitting by distinct text, grouping by length, and what the preflight finds.
#include "tfm/train/data/split.hpp"

#include <map>
#include <set>

#include "support/catch.hpp"
#include "support/data.hpp"
#include "support/error_of.hpp"
#include "tfm/text/word_vocab.hpp"
#include "tfm/train/data/alpaca.hpp"
#include "tfm/train/data/group_by_length.hpp"
#include "tfm/train/data/preflight.hpp"

namespace {

using tfm::AlpacaRecord, tfm::CausalSample, tfm::Index, tfm::Split, tfm::Token;

// Record i has text i / 3, of which each has another output.
std::vector<AlpacaRecord> records(Index n) {
  std::vector<AlpacaRecord> all;
  for (Index i = 0; i < n; ++i) all.push_back({"Do.", "text " + std::to_string(i / 3), std::to_string(i)});
  return all;
}

TEST_CASE("copies are counted by instruction and input", "[split]") {
  const std::vector<AlpacaRecord> all{{"a", "b", "1"}, {"ab", "", "1"}, {"a", "b", "2"}, {"a", "", "1"}, {"a", "b", "1"}};
  const auto texts = tfm::distinct_texts(all);
  CHECK(texts.of == std::vector<std::size_t>{0, 1, 0, 2, 0});
  CHECK(texts.first == std::vector<std::size_t>{0, 1, 3});
  CHECK(texts.copies == std::vector<Index>{3, 1, 1});
  CHECK(texts.count() == 3);
  CHECK(texts.duplicates() == 2);
  CHECK(texts.commonest() == 0);
}

TEST_CASE("a split keeps copies together, holds each sample once, and the seed alone decides it", "[split]") {
  const auto all = records(300);
  const Split split = tfm::split_by_text(all, 60, 7);
  CHECK(split.validation.size() == 60);
  CHECK(std::is_sorted(split.training.begin(), split.training.end()));
  CHECK(std::is_sorted(split.validation.begin(), split.validation.end()));
  std::set<Index> seen(split.training.begin(), split.training.end());
  seen.insert(split.validation.begin(), split.validation.end());
  CHECK(seen.size() == 300);
  CHECK(split.training.size() == 240);
  std::set<Index> learnt;
  for (const Index i : split.training) learnt.insert(i / 3);
  for (const Index i : split.validation) CHECK(!learnt.contains(i / 3));
  CHECK(tfm::split_by_text(all, 60, 7).validation == split.validation);
  CHECK(tfm::split_by_text(all, 60, 8).validation != split.validation);
  // Three copies do not fit into 61 and 62 once more: these stay at 60.
  CHECK(tfm::split_by_text(all, 62, 7).validation == split.validation);
}

TEST_CASE("a split that leaves nothing to learn from is refused", "[split]") {
  const auto all = records(6);
  CHECK(tfm::split_by_text(all, 0, 1).training.size() == 6);
  CHECK(tfm::split_by_text(all, 5, 1).training.size() == 3);
  CHECK(tfm_test::error_of<tfm::OptionError>([&] { tfm::split_by_text(all, 6, 1); }) ==
        "tfm: found 6 samples for validation, expected 0 or more, and fewer than the 6 there are");
  CHECK(tfm_test::error_of<tfm::OptionError>([&] { tfm::split_by_text(all, -1, 1); }).starts_with("tfm: found -1 samples"));
}

TEST_CASE("the article's 200 tweets for validation, without one that is learnt", "[split]") {
  const auto file = tfm_test::require(tfm_test::shared() / "data/tweets/alpaca-bitcoin-sentiment-dataset.json");
  if (!file) return;
  const auto tweets = tfm::read_alpaca(*file);
  const auto texts = tfm::distinct_texts(tweets);
  CHECK(texts.count() == 1544);
  CHECK(texts.copies[texts.commonest()] == 312);
  for (const std::uint64_t seed : {0u, 1u, 42u}) {
    const Split split = tfm::split_by_text(texts, 200, seed);
    CHECK(split.validation.size() == 200);
    CHECK(split.training.size() == 1697);
    std::set<std::string> learnt;
    for (const Index i : split.training) learnt.insert(tweets[tfm::to_size(i)].input);
    for (const Index i : split.validation) CHECK(!learnt.contains(tweets[tfm::to_size(i)].input));
  }
}

// Tokens of padding where each batch is padded to its longest.
Index padding(const std::vector<Index>& order, const std::vector<Index>& lengths, std::size_t batch) {
  Index sum = 0;
  for (std::size_t first = 0; first < order.size(); first += batch) {
    const std::size_t last = std::min(first + batch, order.size());
    Index longest = 0;
    for (std::size_t i = first; i < last; ++i) longest = std::max(longest, lengths[tfm::to_size(order[i])]);
    for (std::size_t i = first; i < last; ++i) sum += longest - lengths[tfm::to_size(order[i])];
  }
  return sum;
}

TEST_CASE("an order grouped by length is a permutation with less padding, and the longest sample first", "[split]") {
  std::vector<Index> lengths;
  for (Index i = 0; i < 1003; ++i) lengths.push_back(20 + i * i * 31 % 200);
  lengths[777] = 500;
  const tfm::RandomKey key{5};
  const auto order = tfm::grouped_by_length(lengths, 8, key);
  CHECK(std::set<Index>(order.begin(), order.end()).size() == 1003);
  CHECK(order.size() == 1003);
  CHECK(order.front() == 777);
  CHECK(tfm::grouped_by_length(lengths, 8, key) == order);
  CHECK(tfm::grouped_by_length(lengths, 8, key.with(1)) != order);
  CHECK(padding(order, lengths, 8) * 5 < padding(tfm::shuffled(1003, key), lengths, 8));
  // Groups of 31 batches: a quarter of the 125. Each falls from its longest to its shortest, but for the exchange of two first ones.
  int rises = 0;
  for (std::size_t i = 1; i < order.size(); ++i) {
    const bool rise = lengths[tfm::to_size(order[i])] > lengths[tfm::to_size(order[i - 1])];
    if (rise) CHECK((i % 248 == 0 || i % 248 == 1));
    rises += rise ? 1 : 0;
  }
  CHECK(rises >= 4);
}

TEST_CASE("grouping by length where there is little to group", "[split]") {
  CHECK(tfm::grouped_by_length({}, 4, {1}).empty());
  const std::vector<Index> lengths{3, 9, 5};
  CHECK(tfm::grouped_by_length(lengths, 128, {1}) == std::vector<Index>{1, 2, 0});  // one group: all of it sorted
}

// <unk> 0, <pad> 1, <bos> 2, <eos> 3, a 4, b 5.
tfm::AnyTokenizer vocabulary() {
  const std::vector<std::string> corpus{"a b", "a b"};
  return tfm::WordVocab::from_corpus(corpus);
}
CausalSample sample(std::vector<Token> ids, std::size_t unlabelled = 0) {
  CausalSample one{ids, ids};
  std::fill_n(one.labels.begin(), unlabelled, tfm::ignored_label);
  return one;
}

TEST_CASE("the preflight finds cut ends, missing labels and copies on both sides", "[split]") {
  const std::vector<AlpacaRecord> all{{"a", "", ""}, {"a", "", ""}, {"b", "", ""}, {"c", "", ""}, {"a", "", ""}};
  const auto texts = tfm::distinct_texts(all);
  const Split split{{0, 1, 2}, {3, 4}};
  const std::vector<CausalSample> training{sample({2, 4, 3}), sample({2, 4, 5, 4}, 3), sample({2, 3}, 2)}, validation{sample({2, 5}), sample({2, 3})};
  auto tokenizer = vocabulary();
  auto special = tokenizer.special();
  special.add_bos = true;
  tokenizer = tokenizer.with_special(special);
  const tfm::Preflight found = tfm::preflight(texts, split, training, validation, tokenizer);
  CHECK(found.training == 3);
  CHECK(found.validation == 2);
  CHECK(found.tokens == 9);
  CHECK(found.labels == 3);  // 4 and 3 of the first, the last 4 of the second
  CHECK(found.shortest == 2);
  CHECK(found.longest == 4);
  CHECK(found.without_eos == 2);
  CHECK(found.without_label == 1);
  CHECK(found.without_bos == 0);
  CHECK(found.distinct == 3);
  CHECK(found.copies == 3);
  CHECK(found.shared == 1);
  CHECK(found.special.empty());
  CHECK(!found.clean());
  const std::vector<std::string> expected{
      "3 training and 2 validation samples; 9 training tokens, 3 with a label; 2 to 4 tokens a sample",
      "EOS is cut off in 2 of 5 samples (40.0 %): they do not teach the model to stop; a greater cutoff helps",
      "no label in 1 of 5 samples (20.0 %): nothing is learnt from them; a greater cutoff helps",
      "2 of 5 samples are copies of another's text: 3 distinct texts, the commonest 3 times",
      "1 of 2 validation samples have a text that is in training too: their loss measures what was learnt by heart"};
  CHECK(found.lines() == expected);
  CHECK_THROWS_AS(tfm::preflight(texts, split, validation, validation, tokenizer), tfm::ShapeError);
}

TEST_CASE("the preflight finds nothing wrong where nothing is, and tokens that play two roles", "[split]") {
  const std::vector<AlpacaRecord> all{{"a", "", ""}, {"b", "", ""}};
  const auto texts = tfm::distinct_texts(all);
  const Split split{{0}, {1}};
  const std::vector<CausalSample> training{sample({2, 4, 3})}, validation{sample({2, 5, 3})};
  auto tokenizer = vocabulary();
  CHECK(tfm::preflight(texts, split, training, validation, tokenizer).clean());
  CHECK(tfm::preflight(texts, split, training, validation, tokenizer).lines().size() == 1);
  // As in early conversions of LLaMA, where bos, eos and unk were all the empty text, token 0.
  const auto broken = tokenizer.with_special({.bos = 0, .eos = 0, .unknown = 0, .add_bos = true});
  const auto found = tfm::preflight(texts, split, training, validation, broken);
  CHECK(found.without_bos == 2);
  CHECK(found.without_eos == 2);
  CHECK(found.special == std::vector<std::string>{"BOS and EOS are the same token, 0 ('<unk>')", "EOS and the unknown token are the same token, 0 ('<unk>')",
                                                  "BOS and the unknown token are the same token, 0 ('<unk>')"});
  CHECK(found.lines().size() == 6);
}

TEST_CASE("the preflight counts empty outputs and samples beyond the model's context, and tells where nothing can be measured", "[split]") {
  const std::vector<AlpacaRecord> all{{"a", "", " \n"}, {"b", "", "x"}, {"c", "", ""}};
  const auto texts = tfm::distinct_texts(all);
  const Split split{{0, 1}, {2}};
  const std::vector<CausalSample> training{sample({2, 4, 3}), sample({2, 4, 4, 5, 3})}, validation{sample({2, 4, 5}, 3)};
  const auto found = tfm::preflight(texts, split, training, validation, vocabulary(), {.records = all, .context = 4, .cutoff = 8});
  CHECK(found.empty_outputs == 2);
  CHECK(found.beyond_context == 1);
  CHECK(found.to_measure == 0);
  CHECK(!found.clean());
  const auto lines = found.lines();
  const auto told = [&](const std::string& line) { return std::count(lines.begin(), lines.end(), line) == 1; };
  CHECK(told("the output is empty in 2 of 3 samples (66.7 %): they teach the model to say nothing"));
  CHECK(told("more tokens than the model's context of 4 in 1 of 3 samples (33.3 %): it was not made for such positions; a cutoff of 4 helps"));
  CHECK(told("none of the 1 validation samples has a token to measure: no step can be the best one; a greater cutoff helps"));
  const auto wide = tfm::preflight(texts, split, training, validation, vocabulary(), {.context = 6, .cutoff = 8}).lines();
  CHECK(std::count(wide.begin(), wide.end(), "the cutoff of 8 tokens is beyond the model's context of 6; no sample is that long") == 1);
  CHECK_THROWS_AS(tfm::preflight(texts, split, training, validation, vocabulary(), {.records = std::span(all).first(2)}), tfm::ShapeError);
}

}  // namespace
