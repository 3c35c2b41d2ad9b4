#include "tfm/generate/sampler.hpp"

#include <functional>
#include <numeric>
#include <set>

#include "support/catch.hpp"
#include "support/data.hpp"
#include "support/golden.hpp"

namespace {

using Catch::Contains;
using tfm::Sampler, tfm::SamplerOptions, tfm::Token;

constexpr float infinity = std::numeric_limits<float>::infinity(),
                not_a_number = std::numeric_limits<float>::quiet_NaN();
/// Every filter off.
const SamplerOptions unfiltered{.temperature = 1, .top_k = 0, .top_p = 1, .min_p = 0, .repetition_penalty = 1};

SamplerOptions with(const std::function<void(SamplerOptions&)>& change) {
  SamplerOptions options = unfiltered;
  change(options);
  return options;
}

std::vector<float> probabilities(const SamplerOptions& options, const std::vector<float>& logits,
                                 const std::vector<Token>& seen = {}) {
  std::vector<float> p(logits.size());
  Sampler(options).probabilities(logits, seen, p);
  return p;
}

std::vector<float> random_logits(std::size_t n, std::uint64_t seed, float spread = 4) {
  std::vector<float> logits(n);
  for (std::size_t i = 0; i < n; ++i)
    logits[i] = spread * (tfm::RandomKey{seed}.uniform(i) + tfm::RandomKey{seed + 1}.uniform(i) - 1);
  return logits;
}

/// The filters by definition, with a whole sort: what the sampler's shortcuts must equal.
std::vector<double> by_definition(const SamplerOptions& o, std::vector<float> logits, const std::vector<Token>& seen) {
  for (Token t : std::set<Token>(seen.begin(), seen.end())) {
    float& l = logits[static_cast<std::size_t>(t)];
    l = l < 0 ? l * o.repetition_penalty : l / o.repetition_penalty;
  }
  std::vector<std::size_t> order(logits.size());
  std::iota(order.begin(), order.end(), 0u);
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return logits[a] > logits[b]; });
  const auto weight = [&](std::size_t i) {
    return std::exp((static_cast<double>(logits[i]) - static_cast<double>(logits[order[0]])) /
                    static_cast<double>(o.temperature));
  };
  std::size_t kept = order.size();
  if (o.top_k > 0 && static_cast<std::size_t>(o.top_k) < kept) {
    kept = static_cast<std::size_t>(o.top_k);
    while (kept < order.size() && logits[order[kept]] == logits[order[kept - 1]]) ++kept;
  }
  double total = 0, reached = 0;
  for (std::size_t r = 0; r < kept; ++r) total += weight(order[r]);
  for (std::size_t r = 0; o.top_p < 1 && r < kept; ++r) {
    reached += weight(order[r]);
    if (reached >= static_cast<double>(o.top_p) * total) kept = r + 1;
  }
  while (weight(order[kept - 1]) < static_cast<double>(o.min_p)) --kept;
  std::vector<double> p(logits.size());
  total = 0;
  for (std::size_t r = 0; r < kept; ++r) total += weight(order[r]);
  for (std::size_t r = 0; r < kept; ++r) p[order[r]] = weight(order[r]) / total;
  return p;
}

}  // namespace

TEST_CASE("the filters leave the probabilities that transformers leaves") {
  const auto file = tfm_test::require(tfm_test::golden() / "sampling.safetensors");
  if (!file) return;
  const tfm_test::Golden golden(*file);
  const std::vector<float> logits = golden.floats("logits");
  const std::vector<Token> seen = golden.int32s("seen");
  const std::vector<std::pair<std::string, SamplerOptions>> cases{
      {"temperature_0.7", with([](auto& o) { o.temperature = 0.7f; })},
      {"top_k_10", with([](auto& o) { o.top_k = 10; })},
      {"top_p_0.9", with([](auto& o) { o.top_p = 0.9f; })},
      {"min_p_0.05", with([](auto& o) { o.min_p = 0.05f; })},
      {"repetition_1.3", with([](auto& o) { o.repetition_penalty = 1.3f; })},
      {"chain_1.2_0.8_40_0.95_0.02",
       {.temperature = 0.8f, .top_k = 40, .top_p = 0.95f, .min_p = 0.02f, .repetition_penalty = 1.2f}}};
  const auto rows = static_cast<std::size_t>(golden.shape("logits")[0]), vocabulary = logits.size() / rows,
             many = seen.size() / rows;
  for (const auto& [name, options] : cases) {
    const std::vector<float> expected = golden.floats(name);
    Sampler sampler(options);
    for (std::size_t row = 0; row < rows; ++row) {
      std::vector<float> p(vocabulary);
      sampler.probabilities(std::span(logits).subspan(row * vocabulary, vocabulary),
                            std::span(seen).subspan(row * many, many), p);
      double worst = 0;
      for (std::size_t i = 0; i < vocabulary; ++i) {
        worst =
            std::max(worst, std::abs(static_cast<double>(p[i]) - static_cast<double>(expected[row * vocabulary + i])));
      }
      INFO(name << ", row " << row);
      CHECK(worst < 1e-6);  // the goldens themselves are 2e-7 from float64
    }
  }
}

