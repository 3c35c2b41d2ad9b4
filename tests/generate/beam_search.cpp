#include "tfm/generate/beam_search.hpp"

#include <map>

#include "support/catch.hpp"
#include "support/error_of.hpp"

namespace {

using tfm::BeamOptions, tfm::Hypothesis, tfm::Index, tfm::Token;

constexpr Token bos = 0, eos = 1;
constexpr float infinity = std::numeric_limits<float>::infinity();

/// Goes on with a sequence as a hash of all of it says; every sequence has logits of its own.
struct Toy {
  Index vocab = 4;
  std::vector<std::uint64_t> states;  // of the rows; at first the sentences
  std::vector<float> logits{};

  Toy(Index words, Index sentences, std::uint64_t seed) : vocab(words) {
    for (Index s = 0; s < sentences; ++s) states.push_back(tfm::splitmix64(seed + static_cast<std::uint64_t>(s)));
  }
  static std::uint64_t advance(std::uint64_t state, Token token) {
    return tfm::splitmix64(state ^ tfm::splitmix64(static_cast<std::uint64_t>(token)));
  }
  float logit(std::uint64_t state, Index token) const {
    return 6 * tfm::RandomKey{state}.uniform(static_cast<std::uint64_t>(token)) - 3;
  }
  tfm::View step(std::span<const Index> parents, std::span<const Token> tokens) {
    std::vector<std::uint64_t> next;
    logits.clear();
    for (std::size_t i = 0; i < parents.size(); ++i) {
      next.push_back(advance(states.at(static_cast<std::size_t>(parents[i])), tokens[i]));
      for (Index t = 0; t < vocab; ++t) logits.push_back(logit(next.back(), t));
    }
    states = next;
    return {logits.data(), static_cast<Index>(parents.size()), vocab};
  }
  /// log p of each token after a sequence in this state.
  std::vector<double> log_probabilities(std::uint64_t state) const {
    double sum = 0;
    std::vector<double> out;
    for (Index t = 0; t < vocab; ++t) sum += std::exp(static_cast<double>(logit(state, t)));
    for (Index t = 0; t < vocab; ++t) out.push_back(static_cast<double>(logit(state, t)) - std::log(sum));
    return out;
  }
};

/// Every sequence there is, by definition.
void all_sequences(const Toy& toy, std::uint64_t state, std::vector<Token> so_far, double log_p, Index most,
                   float penalty, std::vector<Hypothesis>& out) {
  const auto add = [&](const std::vector<Token>& tokens, double p, bool ended) {
    const double length = static_cast<double>(tokens.size() + (ended ? 1 : 0));
    out.push_back({tokens, p, p / std::pow(length, static_cast<double>(penalty)), ended});
  };
  const auto p = toy.log_probabilities(state);
  for (Token t = 0; t < toy.vocab; ++t) {
    const double with = log_p + p[static_cast<std::size_t>(t)];
    std::vector<Token> tokens = so_far;
    if (t != eos) tokens.push_back(t);
    if (t == eos) add(tokens, with, true);
    else if (static_cast<Index>(tokens.size()) == most) add(tokens, with, false);
    else all_sequences(toy, Toy::advance(state, t), tokens, with, most, penalty, out);
  }
}

std::vector<Hypothesis> brute_force(const Toy& toy, std::size_t sentence, Index most, float penalty) {
  std::vector<Hypothesis> all;
  all_sequences(toy, Toy::advance(toy.states[sentence], bos), {}, 0, most, penalty, all);
  std::stable_sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.score > b.score; });
  return all;
}

