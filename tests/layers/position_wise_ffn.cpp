// The feed-forward layer and biased projections against d2l's numbers, and their gradients against finite differences.
#include "tfm/layers/position_wise_ffn.hpp"

#include "support/catch.hpp"
#include "support/data.hpp"
#include "support/trainable.hpp"
#include "tfm/models/projections.hpp"

using namespace tfm;
using tfm_test::check_gradient;
using tfm_test::GradientsOf;
using tfm_test::random_matrix;
using tfm_test::require_right;

namespace {

using Ffn = PositionWiseFFN<EveryLinear<F32>>;

}  // namespace

TEST_CASE("PositionWiseFFN is d2l's, forward and backward") {
  const auto file = tfm_test::require(tfm_test::golden() / "transformer_layers.safetensors");
  if (!file) return;
  const tfm_test::Golden golden(*file);
  constexpr Index tokens = 40, dim = 32;
  Ffn layer(dim, 64, dim);
  tfm_test::read_weights(layer, golden, "ffn.");
  const GradientsOf gradients(layer);
  const std::vector<Index> start{0, tokens};
  const std::vector<float> x = golden.floats("ffn.x"), dz = golden.floats("ffn.dz");
  Buffer z(tokens, dim), again(tokens, dim), dx(tokens, dim);
  Context context(2);
  Ffn::Saved saved;
  layer.forward(context, {.start = start}, {x.data(), tokens, dim}, z, &saved);
  tfm_test::require_golden(z, golden, "ffn.z", 1e-5);
  layer.forward(context, {.start = start}, {x.data(), tokens, dim}, again);
  REQUIRE(tfm_test::same_bits(z, again));
  layer.backward(context, {.start = start}, {dz.data(), tokens, dim}, saved, dx, gradients);
  tfm_test::require_golden(dx, golden, "ffn.dx", 1e-5);
  for (const auto& [name, number] : gradients.names())
    tfm_test::require_golden(gradients[name], golden, "ffn.grad." + name, 1e-5);
}

TEST_CASE("PositionWiseFFN: dx and the gradients of weights and biases") {
  constexpr Index in = 11, hidden = 24, out = 9, tokens = 5;
  Ffn layer(in, hidden, out);
  tfm_test::randomise(layer, 7, 0.25f);
  // Every unit stays on its side of relu's corner, half of them on each: |W x| < 11 / 4 + 1 / 4 + what the differences
  // move.
  for (Index i = 0; i < hidden; ++i) layer.dense1.bias.values().data[i] = i % 2 == 0 ? 3.5f : -3.5f;
  const GradientsOf gradients(layer);
  const std::vector<Index> start{0, tokens};
  Context context(2);
  Buffer x = random_matrix(1, tokens, in), y(tokens, out), dx(tokens, in);
  const Buffer dy = random_matrix(2, tokens, out);
  Ffn::Saved saved;
  layer.forward(context, {.start = start}, x, y, &saved);
  layer.backward(context, {.start = start}, dy, saved, dx, gradients);
  const auto loss = [&] {
    layer.forward(context, {.start = start}, x, y);
    return tfm_test::weighted_sum(y, dy);
  };
  require_right("dx", check_gradient(x, dx, loss));
  tfm_test::require_right_weights(layer, gradients, loss);
}

TEST_CASE("BiasedLinear: the projection, then the bias; without one it is the projection") {
  constexpr Index in = 13, out = 21, tokens = 6;
  const std::vector<Index> start{0, tokens};
  const Batch batch{.start = start};
  BiasedLinear<Linear<F32>> layer(in, out), bare(in, out, false);
  tfm_test::randomise(layer, 7);
  copy(layer.base.weight.view(), bare.base.weight.values());
  const GradientsOf gradients(layer), bare_gradients(bare);
  REQUIRE(gradients.names().size() == 2);
  REQUIRE(bare_gradients.names().size() == 1);
  Context context(2);
  Buffer x = random_matrix(1, tokens, in), y(tokens, out), dx(tokens, in), plain(tokens, out), together(tokens, out);
  const Buffer dy = random_matrix(2, tokens, out);
  BiasedLinear<Linear<F32>>::Saved saved;
  layer.forward(context, batch, x, y, &saved);
  layer.backward(context, batch, dy, saved, dx, gradients);
  const auto loss = [&] {
    layer.forward(context, batch, x, y);
    return tfm_test::weighted_sum(y, dy);
  };
  require_right("dx", check_gradient(x, dx, loss));
  tfm_test::require_right_weights(layer, gradients, loss);
  layer.forward(context, batch, x, y);
  bare.forward(context, batch, x, plain);
  forward_together(context, batch, x, Output{layer, together});
  for (Index t = 0; t < tokens; ++t)
    for (Index k = 0; k < out; ++k) REQUIRE(y.view().row(t)[k] == plain.view().row(t)[k] + layer.bias.view().data[k]);
  REQUIRE(tfm_test::same_bits(together, y));
}
