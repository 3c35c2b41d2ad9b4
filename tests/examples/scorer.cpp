// What finetune evaluate thinks of answers, beside the passes of training and beside a session; and the figures of a confusion matrix.
#include "finetune/scorer.hpp"

#include "finetune/confusion.hpp"
#include "support/catch.hpp"
#include "support/stories.hpp"
#include "tfm/checkpoint/load_model.hpp"
#include "tfm/generate/generate.hpp"
#include "tfm/train/causal_loss.hpp"

using namespace tfm;
using Tokens = std::vector<Token>;

namespace {

constexpr const char* beginnings[] = {"Once upon a time",
                                      "Once upon a time there was a dog. The dog was",
                                      "Once there",
                                      "Once upon a hill the sun was red and",
                                      "Once upon a time, Tim",
                                      "Once",
                                      "Once upon a time there was a dog. The cat",
                                      "Once upon",
                                      "Once more",
                                      "Once upon a time, in"};
constexpr const char* answers[] = {" a girl", " a", " big and red."};

const AnyModel& any_stories() {
  static const auto loaded = load_model(tfm_test::source_folder() / "examples/stories260K/stories260K.F32.gguf");
  return loaded.model;
}

std::vector<cli::Question> questions() {
  const AnyTokenizer& tokenizer = tfm_test::stories().tokenizer;
  std::vector<cli::Question> all;
  for (const std::string beginning : beginnings) {
    const auto ids = [&](const std::string& text) {
      Tokens out = tokenizer.encode(UserText{text});
      out.insert(out.begin(), *tokenizer.bos());
      return out;
    };
    all.push_back({ids(beginning), {}});
    for (const char* const answer : answers) all.back().answers.push_back(ids(beginning + answer));
  }
  return all;
}

Adapter some_adapter() {
  Adapter adapter(tfm_test::stories().model, {.rank = 3, .alpha = 9, .dropout = 0, .targets = {"q_proj", "o_proj"}});
  for (Index slot = 0; slot < adapter.size(); ++slot)
    for (Index i = 0; i < adapter[slot].b.view().size(); ++i)
      adapter[slot].b.values().data[i] = 0.3f * (RandomKey{7}.with(static_cast<std::uint64_t>(slot)).uniform(static_cast<std::uint64_t>(i)) - 0.5f);
  return adapter;
}

/// -Σ ln p of the tokens from `first` on, by training's forward pass.
double surprise(const Tokens& text, Index first, const Adapter* adapter) {
  Context context(2);
  context.arithmetic = Arithmetic::exact;
  Tokens labels(text);
  std::fill_n(labels.begin(), first, ignored_label);
  const Index start[] = {0, static_cast<Index>(text.size())};
  const Adapter* const worn[] = {adapter};
  return causal_loss(context, tfm_test::stories().model, {.start = start, .adapter = worn}, text, labels, {}, nullptr).nats;
}

}  // namespace

TEST_CASE("answers have the likelihood that training's forward pass gives them, and the model says what a session says", "[finetune]") {
  const auto& stories = tfm_test::stories();
  const auto all = questions();
  const Adapter adapter = some_adapter();
  for (const Adapter* const worn : {static_cast<const Adapter*>(nullptr), &adapter}) {
    Context context(2);
    context.arithmetic = Arithmetic::exact;
    const cli::Scorer scorer(any_stories(), context, stories.stop_tokens);
    Index told = 0;
    const auto opinions = scorer.ask(all, worn, 6, [&](const Progress& progress) { told = progress.done; });
    REQUIRE(opinions.size() == all.size());
    CHECK(told == static_cast<Index>(all.size()));
    Session session(stories.model, {.threads = 2, .arithmetic = Arithmetic::exact, .cache = Format::f32});
    session.set_adapter(worn);
    for (std::size_t q = 0; q < all.size(); ++q) {
      INFO(beginnings[q]);
      REQUIRE(opinions[q].log_likelihood.size() == 3);
      const auto shared = static_cast<Index>(all[q].prompt.size());
      for (std::size_t a = 0; a < 3; ++a) {
        REQUIRE(std::equal(all[q].prompt.begin(), all[q].prompt.end(), all[q].answers[a].begin()));  // no token goes over the seam here
        const double expected = -surprise(all[q].answers[a], shared, worn);
        CHECK(std::abs(opinions[q].log_likelihood[a] - expected) <= 1e-4 * std::max(1.0, -expected));  // sums in another order
      }
      session.truncate(0);
      session.evaluate(all[q].prompt);
      Sampler greedy({.temperature = 0});
      CHECK(opinions[q].said == generate(session, stories.tokenizer, greedy, StopRules(stories.stop_tokens, {}), 6, [](std::string_view) {}).ids);
    }
  }
}

TEST_CASE("a token over the seam of prompt and answer counts to the answer", "[finetune]") {
  Context context(1);
  context.arithmetic = Arithmetic::exact;
  // The second answer shares the first two tokens of the prompt alone.
  const std::vector<cli::Question> one{{{1, 403, 407, 261}, {{1, 403, 407, 261, 378}, {1, 403, 300, 301}}}};
  const auto found = cli::Scorer(any_stories(), context, {}).ask(one, nullptr, 1, [](const Progress&) {});
  CHECK(std::abs(found[0].log_likelihood[0] + surprise(one[0].answers[0], 2, nullptr)) < 1e-3);
  CHECK(std::abs(found[0].log_likelihood[1] + surprise(one[0].answers[1], 2, nullptr)) < 1e-3);
}

TEST_CASE("figures of a confusion matrix", "[finetune]") {
  cli::Confusion confusion(3);
  confusion.counts = {{5, 1, 0}, {2, 3, 1}, {0, 0, 0}};
  confusion.other = {0, 4, 4};  // 6, 10 and 4 records
  CHECK(confusion.all() == 20);
  CHECK(confusion.accuracy() == 8.0 / 20);
  CHECK(confusion.majority() == 10.0 / 20);
  CHECK(confusion.recall(0) == 5.0 / 6);
  CHECK(confusion.recall(2) == 0);
  CHECK(confusion.precision(0) == 5.0 / 7);
  CHECK(confusion.precision(1) == 3.0 / 4);
  CHECK(confusion.precision(2) == 0);  // given once, and wrong
  CHECK(std::abs(confusion.f1(0) - 2 * (5.0 / 7) * (5.0 / 6) / (5.0 / 7 + 5.0 / 6)) < 1e-15);
  CHECK(confusion.f1(2) == 0);
  CHECK(cli::Confusion(2).f1(0) == 0);  // 0 / 0
  CHECK(std::abs(confusion.macro_f1() - (10.0 / 13 + 6.0 / 14 + 0) / 3) < 1e-15);
}
