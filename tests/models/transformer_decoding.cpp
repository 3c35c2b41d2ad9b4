// Translating: hypotheses that are forked, dropped and reordered; packed weights; names; what is refused.
#include "support/catch.hpp"
#include "support/error_of.hpp"
#include "support/trainable.hpp"
#include "tfm/models/pack_transformer.hpp"

using namespace tfm;
using tfm_test::error_of;

namespace {

struct Toy : TransformerShape {
  static constexpr Index source_vocab = 50, target_vocab = 60, dim = 32, layers = 2, heads = 2, ffn = 64, context = 100;
};
using Model = Transformer<Toy, EveryLinear<F32>>;

Model toy() {
  Model model;
  tfm_test::randomise(model, 7, 0.4f);
  return model;
}

const std::vector<Index> source_start{0, 5, 7, 20};
const std::vector<std::int32_t> source_ids{3, 4, 5, 6, 7, 8, 9, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13};
const Batch source{.start = source_start};

// The last logits of a translation given all its tokens, computed without a cache.
Buffer uncached(const Model& model, Context& context, Index sentence, const std::vector<std::int32_t>& tokens) {
  const Index first = source.first(sentence), n = source.length(sentence);
  const std::vector<Index> from{0, n}, to{0, static_cast<Index>(tokens.size())};
  Buffer logits(to.back(), Toy::target_vocab), last(1, Toy::target_vocab);
  model.forward(context,
                {{.start = from}, std::span(source_ids).subspan(to_size(first), to_size(n)), {.start = to}, tokens},
                logits);
  copy(logits.view().slice(to.back() - 1, 1), last);
  return last;
}

}  // namespace

TEST_CASE("hypotheses are forked, dropped and reordered, and each continues as if it were alone") {
  const Model model = toy();
  Context context(2);
  TransformerState state = model.encode(context, source, source_ids, {.tokens = 90, .beams = 3});
  REQUIRE((state.hypotheses() == 3 && state.capacity() == 9 && state.sentences() == 3));
  std::vector<std::vector<std::int32_t>> given(3);
  std::vector<Index> sentence{0, 1, 2};
  const RandomKey random{9};
  for (std::uint64_t step = 0; step < 85; ++step) {
    const Index n = state.hypotheses();
    std::vector<std::int32_t> tokens;
    for (Index h = 0; h < n; ++h) {
      tokens.push_back(static_cast<std::int32_t>(random.with(step).bits(static_cast<std::uint64_t>(h)) % 60));
      given[to_size(h)].push_back(tokens.back());
    }
    Buffer logits(n, Toy::target_vocab);
    model.step(context, tokens, state, logits);
    for (Index h = 0; h < n; ++h) {
      INFO("step " << step << ", hypothesis " << h);
      REQUIRE(state.sentence(h) == sentence[to_size(h)]);
      REQUIRE(state.length(h) == static_cast<Index>(step) + 1);
      REQUIRE(tfm_test::same_bits(logits.view().slice(h, 1),
                                  uncached(model, context, sentence[to_size(h)], given[to_size(h)])));
    }
    std::vector<Index> parents;  // one to nine, in any order, some twice, some dropped
    for (std::uint64_t i = 0; i < 1 + random.with(step).bits(100) % 9; ++i)
      parents.push_back(static_cast<Index>(random.with(step).bits(200 + i) % static_cast<std::uint64_t>(n)));
    state.reorder(parents);
    std::vector<std::vector<std::int32_t>> next;
    std::vector<Index> next_sentence;
    for (const Index parent : parents)
      next.push_back(given[to_size(parent)]), next_sentence.push_back(sentence[to_size(parent)]);
    given = next, sentence = next_sentence;
  }
  const std::vector<Index> wrong{state.hypotheses()}, many(10, 0);
  REQUIRE_THROWS_AS(state.reorder(wrong), ShapeError);
  REQUIRE(error_of<ShapeError>([&] { state.reorder(many); }) ==
          "tfm: the state has room for 9 hypotheses, found 10 parents");
}

TEST_CASE("attention weights of a step are the last rows of the whole translation's") {
  const Model model = toy();
  Context context(2);
  TransformerState state = model.encode(context, source, source_ids);
  std::vector<std::int32_t> tokens{1, 2, 3}, all;
  std::vector<std::vector<float>> last(12);
  Buffer logits(3, Toy::target_vocab), plain(3, Toy::target_vocab);
  const auto keep = [&last](std::size_t from) {
    return [&last, from](const AttentionWeights& w) {
      auto& to = last[from + to_size(w.layer * 3 + w.sequence)];
      to.clear();
      for (Index h = 0; h < w.heads; ++h)
        to.insert(to.end(), w.head(h).row(w.tokens - 1), w.head(h).row(w.tokens - 1) + w.keys);
    };
  };
  const TransformerWatch watch{{}, keep(0), keep(6)};
  for (int step = 0; step < 3; ++step) model.step(context, tokens, state, logits, step == 2 ? &watch : nullptr);
  const auto of_step = last;
  for (const std::int32_t token : tokens) all.insert(all.end(), 3, token);
  const std::vector<Index> start{0, 3, 6, 9};
  Buffer together(9, Toy::target_vocab);
  model.forward(context, {source, source_ids, {.start = start}, all}, together, nullptr, &watch);
  for (std::size_t i = 0; i < last.size(); ++i) {
    REQUIRE(last[i].size() > 0);
    REQUIRE(last[i] == of_step[i]);
  }
}