/// A beam that narrows, with whole sorts and one sentence at a time.
std::vector<Hypothesis> plain_beam(const Toy& toy, std::size_t sentence, const BeamOptions& o) {
  struct Path {
    std::vector<Token> tokens;
    std::uint64_t state;
    double log_p;
    bool ended;
  };
  std::vector<Path> live{{{}, Toy::advance(toy.states[sentence], bos), 0, false}}, done;
  for (Index step = 0; step < o.max_tokens && !live.empty(); ++step) {
    std::vector<Path> all;
    for (const Path& path : live) {
      const auto p = toy.log_probabilities(path.state);
      for (Token t = 0; t < toy.vocab; ++t) {
        all.push_back({path.tokens, Toy::advance(path.state, t), path.log_p + p[static_cast<std::size_t>(t)], t == eos});
        if (t != eos) all.back().tokens.push_back(t);
      }
    }
    std::stable_sort(all.begin(), all.end(), [](const Path& a, const Path& b) { return a.log_p > b.log_p; });
    all.resize(std::min(all.size(), static_cast<std::size_t>(o.beam) - done.size()));
    live.clear();
    for (const Path& path : all) (path.ended ? done : live).push_back(path);
  }
  done.insert(done.end(), live.begin(), live.end());
  std::vector<Hypothesis> out;
  for (const Path& path : done) {
    const double length = static_cast<double>(path.tokens.size() + (path.ended ? 1 : 0));
    out.push_back({path.tokens, path.log_p, path.log_p / std::pow(length, static_cast<double>(o.length_penalty)), path.ended});
  }
  std::stable_sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.score > b.score; });
  return out;
}

BeamOptions options(Index beam, Index n_best, Index most, float penalty) {
  BeamOptions o;
  o.bos = bos, o.eos = eos, o.max_tokens = most, o.beam = beam, o.n_best = n_best, o.length_penalty = penalty;
  return o;
}

void require_equal(const std::vector<Hypothesis>& found, const std::vector<Hypothesis>& expected, std::size_t n) {
  REQUIRE(found.size() == n);
  REQUIRE(expected.size() >= n);
  for (std::size_t i = 0; i < n; ++i) {
    INFO("hypothesis " << i);
    CHECK(found[i].tokens == expected[i].tokens);
    CHECK(found[i].ended == expected[i].ended);
    // Logits come in float32 sums of exponentials: each token's log p is good to a few roundings of float32.
    CHECK(found[i].log_probability == Approx(expected[i].log_probability).epsilon(1e-6));
    CHECK(found[i].score == Approx(expected[i].score).epsilon(1e-6));
  }
}

TEST_CASE("a beam as wide as all there is finds what brute force finds", "[beam_search]") {
  tfm::Context context(2);
  for (std::uint64_t seed = 0; seed < 5; ++seed)
    for (const float penalty : {0.0f, 0.6f, 1.0f, 2.0f}) {
      INFO("seed " << seed << ", penalty " << penalty);
      Toy toy(4, 3, seed);
      const Toy at_first = toy;
      const auto found = tfm::beam_search(context, toy, 3, options(400, 10, 5, penalty));
      for (std::size_t s = 0; s < 3; ++s) require_equal(found[s], brute_force(at_first, s, 5, penalty), 10);
    }
}

TEST_CASE("narrow beams equal a plain loop, sentence by sentence", "[beam_search]") {
  for (const int threads : {1, 3}) {
    tfm::Context context(threads);
    for (std::uint64_t seed = 10; seed < 20; ++seed)
      for (const Index beam : {1, 2, 3, 5}) {
        INFO("seed " << seed << ", beam " << beam);
        Toy toy(7, 4, seed);
        const Toy at_first = toy;
        const BeamOptions o = options(beam, beam, 8, 1);
        const auto found = tfm::beam_search(context, toy, 4, o);
        for (std::size_t s = 0; s < 4; ++s) require_equal(found[s], plain_beam(at_first, s, o), tfm::to_size(beam));
      }
  }
}