TEST_CASE("the shortcuts equal the definition with a whole sort") {
  const std::vector<Token> seen{1, 5, 5, 99, 0};
  for (std::size_t vocabulary : {100u, 1000u}) {
    for (tfm::Index k : {0, 1, 2, 7, 60, 99, 100, 5000}) {
      for (float p : {1.0f, 0.999f, 0.9f, 0.4f, 0.001f}) {
        for (float least : {0.0f, 0.02f, 0.5f, 1.0f}) {
          for (float temperature : {0.3f, 1.0f, 2.5f}) {
            const SamplerOptions options{
                .temperature = temperature, .top_k = k, .top_p = p, .min_p = least, .repetition_penalty = 1.4f};
            const std::vector<float> logits = random_logits(vocabulary, static_cast<std::uint64_t>(k) + vocabulary);
            const std::vector<float> ours = probabilities(options, logits, seen);
            const std::vector<double> expected = by_definition(options, logits, seen);
            double worst = 0;
            for (std::size_t i = 0; i < vocabulary; ++i)
              worst = std::max(worst, std::abs(static_cast<double>(ours[i]) - expected[i]));
            INFO("vocabulary " << vocabulary << " k " << k << " p " << p << " min " << least << " temperature "
                               << temperature);
            REQUIRE(worst < 1e-7);
          }
        }
      }
    }
  }
}

TEST_CASE("greedy takes the largest logit, and of equals the lowest id") {
  Sampler greedy(with([](auto& o) { o.temperature = 0; }));
  CHECK(greedy.sample(std::vector<float>{1, 3, 2}) == 1);
  CHECK(greedy.sample(std::vector<float>{1, 3, -infinity, 3}) == 1);
  CHECK(greedy.sample(std::vector<float>{-1}) == 0);
  CHECK(probabilities(greedy.options(), {1, 3, 2}) == std::vector<float>{0, 1, 0});
  Sampler penalised(with([](auto& o) { o.temperature = 0, o.repetition_penalty = 2; }));
  CHECK(penalised.sample(std::vector<float>{1, 3, 2}, std::vector<Token>{1, 1, 1}) ==
        2);  // 1.5, however often it was seen
  CHECK(penalised.sample(std::vector<float>{-1, -3, -1.5f}, std::vector<Token>{0}) == 2);
}

TEST_CASE("the shares of many draws are the probabilities") {
  for (const SamplerOptions& options :
       {unfiltered, SamplerOptions{.temperature = 0.8f, .top_k = 12, .top_p = 0.9f, .seed = 3}}) {
    const std::vector<float> logits = random_logits(30, 5), p = probabilities(options, logits);
    Sampler sampler(options);
    constexpr int n = 100000;
    std::vector<int> count(logits.size());
    for (int i = 0; i < n; ++i) ++count[static_cast<std::size_t>(sampler.sample(logits))];
    for (std::size_t i = 0; i < p.size(); ++i) {
      const double share = static_cast<double>(count[i]) / n, expected = static_cast<double>(p[i]);
      CHECK(std::abs(share - expected) <= 5 * std::sqrt(expected * (1 - expected) / n));  // five standard deviations
    }
  }
}

