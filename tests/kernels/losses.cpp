// Cross-entropy, plain gradient descent and sums of squares against their formulas in double precision, on every instruction set.
#include "tfm/kernels/losses.hpp"

#include <cmath>
#include <vector>

#include "support/catch.hpp"
#include "support/isas.hpp"
#include "support/random.hpp"
#include "tfm/kernels/optimizers.hpp"
#include "tfm/kernels/plain_norms.hpp"

using namespace tfm;
using tfm_test::random_matrix;

namespace {
double of(View v, Index r, Index c) { return static_cast<double>(v.row(r)[c]); }
}  // namespace

TEST_CASE("cross-entropy: value and gradient, with and without smoothing, in place or not") {
  for (const Index classes : {1, 2, 16, 37, 1000})
    for (const float smoothing : {0.f, 0.1f}) {
      const Index rows = 6;
      const Buffer x = random_matrix(1, rows, classes, 8);
      std::vector<std::int32_t> labels{0, static_cast<std::int32_t>(classes - 1), -1, static_cast<std::int32_t>(classes / 2), -100, 0};
      const float weight = 0.37f;
      std::uint64_t bits = 0;
      for (const Isa isa : tfm_test::isas()) {
        INFO(name(isa) << ", " << classes << " classes, smoothing " << smoothing);
        Context context(3);
        context.isa = isa;
        Buffer dx = random_matrix(2, rows, classes), same(rows, classes);
        copy(x, same);
        std::vector<kernels::RowLoss> losses(6), again(6);
        kernels::cross_entropy(context, x, labels.data(), weight, smoothing, dx, losses.data());
        kernels::cross_entropy(context, same, labels.data(), weight, smoothing, same, again.data());
        REQUIRE(tfm_test::same_bits(dx, same));
        std::vector<kernels::RowLoss> without(6);
        kernels::cross_entropy(context, x, labels.data(), weight, smoothing, {}, without.data());
        for (Index t = 0; t < rows; ++t) {
          const std::size_t at = to_size(t);
          REQUIRE(losses[at].nats == again[at].nats);
          REQUIRE(losses[at].nats == without[at].nats);
          if (labels[at] < 0) {
            REQUIRE(losses[at].nats == 0);
            for (Index k = 0; k < classes; ++k) REQUIRE(of(dx, t, k) == 0);
            continue;
          }
          double sum = 0, mean = 0;
          const double s = static_cast<double>(smoothing), n = static_cast<double>(classes);
          for (Index k = 0; k < classes; ++k) sum += std::exp(of(x, t, k));
          for (Index k = 0; k < classes; ++k) mean += (std::log(sum) - of(x, t, k)) / n;
          const double nats = std::log(sum) - of(x, t, labels[at]);
          REQUIRE(losses[at].nats == Approx(nats).margin(2e-6));
          REQUIRE(losses[at].smoothed == Approx((1 - s) * nats + s * mean).margin(2e-6));
          for (Index k = 0; k < classes; ++k) {
            const double target = (k == labels[at] ? 1 - s : 0) + s / n;
            REQUIRE(of(dx, t, k) == Approx(static_cast<double>(weight) * (std::exp(of(x, t, k)) / sum - target)).margin(2e-7));
          }
        }
        if (!has_fma(isa)) continue;
        std::uint64_t now = tfm_test::hash(dx);
        for (const auto& loss : losses) now = splitmix64(now ^ std::bit_cast<std::uint64_t>(loss.smoothed));
        if (bits == 0) bits = now;
        REQUIRE(now == bits);
      }
    }
}

TEST_CASE("a NaN among the logits is a NaN in the loss, and an impossible class is none") {
  for (const Isa isa : tfm_test::isas()) {
    INFO(name(isa));
    Context context(1);
    context.isa = isa;
    Buffer x = random_matrix(1, 3, 40);
    x.view().row(1)[17] = NAN;
    x.view().row(2)[17] = -INFINITY;
    const std::int32_t labels[] = {1, 2, 3};
    kernels::RowLoss losses[3];
    kernels::cross_entropy(context, x, labels, 1, 0, {}, losses);
    CHECK(std::isfinite(losses[0].nats));
    CHECK(std::isnan(losses[1].nats));
    CHECK(std::isfinite(losses[2].nats));
    x.view().row(0)[39] = INFINITY;
    kernels::cross_entropy(context, x, labels, 1, 0.1f, {}, losses);
    CHECK(std::isnan(losses[0].smoothed));
  }
}

TEST_CASE("gradient descent with momentum takes PyTorch's steps") {
  const Index n = 10007;
  const Buffer start = random_matrix(2, 1, n);
  for (const bool nesterov : {false, true}) {
    std::uint64_t bits = 0;
    for (const Isa isa : tfm_test::isas()) {
      INFO(name(isa));
      Context context(2);
      context.isa = isa;
      Buffer p(1, n), m(1, n);
      copy(start, p);
      std::vector<double> expected(to_size(n)), velocity(to_size(n));
      for (Index i = 0; i < n; ++i) expected[to_size(i)] = of(start, 0, i);
      for (std::uint64_t t = 0; t < 3; ++t) {
        const Buffer g = random_matrix(10 + t, 1, n);
        kernels::sgd(context, {0.1f, 0.9f, 0.01f, 0.5f, nesterov}, View(g).data, p.view().data, m.view().data, n);
        for (Index i = 0; i < n; ++i) {
          double &w = expected[to_size(i)], &v = velocity[to_size(i)];
          const double d = 0.5 * of(g, 0, i) + 0.01 * w;
          v = 0.9 * v + d;
          w -= 0.1 * (nesterov ? d + 0.9 * v : v);
        }
      }
      for (Index i = 0; i < n; ++i) REQUIRE(of(p, 0, i) == Approx(expected[to_size(i)]).margin(4e-7));
      if (!has_fma(isa)) continue;
      if (bits == 0) bits = tfm_test::hash(p);
      REQUIRE(tfm_test::hash(p) == bits);
    }
  }
}

TEST_CASE("a sum of squares has the bits of its plain loop for any number of threads") {
  for (const Index n : {1, 15, 4096, 4097, 3 * 4096 + 100, 1 << 20}) {
    const Buffer x = random_matrix(3, 1, n);
    double plain = 0, exact = 0;
    for (Index first = 0; first < n; first += 4096) {
      kernels::plain::SixteenSums sums;
      for (Index k = 0; k < std::min<Index>(4096, n - first); ++k) {
        const float v = View(x).data[first + k];
        sums.lane[k % 16] = std::fma(v, v, sums.lane[k % 16]);
        exact += static_cast<double>(v) * static_cast<double>(v);
      }
      plain += static_cast<double>(sums.total());
    }
    for (const Isa isa : tfm_test::isas())
      for (const int threads : {1, 2, 3}) {
        INFO(name(isa) << ", " << threads << " threads, " << n);
        Context context(threads);
        context.isa = isa;
        const double found = kernels::sum_of_squares(context, View(x).data, n);
        if (has_fma(isa)) REQUIRE(found == plain);
        REQUIRE(found == Approx(exact).epsilon(1e-5));
      }
  }
}
