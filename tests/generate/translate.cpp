#include "tfm/generate/translate.hpp"

#include <algorithm>
#include <cstring>

#include "support/catch.hpp"
#include "support/error_of.hpp"
#include "tfm/core/random.hpp"

namespace {

using namespace tfm;
using Model = Transformer<DynamicTransformerShape, EveryLinear<F32>>;
using Ids = std::vector<Token>;

constexpr Token bos = 2, eos = 3;

Model random_model() {
  Model model(DynamicTransformerShape{.source_vocab = 20, .target_vocab = 24, .dim = 16, .layers = 2, .heads = 4, .ffn = 20, .context = 32});
  std::uint64_t stream = 0;
  visit_weights(model, "", [&](const std::string&, F32& weight, WeightRole) {
    const RandomKey key = RandomKey{11}.with(stream++);
    for (Index i = 0; i < weight.values().size(); ++i) weight.values().data[i] += key.uniform(static_cast<std::uint64_t>(i)) - 0.5f;
  });
  return model;
}
const std::vector<Ids> sentences{{5, 6, 7, eos}, {9, eos}, {4, 4, 12, 19, 8, eos}, {13, 6, eos}};

/// The likeliest token after each other, all of the sequence read anew at every step.
Ids uncached(Context& context, const Model& model, const Ids& sentence, Index most) {
  Ids said{bos};
  while (static_cast<Index>(said.size()) <= most) {
    RaggedSentences source, target;
    source.add(sentence), target.add(said);
    Buffer logits(static_cast<Index>(said.size()), model.shape.target_vocab);
    model.forward(context, {source.batch(), source.ids(), target.batch(), target.ids()}, logits);
    const float* const last = View(logits).row(View(logits).rows - 1);
    const Token next = static_cast<Token>(std::max_element(last, last + model.shape.target_vocab) - last);
    if (next == eos) break;
    said.push_back(next);
  }
  said.erase(said.begin());
  return said;
}

TEST_CASE("greedy translation of a batch equals what is found without a cache, one by one", "[translate]") {
  const Model model = random_model();
  for (const int threads : {1, 3}) {
    Context context(threads);
    const auto all = translate_greedily(context, model, sentences, {.bos = bos, .eos = eos, .max_tokens = 12});
    REQUIRE(all.size() == sentences.size());
    for (std::size_t i = 0; i < sentences.size(); ++i) {
      CHECK(all[i] == uncached(context, model, sentences[i], 12));
      CHECK(translate_greedily(context, model, {&sentences[i], 1}, {.bos = bos, .eos = eos, .max_tokens = 12})[0] == all[i]);
    }
  }
}

BeamOptions beams(Index beam, Index n_best) {
  BeamOptions options;
  options.bos = bos, options.eos = eos, options.max_tokens = 12, options.beam = beam, options.n_best = n_best;
  return options;
}

TEST_CASE("a beam of one translates greedily, and wider beams find what is likelier", "[translate]") {
  const Model model = random_model();
  Context context(2);
  BeamOptions one = beams(1, 1), wide = beams(6, 6);
  one.length_penalty = wide.length_penalty = 0;
  const auto greedy = translate_greedily(context, model, sentences, one);
  const auto first = translate(context, model, sentences, one), best = translate(context, model, sentences, wide);
  for (std::size_t i = 0; i < sentences.size(); ++i) {
    CHECK(first[i].at(0).tokens == greedy[i]);
    REQUIRE(best[i].size() == 6);
    CHECK(best[i][0].log_probability >= first[i][0].log_probability - 1e-5);
    for (std::size_t k = 1; k < 6; ++k) {
      CHECK(best[i][k].score <= best[i][k - 1].score);
      CHECK(best[i][k].tokens != best[i][k - 1].tokens);
    }
  }
}

TEST_CASE("a hypothesis has the log probability that the model gives its tokens", "[translate]") {
  const Model model = random_model();
  Context context(2);
  const auto found = translate(context, model, sentences, beams(4, 4));
  for (std::size_t i = 0; i < sentences.size(); ++i)
    for (const Hypothesis& h : found[i]) {
      Ids said{bos}, then = h.tokens;
      said.insert(said.end(), h.tokens.begin(), h.tokens.end());
      if (h.ended) then.push_back(eos);
      else said.pop_back();
      RaggedSentences source, target;
      source.add(sentences[i]), target.add(said);
      Buffer logits(static_cast<Index>(said.size()), model.shape.target_vocab);
      model.forward(context, {source.batch(), source.ids(), target.batch(), target.ids()}, logits);
      double expected = 0;
      for (Index t = 0; t < View(logits).rows; ++t) {
        double sum = 0;
        for (Index k = 0; k < View(logits).cols; ++k) sum += std::exp(static_cast<double>(View(logits).row(t)[k]));
        expected += static_cast<double>(View(logits).row(t)[then[to_size(t)]]) - std::log(sum);
      }
      // A dozen tokens, each with a few roundings of float32 of logits below 10.
      CHECK(h.log_probability == Approx(expected).margin(2e-5));
    }
}

TEST_CASE("translating refuses what does not fit", "[translate]") {
  const Model model = random_model();
  Context context(1);
  const std::vector<Ids> outside{{5, 20}}, empty{{}};
  const SearchOptions options{.bos = bos, .eos = eos, .max_tokens = 12};
  CHECK_THROWS_AS(translate_greedily(context, model, outside, options), ShapeError);
  CHECK_THROWS_AS(translate_greedily(context, model, empty, options), ShapeError);
  CHECK_THROWS_AS(translate_greedily(context, model, sentences, SearchOptions{.bos = bos, .eos = eos, .max_tokens = 33}), OptionError);
  CHECK(translate_greedily(context, model, {}, options).empty());
  CHECK(translate(context, model, {}, beams(2, 1)).empty());
}

}  // namespace
