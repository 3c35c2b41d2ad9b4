#include "tfm/train/initialise.hpp"

#include "support/catch.hpp"
#include "support/random.hpp"
#include "tfm/layers/biased_linear.hpp"
#include "tfm/layers/layer_norm.hpp"

using namespace tfm;

namespace {
struct Model {
  BiasedLinear<Linear<F32>> first{60, 200}, second{60, 200};
  LayerNorm ln{200};
  void visit(auto&& f) { f("first", first), f("second", second), f("ln", ln); }
};
}  // namespace

TEST_CASE("Xavier's matrices are uniform within its bound, and vectors stay") {
  Model model;
  const Parameters parameters(model);
  initialise(parameters, XavierUniform{}, 5);
  const double bound = std::sqrt(6.0 / 260);
  double sum = 0, squares = 0, most = 0;
  const View w = model.first.base.weight.view();
  for (Index i = 0; i < w.size(); ++i) {
    const double x = static_cast<double>(w.data[i]);
    sum += x, squares += x * x, most = std::max(most, std::abs(x));
  }
  const double n = static_cast<double>(w.size());
  CHECK(most <= bound);
  CHECK(most > 0.999 * bound);
  CHECK(std::abs(sum / n) < 4 * bound / std::sqrt(3 * n));
  CHECK(squares / n == Approx(bound * bound / 3).epsilon(0.05));  // five deviations of such a mean
  for (Index i = 0; i < 200; ++i) {
    REQUIRE(model.first.bias.view().data[i] == 0);
    REQUIRE(model.ln.weight.view().data[i] == 1);
  }
  CHECK_FALSE(tfm_test::same_bits(w, model.second.base.weight.view()));
  Model again;
  initialise(Parameters(again), XavierUniform{}, 5);
  CHECK(tfm_test::same_bits(w, again.first.base.weight.view()));
  initialise(Parameters(again), XavierUniform{}, 6);
  CHECK_FALSE(tfm_test::same_bits(w, again.first.base.weight.view()));
}

TEST_CASE("normal numbers have the normal distribution, and the same bits everywhere") {
  const int n = 100'000;
  double moments[5] = {};
  int below[4] = {};
  for (int i = 0; i < n; ++i) {
    const double x = static_cast<double>(standard_normal(RandomKey{1}, static_cast<std::uint64_t>(i)));
    for (int k = 1; k < 5; ++k) moments[k] += std::pow(x, k) / n;
    for (int k = 0; k < 4; ++k) below[k] += x < k - 1.5 ? 1 : 0;
  }
  const double expected[] = {0, 0, 1, 0, 3}, deviation[] = {0, 1, 1.42, 3.88, 9.8};  // of x^k: sqrt(E x^2k - (E x^k)²)
  for (int k = 1; k < 5; ++k) CHECK(std::abs(moments[k] - expected[k]) < 5 * deviation[k] / std::sqrt(n));
  const double part[] = {0.0668072, 0.3085375, 0.6914625, 0.9331928};  // Φ(-1.5), Φ(-0.5), Φ(0.5), Φ(1.5)
  for (int k = 0; k < 4; ++k) CHECK(std::abs(below[k] - n * part[k]) < 5 * std::sqrt(n * part[k] * (1 - part[k])));

  Model model;
  initialise(Parameters(model), Normal{0.02f}, 7);
  CHECK(model.first.base.weight.view().data[0] == 0.02f * standard_normal(RandomKey{7}.with(0), 0));
  CHECK(tfm_test::hash(model.first.base.weight.view()) == 0x3bbc0ebd8a1cfa9cu);  // on every machine
}