TEST_CASE("the same seed and number of the draw give the same token") {
  const std::vector<float> logits = random_logits(500, 9, 1);
  const auto draws = [&](std::uint64_t seed) {
    Sampler sampler(with([&](auto& o) { o.seed = seed; }));
    std::vector<Token> tokens;
    for (int i = 0; i < 20; ++i) tokens.push_back(sampler.sample(logits));
    return tokens;
  };
  CHECK(draws(1) == draws(1));
  CHECK(draws(1) != draws(2));
  Sampler later(with([](auto& o) { o.seed = 1; }));
  later.restart(13);
  CHECK(later.draws() == 13);
  CHECK(later.sample(logits) == draws(1)[13]);
  later.restart();
  CHECK(later.sample(logits) == draws(1)[0]);
}

TEST_CASE("extreme logits and temperatures") {
  Sampler sampler(unfiltered);
  for (int i = 0; i < 50; ++i) CHECK(sampler.sample(std::vector<float>{-infinity, 0, -infinity}) == 1);
  CHECK(probabilities(with([](auto& o) { o.temperature = 1e-30f; }), {1, 2, 1}) == std::vector<float>{0, 1, 0});
  CHECK(probabilities(with([](auto& o) { o.top_p = 0.5f; }), {3e38f, -3e38f}) == std::vector<float>{1, 0});
  CHECK(probabilities(with([](auto& o) { o.repetition_penalty = 1e-30f; }), {3e38f, -1}, {0, 1}) ==
        std::vector<float>{1, 0});
  CHECK(probabilities(with([](auto& o) { o.repetition_penalty = 1e30f; }), {-3e38f, -infinity}, {0, 1}) ==
        std::vector<float>{1, 0});
  const std::vector<float> equal(64, 1.5f);  // as in transformers, top-k keeps what is as likely as its last
  CHECK(probabilities(with([](auto& o) { o.top_k = 3; }), equal) == std::vector<float>(64, 1.0f / 64));
  std::vector<float> half(64);
  std::fill_n(half.begin(), 32, 1.0f / 32);
  CHECK(probabilities(with([](auto& o) { o.top_p = 0.5f; }), equal) == half);
}

TEST_CASE("another vocabulary is another size of the same buffers") {
  Sampler sampler(SamplerOptions{.top_k = 5});
  for (std::size_t n : {10u, 1000u, 3u, 50u}) {
    const std::vector<float> logits = random_logits(n, n);
    const Token token = sampler.sample(logits);
    CHECK((token >= 0 && static_cast<std::size_t>(token) < n));
  }
}

TEST_CASE("a top_p of 0 leaves the most likely token, of equals the lowest id") {
  const auto none = with([](auto& o) { o.top_p = 0; });
  CHECK(probabilities(none, {1, 3, 2}) == std::vector<float>{0, 1, 0});
  CHECK(probabilities(none, {1, 3, 3, 2}) == std::vector<float>{0, 1, 0, 0});
  CHECK(probabilities(none, {0, -infinity, 0, 0}) == std::vector<float>{1, 0, 0, 0});
  const auto logits = random_logits(300, 9);
  const auto best = static_cast<Token>(std::max_element(logits.begin(), logits.end()) - logits.begin());
  Sampler sampler(none);
  for (int i = 0; i < 20; ++i) REQUIRE(sampler.sample(logits) == best);
}

TEST_CASE("a forbidden token is as though its logit were -inf") {
  const std::vector<Token> seen{1, 4};
  for (const SamplerOptions& base : {unfiltered, SamplerOptions{.temperature = 0}, SamplerOptions{.temperature = 0.7f, .top_k = 3, .top_p = 0.8f, .repetition_penalty = 1.3f}}) {
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
      const auto logits = random_logits(8, seed);
      std::vector<float> without = logits;
      SamplerOptions options = base;
      for (const Token token : {Token(seed % 8), Token((seed + 3) % 8)}) {
        options.forbidden.push_back(token);
        without[static_cast<std::size_t>(token)] = -infinity;
      }
      REQUIRE(probabilities(options, logits, seen) == probabilities(base, without, seen));
    }
  }
  CHECK(Sampler({.temperature = 0, .forbidden = {2}}).sample(std::vector<float>{1, 0, 9}) == 0);
  CHECK_THROWS_AS(Sampler({.forbidden = {0, 1}}).sample(std::vector<float>{1, 2}), tfm::Error);
  CHECK_THROWS_WITH(Sampler({.forbidden = {2}}).sample(std::vector<float>{1, 2}),
                    "tfm: sampler option forbidden holds 2, expected 0 to 1, the tokens that have a logit");
}