TEST_CASE("a beam of one is greedy search", "[beam_search]") {
  tfm::Context context(1);
  Index ended = 0;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    Toy toy(9, 5, seed), same = toy;
    const auto greedy = tfm::greedy_search(context, toy, 5, {.bos = bos, .eos = eos, .max_tokens = 12});
    const auto beam = tfm::beam_search(context, same, 5, options(1, 1, 12, 1));
    for (std::size_t s = 0; s < 5; ++s) {
      CHECK(greedy[s] == beam[s].at(0).tokens);
      CHECK(greedy[s].size() + (beam[s][0].ended ? 1 : 0) <= 12);
      ended += beam[s][0].ended ? 1 : 0;
    }
  }
  CHECK(ended > 0);
  CHECK(ended < 100);
}

/// The same logits at every step.
struct Constant {
  std::vector<float> row;
  std::vector<float> all{};
  tfm::View step(std::span<const Index> parents, std::span<const Token>) {
    all.clear();
    for (std::size_t i = 0; i < parents.size(); ++i) all.insert(all.end(), row.begin(), row.end());
    return {all.data(), static_cast<Index>(parents.size()), static_cast<Index>(row.size())};
  }
};

TEST_CASE("equal logits: the lowest id; -inf rules out", "[beam_search]") {
  tfm::Context context(1);
  Constant constant{{-infinity, -infinity, 1, 1}};
  CHECK(tfm::greedy_search(context, constant, 1, {.bos = bos, .eos = eos, .max_tokens = 3})[0] ==
        std::vector<Token>{2, 2, 2});
  const auto found = tfm::beam_search(context, constant, 1, options(8, 8, 2, 1))[0];
  REQUIRE(found.size() == 4);  // there are no more
  CHECK(found[0].tokens == std::vector<Token>{2, 2});
  CHECK(found[1].tokens == std::vector<Token>{2, 3});
  CHECK(found[3].tokens == std::vector<Token>{3, 3});
}

TEST_CASE("the length penalty chooses between short and long", "[beam_search]") {
  tfm::Context context(1);
  Constant constant{{-infinity, 0, 0.5f}};
  const auto length = [&](float penalty) {
    return tfm::beam_search(context, constant, 1, options(6, 1, 6, penalty))[0].at(0).tokens.size();
  };
  CHECK(length(0) == 0);
  CHECK(length(1) == 6);
}

TEST_CASE("searches refuse what makes no sense", "[beam_search]") {
  tfm::Context context(1);
  const auto option = [&](BeamOptions o) {
    return tfm_test::error_of<tfm::OptionError>([&] {
      Constant c{{1, 2}};
      tfm::beam_search(context, c, 1, o);
    });
  };
  CHECK(option(options(0, 1, 5, 1)) == "tfm: beam search: beam is 0, expected 1 or more");
  CHECK(option(options(2, 3, 5, 1)) == "tfm: beam search: n_best is 3, expected 1 to the beam");
  CHECK(option(options(2, 1, 0, 1)) == "tfm: beam search: max_tokens is 0, expected 1 or more");
  CHECK(option(options(2, 1, 5, std::numeric_limits<float>::quiet_NaN())).find("length_penalty is nan") != std::string::npos);
  const auto logits = [&](std::vector<float> row, Index beam) {
    Constant c{std::move(row)};
    return tfm_test::error_of<tfm::Error>([&] {
      if (beam == 0) tfm::greedy_search(context, c, 1, {.bos = bos, .eos = eos, .max_tokens = 3});
      else tfm::beam_search(context, c, 1, options(beam, 1, 3, 1));
    });
  };
  CHECK(logits({0, infinity - infinity, 1}, 2).find("tfm: beam search: the logit of token 1 is") == 0);
  CHECK(logits({0, infinity, 1}, 0) == "tfm: greedy search: the logit of token 1 is inf, expected a finite number, or -inf for a token that is ruled out");
  CHECK(logits({-infinity, -infinity}, 2) == "tfm: beam search: every one of 2 logits is -inf, expected a token that may be chosen");
  tfm::StopSource source;
  context.stop = source.token();
  source.request_stop();
  Constant c{{1, 2}};
  CHECK_THROWS_AS(tfm::beam_search(context, c, 1, options(2, 1, 5, 1)), tfm::Stopped);
}

}  // namespace
