// What passes of the Transformer take of the arenas: known beforehand, and hardly less than what is reserved.
#include "tfm/models/transformer_memory.hpp"

#include "support/catch.hpp"
#include "support/trainable.hpp"
#include "tfm/models/transformer.hpp"

using namespace tfm;

namespace {

// Taken is at most, and at least 0.7 of, what is known beforehand, which counts room for quantised activations that
// float32 does not take; the arena never grew.
void check(const char* what, const Arena& arena, Index known) {
  INFO(what << ": took " << arena.peak() << " of " << known << ", has " << arena.capacity());
  CHECK(arena.peak() <= known);
  CHECK(arena.peak() >= known * 7 / 10);
  CHECK(arena.capacity() == known);
}

template <class Shape>
void check_passes(const Shape& shape, Index sentences, Index from, Index to, int threads) {
  Transformer<Shape, EveryLinear<F32>> model(shape);
  tfm_test::randomise(model, 7, 0.2f);
  const tfm_test::GradientsOf gradients(model);
  std::vector<Index> source{0}, target{0};
  for (Index s = 0; s < sentences; ++s)
    source.push_back(source.back() + from - s % 2), target.push_back(target.back() + to - s % 3);
  const std::vector<std::int32_t> source_ids(to_size(source.back()), 3), target_ids(to_size(target.back()), 5);
  const PairBatch pairs{{.start = source}, source_ids, {.start = target}, target_ids};
  const PassBytes<Shape> bytes(shape, {source.back(), target.back(), sentences, std::max(from, to), threads});
  Buffer logits(target.back(), shape.target_vocab);

  Context inference(threads), training(threads), backward(threads), decoding(threads);
  model.forward(inference, pairs, logits);
  check("forward", inference.scratch, bytes.forward());
  training.training = backward.training = true;
  typename Transformer<Shape, EveryLinear<F32>>::Saved saved;
  model.forward(training, pairs, logits, &saved);
  check("kept", training.kept, bytes.kept());
  CHECK(training.scratch.peak() <= bytes.forward());
  model.backward(backward, pairs, logits, saved, gradients);
  check("backward", backward.scratch, bytes.backward());
  TransformerState state = model.encode(training, pairs.source, source_ids);
  CHECK(training.scratch.peak() <= bytes.forward());
  const std::vector<std::int32_t> tokens(to_size(sentences), 1);
  Buffer next(sentences, shape.target_vocab);
  for (int i = 0; i < 3; ++i) model.step(decoding, tokens, state, next);
  check("step", decoding.scratch, bytes.step(sentences));
}

}  // namespace

TEST_CASE("passes of the Transformer reserve what they take") {
  const auto sizes = [](auto shape) {
    shape.source_vocab = 20, shape.target_vocab = 30, shape.dim = 96, shape.layers = 3, shape.heads = 4;
    shape.ffn = 250, shape.dropout = 0.1f, shape.attention_bias = true;
    return shape;
  };
  check_passes(sizes(DynamicTransformerShape{}), 40, 17, 30, 2);
  check_passes(sizes(DynamicTransformerShape{}), 3, 130, 20, 3);
  check_passes(sizes(DynamicPreNormTransformerShape{}), 40, 25, 20, 1);
}