TEST_CASE("a packed Transformer computes what plain floats of the same values do") {
  const Model model = toy();
  Context context(2);
  context.arithmetic = Arithmetic::exact;
  const auto int8 = pack_transformer<EveryLinear<Int8>>(context, model);
  const auto exact = pack_transformer<EveryLinear<FrozenF32>>(context, model);
  Model dequantised;  // the same numbers as int8, as floats
  std::map<std::string, const Int8*> packed;
  visit_weights(int8, "", [&](const std::string& name, const auto& weight, WeightRole) {
    if constexpr (std::is_same_v<decltype(weight), const Int8&>) packed[name] = &weight;
  });
  REQUIRE(packed.size() == 2 * 4 + 2 * 8 + 4 * 2 + 3);
  visit_weights(model, "", [&](const std::string& name, const F32& weight, WeightRole) {
    visit_weights(dequantised, "", [&](const std::string& other, F32& to, WeightRole) {
      if (other != name) return;
      if (packed.count(name) == 0) copy(weight.view(), to.values());
      else
        for (Index r = 0; r < to.rows(); ++r) row(*packed.at(name), r, to.values().row(r));
    });
  });
  const std::vector<Index> start{0, 4, 9, 10};
  const std::vector<std::int32_t> ids{1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
  const PairBatch pairs{source, source_ids, {.start = start}, ids};
  Buffer found(10, Toy::target_vocab), expected(10, Toy::target_vocab), of_floats(10, Toy::target_vocab),
      fast(10, Toy::target_vocab);
  int8.forward(context, pairs, found);
  dequantised.forward(context, pairs, expected);
  model.forward(context, pairs, of_floats);
  exact.forward(context, pairs, fast);
  REQUIRE(tfm_test::same_bits(of_floats, fast));
  double size = 0, difference = 0, quantising = 0;
  const auto most = [](double& to, float a, float b) {
    to = std::max(to, std::abs(static_cast<double>(a) - static_cast<double>(b)));
  };
  for (Index i = 0; i < 10 * Toy::target_vocab; ++i) {
    most(size, expected.view().data[i], 0), most(difference, expected.view().data[i], found.view().data[i]);
    most(quantising, expected.view().data[i], of_floats.view().data[i]);
  }
  INFO("logits up to " << size << ", packed off by " << difference << ", quantising costs " << quantising);
  // The scale is applied once a sum instead of once a weight: a few roundings of 2^-24 in each of some twenty products
  // in a row.
  REQUIRE(difference < 1e-5 * size);
  REQUIRE(quantising > 10 * difference);  // it is the packed numbers that were used
  context.arithmetic = Arithmetic::fast;
  int8.forward(context, pairs, fast);
  double activations = 0;
  for (Index i = 0; i < 10 * Toy::target_vocab; ++i) most(activations, expected.view().data[i], fast.view().data[i]);
  INFO("int8 activations cost " << activations);
  REQUIRE((activations > 0 && activations < 0.1 * size));

  // Decoding steps of the packed model are its forward pass.
  TransformerState state = int8.encode(context, source, source_ids);
  Buffer step(3, Toy::target_vocab);
  const std::vector<std::int32_t> first{1, 5, 10};
  int8.step(context, first, state, step);
  REQUIRE(tfm_test::same_bits(step.view().slice(0, 1), fast.view().slice(0, 1)));
  REQUIRE(tfm_test::same_bits(step.view().slice(2, 1), fast.view().slice(9, 1)));
}

TEST_CASE("weights have d2l's names; dropouts have numbers of their own") {
  Model model;
  std::vector<std::string> names;
  visit_weights(model, "", [&](const std::string& name, const F32&, WeightRole) { names.push_back(name); });
  REQUIRE(names.size() == 2 + 2 * 12 + 2 * 18 + 2);
  REQUIRE(names.front() == "encoder.embedding.weight");
  REQUIRE(names[1] == "encoder.blks.0.attention.W_q.weight");
  REQUIRE(names.back() == "decoder.dense.bias");
  REQUIRE(model.encoder.pos_encoding.dropout.stream == 0);
  REQUIRE(model.encoder.blks[1].attention.dropout.stream == 4);
  REQUIRE(model.decoder.pos_encoding.dropout.stream == 7);
  REQUIRE(model.decoder.blks[1].addnorm3.dropout.stream == 17);
}

TEST_CASE("batches that do not fit are refused in words, and nothing is computed") {
  const Model model = toy();
  Context context(1);
  Buffer logits(3, Toy::target_vocab);
  const std::vector<Index> one{0, 3}, two{0, 1, 3}, empty{0, 3, 3}, position{1};
  const std::vector<std::int32_t> ids{1, 2, 3}, wrong{1, 60, 3}, long_ids(101, 1);
  const std::vector<unsigned char> holes{1, 0, 1}, nothing{0, 0, 0};
  const std::vector<Index> too_long{0, 101};
  const auto error = [&](const PairBatch& pairs) {
    return error_of<ShapeError>([&] { model.forward(context, pairs, logits); });
  };
  CHECK(error({{.start = one}, ids, {.start = two}, ids}) == "tfm: a batch of pairs has 1 sources and 2 targets");
  CHECK(error({{.start = one}, ids, {.start = one}, wrong}) ==
        "tfm: the target batch has id 60 at token 1, outside the vocabulary of 60");
  CHECK(error({{.start = empty}, ids, {.start = two}, ids}) ==
        "tfm: the source batch has 0 tokens in sequence 1, at least 1 expected");
  CHECK(error({{.start = one, .position = position}, ids, {.start = one}, ids}) ==
        "tfm: the source batch begins at position 1 in sequence 0, expected 0");
  CHECK(error({{.start = one, .valid = holes}, ids, {.start = one}, ids}) ==
        "tfm: the source batch has padding before token 2 of sequence 0: padding goes to the end");
  CHECK(error({{.start = two}, ids, {.start = two}, std::span(ids).first(2)}) ==
        "tfm: the target batch has 3 tokens, found 2 ids");
  Buffer small(2, Toy::target_vocab);
  CHECK(error_of<ShapeError>([&] {
          model.forward(context, {{.start = one}, ids, {.start = one}, ids}, small);
        }) == "tfm: logits are [3, 60], found [2, 60]");
  CHECK(error_of<ContextFull>([&] { model.encode(context, {.start = too_long}, long_ids); }) ==
        "tfm: the source batch has 101 tokens in sequence 0, the model's context is 100");
  CHECK(error_of<ShapeError>([&] { model.encode(context, {.start = one, .valid = nothing}, ids); }) ==
        "tfm: sentence 0 is padding alone, at least 1 token expected");
  CHECK(error_of<OptionError>([&] { model.encode(context, {.start = one}, ids, {.beams = 0}); }) ==
        "tfm: decoding needs at least 1 beam and at most 100 tokens, found 0 and 0");
  TransformerState state = model.encode(context, {.start = one}, ids, {.tokens = 1});
  Buffer row(1, Toy::target_vocab);
  CHECK_THROWS_AS(model.step(context, wrong, state, row), ShapeError);
  CHECK_THROWS_AS(model.step(context, std::span(wrong).subspan(1, 1), state, row), ShapeError);
  REQUIRE(state.length(0) == 0);
  model.step(context, std::span(ids).first(1), state, row);
  CHECK(error_of<ContextFull>([&] { model.step(context, std::span(ids).first(1), state, row); }) ==
        "tfm: hypothesis 0 has 1 tokens, which is all there is room for");
  CHECK(error_of<ShapeError>([] {
          Transformer<DynamicTransformerShape, EveryLinear<F32>>(
              {.source_vocab = 1, .target_vocab = 1, .dim = 10, .layers = 1, .heads = 4, .ffn = 1});
        }) == "tfm: impossible shape: dim must be a multiple of heads");
}

TEST_CASE("a stopped pass throws, and a state is as it was") {
  const Model model = toy();
  Context context(2);
  TransformerState state = model.encode(context, source, source_ids);
  StopSource stop;
  context.stop = stop.token();
  stop.request_stop();
  Buffer logits(3, Toy::target_vocab);
  const std::vector<std::int32_t> tokens{1, 2, 3};
  REQUIRE_THROWS_AS(model.step(context, tokens, state, logits), Stopped);
  REQUIRE(state.length(0) == 0);
  REQUIRE_THROWS_AS(model.encode(context, source, source_ids), Stopped);
}

TEST_CASE("what a watcher throws leaves a state as it was") {
  struct Enough {};
  const Model model = toy();
  Context context(2);
  TransformerState state = model.encode(context, source, source_ids), undisturbed = model.encode(context, source, source_ids);
  Buffer logits(3, Toy::target_vocab), expected(3, Toy::target_vocab);
  const std::vector<std::int32_t> first{1, 2, 3}, second{3, 1, 2};
  const auto throws = [](const AttentionWeights&) { throw Enough(); };
  model.step(context, first, state, logits);
  TransformerWatch self, cross;
  self.decoder_self = cross.decoder_cross = throws;
  for (const TransformerWatch* watch : {&self, &cross}) REQUIRE_THROWS_AS(model.step(context, second, state, logits, watch), Enough);
  REQUIRE(state.length(0) == 1);
  model.step(context, second, state, logits);
  model.step(context, first, undisturbed, expected);
  model.step(context, second, undisturbed, expected);
  CHECK(tfm_test::same_bits(logits, expected));
}
