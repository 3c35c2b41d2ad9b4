// Embeddings, positions and dropout: values, gradients, and what they depend on.
#include "tfm/layers/embedding.hpp"

#include "support/catch.hpp"
#include "support/data.hpp"
#include "support/trainable.hpp"
#include "tfm/layers/positional_encoding.hpp"
#include "tfm/numeric/pack.hpp"

using namespace tfm;
using tfm_test::GradientsOf;
using tfm_test::random_matrix;

TEST_CASE("PositionalEncoding has d2l's table") {
  const auto file = tfm_test::require(tfm_test::golden() / "transformer_layers.safetensors");
  if (!file) return;
  const PositionalEncoding layer(60, 32);
  // the angle is rounded: half a last place of 59 is 2e-6, and PyTorch's power may be one last place off
  tfm_test::require_golden(layer.table, tfm_test::Golden(*file), "positions", 5e-6);
}

TEST_CASE("Embedding: scaled rows of any format, and the gradient of ids that come twice") {
  constexpr Index vocab = 9, dim = 32;
  const std::vector<std::int32_t> ids{3, 8, 3, 0, 3};
  Embedding<F32> layer{F32(vocab, dim)};
  tfm_test::randomise(layer, 7);
  const GradientsOf gradients(layer);
  Context context(2);
  Buffer y(5, dim), packed_y(5, dim);
  layer.forward(context, ids, 3.f, y);
  for (Index t = 0; t < 5; ++t)
    for (Index k = 0; k < dim; ++k) REQUIRE(y.view().row(t)[k] == 3.f * layer.weight.view().row(ids[to_size(t)])[k]);
  const Buffer dy = random_matrix(2, 5, dim);
  layer.backward(context, ids, 3.f, dy, gradients);
  tfm_test::require_right_weights(layer, gradients, [&] {
    layer.forward(context, ids, 3.f, y);
    return tfm_test::weighted_sum(y, dy);
  });

  const Embedding<Int8> packed{
      Int8(pack(context, Format::int8,
                {Format::f32, reinterpret_cast<const std::byte*>(layer.weight.view().data), vocab, dim}, "w"))};
  packed.forward(context, ids, 3.f, packed_y);
  std::vector<float> expected(to_size(dim));
  for (Index t = 0; t < 5; ++t) {
    row(packed.weight, ids[to_size(t)], expected.data());
    for (Index k = 0; k < dim; ++k) REQUIRE(packed_y.view().row(t)[k] == 3.f * expected[to_size(k)]);
  }
  packed.backward(context, ids, 3.f, dy, Gradients{});  // frozen: nothing happens
}

TEST_CASE("PositionalEncoding: positions count from where a sequence stands; the gradient passes dropout's factors") {
  constexpr Index dim = 16;
  PositionalEncoding layer(20, dim, 0.25f);
  const std::vector<Index> start{0, 3, 5}, position{0, 7};
  const Batch batch{.start = start, .position = position};
  Context context(2);
  Buffer x = random_matrix(1, 5, dim), y(5, dim), dx(5, dim);
  copy(x, y);
  layer.forward(context, batch, y);
  for (Index t = 0; t < 5; ++t)
    for (Index k = 0; k < dim; ++k)
      REQUIRE(y.view().row(t)[k] == x.view().row(t)[k] + layer.table.view().row(t < 3 ? t : t + 4)[k]);
  context.training = true;
  const Buffer dy = random_matrix(2, 5, dim);
  layer.backward(context, batch, dy, dx);
  tfm_test::require_right("dx", tfm_test::check_gradient(x, dx, [&] {
                            copy(x, y);
                            layer.forward(context, batch, y);
                            return tfm_test::weighted_sum(y, dy);
                          }));
}

TEST_CASE("what Dropout drops depends on step, stream, sample, position and feature, and on nothing else") {
  constexpr Index dim = 64, tokens = 7;
  const std::vector<Index> start{0, 4, 7}, samples{12, 90}, other_samples{12, 91}, alone{0, 3}, position{1}, sample{90};
  const auto run = [&](const Dropout& layer, const Batch& batch, std::uint64_t step, int threads) {
    Context context(threads);
    context.training = true;
    context.random = RandomKey{3}.with(step);
    Buffer x(batch.tokens(), dim);
    fill(x, 1);
    layer.forward(context, batch, x);
    return x;
  };
  const Dropout layer{0.5f, 4}, other{0.5f, 5};
  const Batch batch{.start = start, .sample = samples};
  const Buffer x = run(layer, batch, 1, 1);
  Index dropped = 0;
  for (Index i = 0; i < tokens * dim; ++i) {
    REQUIRE((View(x).data[i] == 0.f || View(x).data[i] == 2.f));
    dropped += View(x).data[i] == 0.f ? 1 : 0;
  }
  REQUIRE((dropped > 160 && dropped < 290));  // 448 / 2
  REQUIRE(tfm_test::same_bits(x, run(layer, batch, 1, 3)));
  REQUIRE_FALSE(tfm_test::same_bits(x, run(layer, batch, 2, 1)));
  REQUIRE_FALSE(tfm_test::same_bits(x, run(other, batch, 1, 1)));
  const Buffer neighbour = run(layer, {.start = start, .sample = other_samples}, 1, 1);
  REQUIRE(tfm_test::same_bits(x.view().slice(0, 4), neighbour.view().slice(0, 4)));
  REQUIRE_FALSE(tfm_test::same_bits(x.view().slice(4, 3), neighbour.view().slice(4, 3)));
  const std::vector<Index> from_one{0, 2};
  const Buffer rest = run(layer, {.start = from_one, .position = position, .sample = sample}, 1, 1);
  REQUIRE(tfm_test::same_bits(x.view().slice(5, 2), rest));

  Context context(1);  // not training: nothing is dropped
  Buffer kept = random_matrix(1, tokens, dim);
  layer.forward(context, batch, kept);
  REQUIRE(tfm_test::same_bits(kept, random_matrix(1, tokens, dim)));
  Buffer sum(tokens, dim);
  layer.add(context, batch, kept, sum);
  REQUIRE(tfm_test::same_bits(kept, sum));
}
