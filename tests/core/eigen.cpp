#include "tfm/core/eigen.hpp"

#include "support/catch.hpp"
#include "support/random.hpp"
#include "tfm/core/context.hpp"
#include "tfm/layers/linear.hpp"

TEST_CASE("Eigen reads and writes a view's floats where they are") {
  float numbers[7] = {0, 1, 2, 3, 4, 5, 6};
  const tfm::MutableView y{numbers + 1, 2, 3};  // begins at no boundary
  const tfm::View x = y;
  CHECK(tfm::eigen(x).rows() == 2);
  CHECK(tfm::eigen(x)(1, 0) == 4);
  tfm::eigen(y).row(1).array() *= 10;
  CHECK(numbers[4] == 40);
  CHECK(numbers[3] == 3);
  CHECK(tfm::eigen(x).data() == numbers + 1);
}

TEST_CASE("a layer's product and its gradients are those that Eigen computes") {
  constexpr tfm::Index tokens = 5, in = 19, out = 23;
  tfm::Context context;
  tfm::Linear<tfm::F32> layer{tfm::F32(out, in)};
  tfm::Buffer x = tfm_test::random_matrix(1, tokens, in), dy = tfm_test::random_matrix(2, tokens, out);
  tfm::Buffer y(tokens, out), dx(tokens, in), dw(out, in);
  tfm::copy(tfm_test::random_matrix(3, out, in), layer.weight.values());
  layer.weight.parameter = 0;
  const tfm::Index start[] = {0, tokens};
  tfm::Linear<tfm::F32>::Saved saved;
  layer.forward(context, tfm::Batch{start}, x, y, &saved);
  layer.backward(context, tfm::Batch{start}, dy, saved, dx, tfm::Gradients{{dw.view()}});
  const auto given = tfm::eigen(tfm::View(x)), gradient = tfm::eigen(tfm::View(dy)), weight = tfm::eigen(layer.weight.view());
  CHECK(tfm::eigen(tfm::View(y)).isApprox(given * weight.transpose(), 1e-6f));
  CHECK(tfm::eigen(tfm::View(dx)).isApprox(gradient * weight, 1e-6f));
  CHECK(tfm::eigen(tfm::View(dw)).isApprox(gradient.transpose() * given, 1e-6f));
  y.view().row(2)[3] += 0.01f;
  CHECK_FALSE(tfm::eigen(tfm::View(y)).isApprox(given * weight.transpose(), 1e-6f));
}
