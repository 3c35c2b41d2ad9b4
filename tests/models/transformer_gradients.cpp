// Whole blocks and whole Transformers against finite differences: both places of the norm, dropout on, biases
// everywhere; and the same bits of a training step for any number of threads.
#include "support/catch.hpp"
#include "support/isas.hpp"
#include "support/trainable.hpp"
#include "tfm/models/transformer.hpp"

using namespace tfm;
using tfm_test::check_gradient;
using tfm_test::GradientsOf;
using tfm_test::random_matrix;

namespace {

struct Toy : TransformerShape {
  static constexpr Index source_vocab = 11, target_vocab = 13, dim = 8, layers = 2, heads = 2, ffn = 12, context = 20;
  static constexpr float dropout = 0.2f, norm_eps = 1e-2f;
  static constexpr bool attention_bias = true;
};
struct PreNormToy : Toy {
  static constexpr Norm norm = Norm::pre;
};

// Keeps every hidden unit on its side of relu's corner, half of them on each: eight inputs of up to 2.9 and weights of
// up to a half make a sum whose deviation is 0.8. What that adds to the output is taken away again, so that the rest of
// it still matters.
void away_from_corners(auto& ffn) {
  F32 &first = ffn.dense1.bias, &second = ffn.dense2.bias;
  for (Index i = 0; i < first.cols(); ++i) first.values().data[i] = i % 2 == 0 ? 4.f : -4.f;
  for (Index o = 0; o < second.cols(); ++o)
    for (Index i = 0; i < first.cols(); i += 2) second.values().data[o] -= 4 * ffn.dense2.base.weight.view().row(o)[i];
}

// Rounding in the loss is the same whatever a gradient's size: gradient_tolerance, of gradients near 1, is an absolute
// one below that. Where the loss bends within a step, as it does for weights whose inputs are large, a step eight times
// smaller decides, with the eight times larger rounding: a wrong gradient is wrong at both.
template <class Loss>
void check_close(const std::string& what, MutableView parameter, View gradient, Loss loss, bool zero = false) {
  auto found = check_gradient(parameter, gradient, loss);
  double tolerance = tfm_test::gradient_tolerance * std::max(found.size, 1.0);
  if (found.largest >= tolerance) found = check_gradient(parameter, gradient, loss, 0x1p-8f), tolerance *= 8;
  INFO(what << "[" << found.at << "]: " << found.computed << ", by differences " << found.differences << ", of up to "
            << found.size);
  if (!zero) CHECK(found.size > 20 * tolerance);
  CHECK(found.largest < tolerance);
}

template <class Layer, class Loss>
void check_weights(Layer& layer, const GradientsOf& gradients, Loss loss) {
  visit_weights(layer, "", [&](const std::string& name, F32& weight, WeightRole) {
    // keys' biases move all scores of a query alike: their gradient is 0 up to rounding
    check_close(name, weight.values(), gradients[name], loss, name.find("W_k.bias") != name.npos);
  });
}

Context training_context(int threads) {
  Context context(threads);
  context.training = true;
  context.random = RandomKey{5}.with(1);
  return context;
}

const std::vector<Index> source_start{0, 3, 8}, target_start{0, 4, 6};
const std::vector<unsigned char> source_valid{1, 1, 0, 1, 1, 1, 1, 0};
const std::vector<std::int32_t> source_ids{1, 4, 0, 5, 10, 4, 1, 0}, target_ids{2, 7, 12, 7, 2, 1};
const PairBatch pairs{{.start = source_start, .valid = source_valid}, source_ids, {.start = target_start}, target_ids};

template <Norm norm>
void check_blocks() {
  const Index dim = Toy::dim;
  EncoderBlock<EveryLinear<F32>, norm> encoder{Toy{}};
  DecoderBlock<EveryLinear<F32>, norm> decoder{Toy{}};
  for (Index next = 0;
       Dropout* const dropout : {&encoder.attention.dropout, &encoder.addnorm1.dropout, &encoder.addnorm2.dropout})
    dropout->stream = next++;
  tfm_test::randomise(encoder, 7), tfm_test::randomise(decoder, 70);
  away_from_corners(encoder.ffn), away_from_corners(decoder.ffn);
  Context context = training_context(2);
  Buffer x = random_matrix(1, 8, dim), z(8, dim), dx(8, dim), memory = random_matrix(2, 8, dim),
         u = random_matrix(3, 6, dim), w(6, dim);
  Buffer du(6, dim), dmemory(8, dim);
  const Buffer dz = random_matrix(4, 8, dim), dw = random_matrix(5, 6, dim);
  {
    const GradientsOf gradients(encoder);
    typename EncoderBlock<EveryLinear<F32>, norm>::Saved saved;
    encoder.forward(context, pairs.source, x, z, &saved);
    encoder.backward(context, pairs.source, dz, saved, dx, gradients);
    const auto loss = [&] {
      copy(x, z);
      encoder.forward(context, pairs.source, z, z);  // in place
      return tfm_test::weighted_sum(z, dz);
    };
    check_close("encoder dx", x, dx, loss);
    check_weights(encoder, gradients, loss);
  }
  const GradientsOf gradients(decoder);
  typename DecoderBlock<EveryLinear<F32>, norm>::Saved saved;
  decoder.forward(context, pairs.target, pairs.source, u, memory, w, &saved);
  decoder.backward(context, pairs.target, pairs.source, dw, saved, du, dmemory, gradients);
  const auto loss = [&] {
    copy(u, w);
    decoder.forward(context, pairs.target, pairs.source, w, memory, w);
    return tfm_test::weighted_sum(w, dw);
  };
  check_close("decoder dx", u, du, loss);
  check_close("decoder dmemory", memory, dmemory, loss);
  check_weights(decoder, gradients, loss);
}

template <class Shape>
void check_model() {
  Transformer<Shape, EveryLinear<F32>> model;
  tfm_test::randomise(model, 7);
  for (auto& block : model.encoder.blks) away_from_corners(block.ffn);
  for (auto& block : model.decoder.blks) away_from_corners(block.ffn);
  const GradientsOf gradients(model);
  Context context = training_context(2);
  Buffer logits(6, Toy::target_vocab);
  const Buffer dlogits = random_matrix(2, 6, Toy::target_vocab);
  typename Transformer<Shape, EveryLinear<F32>>::Saved saved;
  model.forward(context, pairs, logits, &saved);
  model.backward(context, pairs, dlogits, saved, gradients);
  check_weights(model, gradients, [&] {
    model.forward(context, pairs, logits);
    return tfm_test::weighted_sum(logits, dlogits);
  });
}

}  // namespace

