// The corpus of hostile data sets against their readers: each ends as the manifest says.
#include "support/hostile.hpp"

#include "tfm/train/data/alpaca.hpp"
#include "tfm/train/data/split.hpp"
#include "tfm/train/data/tweets.hpp"

namespace {

volatile std::size_t sink;  // what is read must really be read

void use(const std::vector<tfm::AlpacaRecord>& records) {
  const tfm::AlpacaPrompt prompt;
  for (const auto& record : records) sink = sink + prompt(record).size();
  sink = sink + tfm::alpaca_json(records).size() + tfm::output_counts(records).size();
  const auto texts = tfm::distinct_texts(records);
  sink = sink + texts.commonest() + tfm::split_by_text(texts, static_cast<tfm::Index>(records.size()) / 4, 1).validation.size();
}

template <class Read>
void every_case(const std::string& format, Read read) {
  for (const int seed : {0, 1}) {
    const auto corpus = tfm_test::HostileCorpus::make(seed, {"data"});
    if (!corpus) return;
    int seen = 0;
    for (const auto& hostile : corpus->cases())
      if (hostile.format == format) ++seen, tfm_test::hold_to_promise(hostile, {"parse", "model"}, read);
    CHECK(seen > 30);
  }
}

}  // namespace

TEST_CASE("hostile Alpaca records end as promised", "[hostile]") {
  every_case("alpaca", [](const auto& path) { use(tfm::read_alpaca(path)); });
}

TEST_CASE("hostile tweets end as promised", "[hostile]") {
  every_case("tweets", [](const auto& path) { use(tfm::read_tweets(path).records); });
}
