// The Transformer against d2l's numbers: memory, attention weights, logits, every gradient, greedy decoding with and
// without a cache.
#include "tfm/models/transformer.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>

#include "support/catch.hpp"
#include "support/data.hpp"
#include "support/isas.hpp"
#include "support/trainable.hpp"

using namespace tfm;
using tfm_test::Golden;
using tfm_test::require_golden;

namespace {

// Ten times the differences of golden/README.md, "How close is close".
constexpr double forward_tolerance = 1e-5, gradient_tolerance = 3e-6;

constexpr DynamicTransformerShape shape{
    .source_vocab = 200, .target_vocab = 210, .dim = 32, .layers = 2, .heads = 4, .ffn = 64};
using Model = Transformer<DynamicTransformerShape, EveryLinear<F32>>;
constexpr Index sequences = 4, steps = 10;

// The golden's sentences as they are, padded, or without their padding.
struct Sentences {
  std::vector<std::int32_t> source, target, labels;
  std::vector<Index> source_start{0}, target_start{0}, source_lens, target_lens;
  std::vector<unsigned char> source_valid, target_valid;

  Sentences(const Golden& golden, bool padded) {
    const auto src = golden.int32s("src"), tgt = golden.int32s("tgt_in"), label = golden.int32s("labels");
    const auto src_lens = golden.int64s("src_lens"), tgt_lens = golden.int64s("tgt_lens");
    for (std::size_t s = 0; s < to_size(sequences); ++s) {
      source_lens.push_back(static_cast<Index>(src_lens[s])), target_lens.push_back(static_cast<Index>(tgt_lens[s]));
      for (std::size_t t = 0; t < to_size(steps); ++t) {
        const std::size_t i = s * to_size(steps) + t;
        const bool in_source = static_cast<Index>(t) < source_lens[s],
                   in_target = static_cast<Index>(t) < target_lens[s];
        if (padded || in_source) source.push_back(src[i]), source_valid.push_back(in_source);
        if (padded || in_target)
          target.push_back(tgt[i]), labels.push_back(label[i]), target_valid.push_back(in_target);
      }
      source_start.push_back(static_cast<Index>(source.size())),
          target_start.push_back(static_cast<Index>(target.size()));
    }
  }
  PairBatch pairs() const {
    return {
        {.start = source_start, .valid = source_valid}, source, {.start = target_start, .valid = target_valid}, target};
  }
};

// The masked loss of make_transformer.py, and its gradient: the mean over all ten steps, the sum over the sequences.
double loss_and_gradient(View logits, const Sentences& sentences, MutableView dlogits) {
  double loss = 0;
  fill(dlogits, 0);
  for (Index t = 0; t < logits.rows; ++t) {
    if (sentences.target_valid[to_size(t)] == 0) continue;
    double most = -INFINITY, sum = 0;
    for (Index k = 0; k < logits.cols; ++k) most = std::max(most, static_cast<double>(logits.row(t)[k]));
    for (Index k = 0; k < logits.cols; ++k) sum += std::exp(static_cast<double>(logits.row(t)[k]) - most);
    const Index label = sentences.labels[to_size(t)];
    loss += (most + std::log(sum) - static_cast<double>(logits.row(t)[label])) / steps;
    for (Index k = 0; k < logits.cols; ++k)
      dlogits.row(t)[k] = static_cast<float>(
          (std::exp(static_cast<double>(logits.row(t)[k]) - most) / sum - (k == label ? 1 : 0)) / steps);
  }
  return loss;
}

struct Step {
  Buffer logits, dlogits;
  double loss;
  Step(const Model& model, Context& context, const Sentences& sentences, const Gradients& gradients)
      : logits(static_cast<Index>(sentences.target.size()), shape.target_vocab),
        dlogits(static_cast<Index>(sentences.target.size()), shape.target_vocab) {
    const Arena::Frame frame(context.kept);
    Model::Saved saved;
    model.forward(context, sentences.pairs(), logits, &saved);
    loss = loss_and_gradient(logits, sentences, dlogits);
    model.backward(context, sentences.pairs(), dlogits, saved, gradients);
  }
};

std::optional<Golden> open_golden() {
  const auto file = tfm_test::require(tfm_test::golden() / "transformer.safetensors");
  return file ? std::optional<Golden>(*file) : std::nullopt;
}
Model golden_model(const Golden& golden) {
  Model model(shape);
  tfm_test::read_weights(model, golden, "param.");
  return model;
}

}  // namespace