TEST_CASE("EncoderBlock and DecoderBlock: gradients of inputs, memory and every weight") {
  SECTION("post-norm") { check_blocks<Norm::post>(); }
  SECTION("pre-norm") { check_blocks<Norm::pre>(); }
}

TEST_CASE("Transformer: the gradient of every weight, dropout on") {
  SECTION("post-norm") { check_model<Toy>(); }
  SECTION("pre-norm") { check_model<PreNormToy>(); }
}

TEST_CASE(
    "a training step has the same bits for any number of threads and on every instruction set with a fused "
    "multiply-add") {
  constexpr Index sentences = 9;
  const DynamicTransformerShape shape{
      .source_vocab = 300, .target_vocab = 310, .dim = 48, .layers = 2, .heads = 3, .ffn = 200, .dropout = 0.1f};
  Transformer<DynamicTransformerShape, EveryLinear<F32>> model(shape);
  tfm_test::randomise(model, 7, 0.2f);
  const GradientsOf gradients(model);
  std::vector<Index> source{0}, target{0};
  std::vector<std::int32_t> from, to;
  for (Index s = 0; s < sentences; ++s) {
    source.push_back(source.back() + 1 + 11 * s % 70), target.push_back(target.back() + 1 + 17 * s % 80);
    while (static_cast<Index>(from.size()) < source.back())
      from.push_back(static_cast<std::int32_t>(from.size() * 7 % 300));
    while (static_cast<Index>(to.size()) < target.back()) to.push_back(static_cast<std::int32_t>(to.size() * 11 % 310));
  }
  const PairBatch batch{{.start = source}, from, {.start = target}, to};
  const Buffer dlogits = random_matrix(2, target.back(), shape.target_vocab);
  Buffer logits(target.back(), shape.target_vocab);
  std::uint64_t bits = 0;
  for (const Isa isa : tfm_test::isas()) {
    if (!has_fma(isa)) continue;
    for (const int threads : {1, 2, 3, 8}) {
      INFO(name(isa) << ", " << threads << " threads");
      Context context = training_context(threads);
      context.isa = isa;
      for (const MutableView g : static_cast<const Gradients&>(gradients).of) fill(g, 0);
      Transformer<DynamicTransformerShape, EveryLinear<F32>>::Saved saved;
      model.forward(context, batch, logits, &saved);
      model.backward(context, batch, dlogits, saved, gradients);
      const std::uint64_t now = tfm_test::hash(logits, gradients.hash());
      if (bits == 0) bits = now;
      REQUIRE(now == bits);
    }
  }
}