TEST_CASE("logits that leave no choice are an error") {
  for (float temperature : {0.0f, 1.0f}) {
    Sampler sampler(with([&](auto& o) { o.temperature = temperature, o.repetition_penalty = 1.1f; }));
    const auto message = [&](std::vector<float> logits, std::vector<Token> seen = {}) -> std::string {
      try {
        sampler.sample(logits, seen);
      } catch (const tfm::Error& error) {
        return error.what();
      }
      return "no error";
    };
    CHECK_THAT(message({}), Contains("tfm: sampler: 0 logits"));
    CHECK_THAT(message({1, not_a_number, 2}),
               Contains("the logit of token 1 is") && Contains("nan") && Contains("expected a finite"));
    CHECK_THAT(message({1, 2, infinity}), Contains("the logit of token 2 is inf"));
    CHECK_THAT(message({-infinity, -infinity}), Contains("every one of 2 logits is -inf"));
    CHECK_THAT(message({1, 2}, {2}), Contains("seen token 2, expected 0 to 1"));
    CHECK_THAT(message({1, 2}, {-1}), Contains("seen token -1"));
    CHECK(sampler.draws() == 0);  // a call that failed is no draw
  }
  std::vector<float> p(2);
  Sampler sampler;
  CHECK_THROWS_AS(sampler.probabilities(std::vector<float>{1, 2, 3}, {}, p), tfm::ShapeError);
}

TEST_CASE("options that make no sense are refused by name") {
  const auto refused = [](const std::function<void(SamplerOptions&)>& change, const std::string& option) {
    CHECK_THROWS_AS(Sampler(with(change)), tfm::OptionError);
    CHECK_THROWS_WITH(Sampler(with(change)), Contains("sampler option " + option + " is ") && Contains(", expected "));
  };
  for (float bad : {-0.1f, not_a_number, infinity}) refused([=](auto& o) { o.temperature = bad; }, "temperature");
  refused([](auto& o) { o.top_k = -1; }, "top_k");
  for (float bad : {-0.1f, 1.01f, not_a_number}) refused([=](auto& o) { o.top_p = bad; }, "top_p");
  refused([](auto& o) { o.forbidden = {3, -1}; }, "forbidden");
  for (float bad : {-0.1f, 1.01f, not_a_number}) refused([=](auto& o) { o.min_p = bad; }, "min_p");
  for (float bad : {0.0f, -1.0f, not_a_number, infinity})
    refused([=](auto& o) { o.repetition_penalty = bad; }, "repetition_penalty");
  CHECK_THROWS_WITH(Sampler(with([](auto& o) { o.top_k = -3; })), Contains("top_k is -3"));
  CHECK_NOTHROW(Sampler());
}

TEST_CASE("candidates that kernels pick give the tokens that all logits give") {
  tfm::Context context(2);
  const std::vector<SamplerOptions> all{{}, {.temperature = 0}, {.top_k = 1}, {.top_k = 3, .top_p = 0.5f, .min_p = 0}, {.top_k = 0}, {.top_k = 1000}, {.repetition_penalty = 1.2f}, {.forbidden = {5}}};
  for (const std::size_t n : {1u, 40u, 41u, 517u})
    for (const SamplerOptions& options : all) {
      if (!options.forbidden.empty() && n < 6) continue;
      std::vector<float> logits = random_logits(n, 3);
      for (std::size_t i = 0; i < n; ++i) logits[i] = i % 11 == 7 ? -infinity : std::round(4 * logits[i]) / 4;  // many are equal
      Sampler one(options), other(options);
      const Token seen[] = {0};
      for (int draw = 0; draw < 20; ++draw)
        REQUIRE(one.sample(logits, seen) == other.sample(context, {logits.data(), 1, static_cast<tfm::Index>(n)}, seen));
      CHECK(other.draws() == 20);
    }
  const std::vector<float> bad{1, not_a_number, 2}, none{-infinity, -infinity, -infinity};
  const SamplerOptions two{.top_k = 2};
  CHECK_THROWS_WITH(Sampler(two).sample(context, {bad.data(), 1, 3}), Contains("the logit of token 1 is nan"));
  CHECK_THROWS_WITH(Sampler(two).sample(context, {none.data(), 1, 3}), Contains("every one of 3 logits is -inf"));
}
