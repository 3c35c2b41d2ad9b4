// AddNorm and LayerNorm against d2l's numbers, and their gradients against finite differences, both places of the norm.
#include "tfm/layers/add_norm.hpp"

#include "support/catch.hpp"
#include "support/data.hpp"
#include "support/trainable.hpp"

using namespace tfm;
using tfm_test::check_gradient;
using tfm_test::GradientsOf;
using tfm_test::random_matrix;
using tfm_test::require_right;

namespace {

// A sublayer that is a sum of its input's neighbours: both ways of its gradient are seen.
void shift(View in, MutableView out) {
  for (Index t = 0; t < in.rows; ++t)
    for (Index k = 0; k < in.cols; ++k) out.row(t)[k] = in.row(t)[k] - in.row(t)[(k + 1) % in.cols];
}
void shift_backward(View dout, MutableView din) {
  for (Index t = 0; t < dout.rows; ++t)
    for (Index k = 0; k < dout.cols; ++k)
      din.row(t)[k] += dout.row(t)[k], din.row(t)[(k + 1) % dout.cols] -= dout.row(t)[k];
}

template <Norm norm>
void check_differences() {
  constexpr Index dim = 21, tokens = 6;
  const std::vector<Index> start{0, 2, 6};
  const Batch batch{.start = start};
  AddNorm<norm> layer(dim, 0.25f, 1e-2f);
  tfm_test::randomise(layer, 7);
  const GradientsOf gradients(layer);
  Context context(2);
  context.training = true;
  Buffer x = random_matrix(1, tokens, dim), z(tokens, dim), out(tokens, dim), dout(tokens, dim), dx(tokens, dim);
  const Buffer dz = random_matrix(2, tokens, dim);
  const auto run = [&](typename AddNorm<norm>::Saved* saved) {
    shift(layer.before(context, x, saved), out);
    layer.after(context, batch, x, out, z, saved);
    return tfm_test::weighted_sum(z, dz);
  };
  typename AddNorm<norm>::Saved saved;
  run(&saved);
  layer.after_backward(context, batch, dz, saved, dx, dout, gradients);
  const MutableView din = layer.inner_gradient(context, dx);
  shift_backward(dout, din);
  layer.before_backward(context, din, saved, dx, gradients);
  const auto loss = [&] {
    const Arena::Frame frame(context.scratch);
    return run(nullptr);
  };
  require_right("dx", check_gradient(x, dx, loss));
  tfm_test::require_right_weights(layer, gradients, loss);
}

}  // namespace

TEST_CASE("AddNorm is d2l's, forward and backward") {
  const auto file = tfm_test::require(tfm_test::golden() / "transformer_layers.safetensors");
  if (!file) return;
  const tfm_test::Golden golden(*file);
  constexpr Index tokens = 40, dim = 32;
  AddNorm<> layer(dim);
  tfm_test::read_weights(layer, golden, "addnorm.");
  const GradientsOf gradients(layer);
  const std::vector<Index> start{0, 10, 20, 30, 40};
  const std::vector<float> x = golden.floats("addnorm.x"), dz = golden.floats("addnorm.dz");
  std::vector<float> y = golden.floats("addnorm.y");
  Buffer z(tokens, dim), dx(tokens, dim), dy(tokens, dim);
  Context context(2);
  AddNorm<>::Saved saved;
  layer.after(context, {.start = start}, {x.data(), tokens, dim}, {y.data(), tokens, dim}, z, &saved);
  tfm_test::require_golden(z, golden, "addnorm.z", 1e-5);
  layer.after_backward(context, {.start = start}, {dz.data(), tokens, dim}, saved, dx, dy, gradients);
  tfm_test::require_golden(dx, golden, "addnorm.dx", 1e-5);
  tfm_test::require_golden(dy, golden, "addnorm.dy", 1e-5);
  tfm_test::require_golden(gradients["ln.weight"], golden, "addnorm.grad.ln.weight", 1e-5);
  tfm_test::require_golden(gradients["ln.bias"], golden, "addnorm.grad.ln.bias", 1e-5);
}

TEST_CASE("AddNorm: gradients through the sum, dropout and the norm, after the sublayer or before it") {
  SECTION("post") { check_differences<Norm::post>(); }
  SECTION("pre") { check_differences<Norm::pre>(); }
}

TEST_CASE("LayerNorm: dx, dweight and dbias") {
  constexpr Index dim = 45, tokens = 4;
  LayerNorm layer(dim, 1e-2f);
  tfm_test::randomise(layer, 7);
  const GradientsOf gradients(layer);
  Context context(2);
  Buffer x = random_matrix(1, tokens, dim), y(tokens, dim), dx(tokens, dim);
  const Buffer dy = random_matrix(2, tokens, dim);
  LayerNorm::Saved saved;
  layer.forward(context, x, y, &saved);
  layer.backward(context, dy, saved, dx, gradients);
  const auto loss = [&] {
    layer.forward(context, x, y);
    return tfm_test::weighted_sum(y, dy);
  };
  require_right("dx", check_gradient(x, dx, loss));
  tfm_test::require_right_weights(layer, gradients, loss);

  layer.weight.parameter = layer.bias.parameter = -1;  // a frozen norm has no place among the gradients
  Buffer again(tokens, dim);
  layer.backward(context, dy, saved, again, Gradients{});
  REQUIRE(tfm_test::same_bits(dx, again));
}