TEST_CASE("a padded batch gives d2l's memory, attention weights, logits, loss and every gradient") {
  const auto golden = open_golden();
  if (!golden) return;
  Model model = golden_model(*golden);
  const tfm_test::GradientsOf gradients(model);
  const Sentences sentences(*golden, true);
  for (const Isa isa : tfm_test::isas()) {
    INFO(name(isa));
    Context context(2);
    context.isa = isa;
    Buffer memory(sequences * steps, shape.dim), logits(sequences * steps, shape.target_vocab);
    model.encoder.forward(context, sentences.pairs().source, sentences.source, memory);
    require_golden(memory, *golden, "memory", forward_tolerance);

    std::map<std::string, std::vector<float>> weights;
    const auto collect = [&](const char* part) {
      return [&weights, part](const AttentionWeights& w) {
        auto& all = weights["weights." + std::to_string(w.layer) + "." + part];
        REQUIRE(static_cast<Index>(all.size()) == w.sequence * w.heads * w.tokens * w.keys);
        all.insert(all.end(), w.data, w.data + w.heads * w.tokens * w.keys);
      };
    };
    const TransformerWatch watch{collect("encoder"), collect("decoder_self"), collect("decoder_cross")};
    model.forward(context, sentences.pairs(), logits, nullptr, &watch);
    require_golden(logits, *golden, "logits", forward_tolerance);
    REQUIRE(weights.size() == 6);
    for (const auto& [name, values] : weights)
      require_golden({values.data(), 1, static_cast<Index>(values.size())}, *golden, name, forward_tolerance);

    for (const MutableView g : static_cast<const Gradients&>(gradients).of) fill(g, 0);
    const Step step(model, context, sentences, gradients);
    REQUIRE(tfm_test::same_bits(step.logits, logits));  // neither watching nor saving changes a bit
    REQUIRE(std::abs(step.loss - golden->values<double>("loss")[0]) < forward_tolerance);
    for (const auto& [name, number] : gradients.names())
      require_golden(gradients[name], *golden, "grad." + name, gradient_tolerance);
  }
}

TEST_CASE("a ragged batch gives the padded one's numbers at the valid positions") {
  const auto golden = open_golden();
  if (!golden) return;
  Model model = golden_model(*golden);
  const tfm_test::GradientsOf padded_gradients(model), gradients(model);
  const Sentences padded(*golden, true), ragged(*golden, false);
  Context context(2);
  const Step all(model, context, padded, padded_gradients), less(model, context, ragged, gradients);
  REQUIRE(View(less.logits).rows == 21);
  Index row = 0;
  for (Index t = 0; t < View(all.logits).rows; ++t)
    if (padded.target_valid[to_size(t)] != 0) {
      INFO("token " << t);
      REQUIRE(tfm_test::same_bits(all.logits.view().slice(t, 1), less.logits.view().slice(row++, 1)));
    }
  for (const auto& [name, number] : gradients.names()) {
    INFO(name);
    // padding adds nothing but zeros, of which some are negative
    REQUIRE(tfm_test::same_bits(gradients[name], padded_gradients[name]));
    require_golden(gradients[name], *golden, "grad." + name, gradient_tolerance);
  }
}

TEST_CASE("greedy decoding with a cache gives d2l's ids and logits, and the bits of decoding without one") {
  const auto golden = open_golden();
  if (!golden) return;
  const Model model = golden_model(*golden);
  const Sentences sentences(*golden, true);
  Context context(2);
  const Batch source{.start = sentences.source_start, .valid = sentences.source_valid};
  TransformerState state = model.encode(context, source, sentences.source, {.tokens = steps});
  REQUIRE(state.hypotheses() == sequences);
  std::vector<std::int32_t> tokens(to_size(sequences), 0), ids(to_size(sequences * steps));
  std::vector<std::vector<std::int32_t>> given(to_size(sequences));
  Buffer logits(sequences, shape.target_vocab), all(sequences * steps, shape.target_vocab);
  for (Index t = 0; t < steps; ++t) {
    model.step(context, tokens, state, logits);
    for (Index s = 0; s < sequences; ++s) {
      const float* const row = View(logits).row(s);
      copy(logits.view().slice(s, 1), all.view().slice(s * steps + t, 1));
      given[to_size(s)].push_back(tokens[to_size(s)]);
      ids[to_size(s * steps + t)] = tokens[to_size(s)] =
          static_cast<std::int32_t>(std::max_element(row, row + shape.target_vocab) - row);
    }
  }
  REQUIRE(ids == golden->int32s("greedy.ids"));
  require_golden(all, *golden, "greedy.logits", forward_tolerance);

  PairBatch pairs{source, sentences.source, {.start = sentences.source_start}, {}};  // all of ten steps
  std::vector<std::int32_t> together;
  for (const auto& one : given) together.insert(together.end(), one.begin(), one.end());
  pairs.target_ids = together;
  Buffer uncached(sequences * steps, shape.target_vocab);
  model.forward(context, pairs, uncached);
  REQUIRE(tfm_test::same_bits(uncached, all));
  tokens.assign(to_size(sequences), 0);
  REQUIRE_THROWS_AS(model.step(context, tokens, state, logits), ContextFull);
}
