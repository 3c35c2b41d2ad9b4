// Layer norm, ReLU, dropout, softmax and Adam against their formulas in double precision, with the same bits on every
// instruction set that has a fused multiply-add.
#include <cmath>

#include "support/catch.hpp"
#include "support/isas.hpp"
#include "support/random.hpp"
#include "tfm/kernels/elementwise.hpp"
#include "tfm/kernels/norms.hpp"
#include "tfm/kernels/optimizers.hpp"
#include "tfm/kernels/plain_elementwise.hpp"
#include "tfm/kernels/plain_norms.hpp"

using namespace tfm;
using tfm_test::random_matrix;

namespace {

// Runs `work` on every instruction set: those with a fused multiply-add agree in y's bits.
template <class Work>
void on_each(MutableView y, Work work) {
  std::uint64_t bits = 0;
  for (const Isa isa : tfm_test::isas()) {
    INFO(name(isa));
    Context context(2);
    context.isa = isa;
    work(context);
    if (!has_fma(isa)) continue;
    const std::uint64_t now = tfm_test::hash(y);
    if (bits == 0) bits = now;
    REQUIRE(now == bits);
  }
}
double of(View v, Index r, Index c) { return static_cast<double>(v.row(r)[c]); }

}  // namespace

TEST_CASE("layer norm and its gradient") {
  for (const Index cols : {1, 16, 37, 300}) {
    const Index rows = 5;
    const Buffer x = random_matrix(1, rows, cols), w = random_matrix(2, 1, cols), b = random_matrix(3, 1, cols), dy = random_matrix(4, rows, cols);
    const double eps = 1e-5;
    Buffer y(rows, cols), statistics(rows, 2), dx(rows, cols), dw(1, cols), db(1, cols);
    on_each(y, [&](Context& context) {
      kernels::layer_norm(context, x, View(w).data, View(b).data, static_cast<float>(eps), y, statistics.view().data);
      for (Index t = 0; t < rows; ++t) {
        double mean = 0, variance = 0;
        for (Index k = 0; k < cols; ++k) mean += of(x, t, k) / static_cast<double>(cols);
        for (Index k = 0; k < cols; ++k) variance += std::pow(of(x, t, k) - mean, 2) / static_cast<double>(cols);
        for (Index k = 0; k < cols; ++k)
          REQUIRE(of(y, t, k) == Approx((of(x, t, k) - mean) / std::sqrt(variance + eps) * of(w, 0, k) + of(b, 0, k)).margin(cols == 1 ? 1e-6 : 3e-6));
      }
    });
    on_each(dx, [&](Context& context) {
      for (const MutableView d : {dx.view(), dw.view(), db.view()}) fill(d, 0);
      kernels::layer_norm_backward(context, x, View(w).data, statistics.view().data, dy, dx, dw.view().data, db.view().data);
      for (Index t = 0; t < rows && cols > 1; ++t) {
        const double mean = of(statistics, t, 0), r = of(statistics, t, 1);
        double h = 0, hn = 0;
        for (Index k = 0; k < cols; ++k) {
          const double n = (of(x, t, k) - mean) * r, g = of(dy, t, k) * of(w, 0, k);
          h += g / static_cast<double>(cols), hn += g * n / static_cast<double>(cols);
        }
        for (Index k = 0; k < cols; ++k) {
          const double n = (of(x, t, k) - mean) * r;
          REQUIRE(of(dx, t, k) == Approx(r * (of(dy, t, k) * of(w, 0, k) - h - n * hn)).margin(5e-6));
        }
      }
      for (Index k = 0; k < cols; ++k) {
        double sum = 0, sum_n = 0;
        for (Index t = 0; t < rows; ++t) sum += of(dy, t, k), sum_n += of(dy, t, k) * (of(x, t, k) - of(statistics, t, 0)) * of(statistics, t, 1);
        REQUIRE(of(db, 0, k) == Approx(sum).margin(2e-6));
        REQUIRE(of(dw, 0, k) == Approx(sum_n).margin(5e-6));
      }
    });
  }
}

TEST_CASE("the gradients of layer norm, biases and embeddings equal their plain loops for any number of threads") {
  for (const auto& [rows, cols] : {std::pair<Index, Index>{1, 1}, {7, 16}, {65, 45}, {700, 530}}) {
    const Buffer x = random_matrix(1, rows, cols, 3), w = random_matrix(2, 1, cols), b = random_matrix(3, 1, cols), dy = random_matrix(4, rows, cols);
    Buffer statistics(rows, 2), unused(rows, cols), dx = random_matrix(5, rows, cols), dw = random_matrix(6, 1, cols), db = random_matrix(7, 1, cols);
    Buffer bias = random_matrix(8, 1, cols), active = random_matrix(9, rows, cols), table = random_matrix(10, 5, cols), sum = random_matrix(11, rows, cols);
    std::vector<std::int32_t> ids;
    std::vector<std::uint64_t> keys;
    for (Index t = 0; t < rows; ++t) ids.push_back(static_cast<std::int32_t>(t * t % 5)), keys.push_back(static_cast<std::uint64_t>(t / 2));
    Context plain_context(1);
    kernels::layer_norm(plain_context, x, View(w).data, View(b).data, 1e-5f, unused, statistics.view().data);
    kernels::plain::layer_norm_backward(x, View(w).data, statistics.view().data, dy, dx, dw.view().data, db.view().data);
    kernels::plain::add_bias_backward(dy, bias.view().data);
    kernels::plain::bias_relu(View(b).data, active);
    kernels::plain::gather_backward(0.3f, dy, ids.data(), table);
    kernels::plain::dropout_add(dy, keys.data(), 0.25f, sum);
    for (const int threads : {1, 2, 3, 8})
      for (const Isa isa : tfm_test::isas()) {
        INFO(rows << " x " << cols << " " << name(isa) << ", " << threads << " threads");
        Context context(threads);
        context.isa = isa;
        const auto require_equal = [&](View found, View expected) {
          if (has_fma(isa)) REQUIRE(tfm_test::same_bits(found, expected));
          else for (Index i = 0; i < found.size(); ++i) REQUIRE(found.data[i] == Approx(expected.data[i]).margin(1e-4));
        };
        Buffer dx2 = random_matrix(5, rows, cols), dw2 = random_matrix(6, 1, cols), db2 = random_matrix(7, 1, cols), frozen = random_matrix(5, rows, cols);
        kernels::layer_norm_backward(context, x, View(w).data, statistics.view().data, dy, dx2, dw2.view().data, db2.view().data);
        require_equal(dx2, dx);
        kernels::layer_norm_backward(context, x, View(w).data, statistics.view().data, dy, frozen, nullptr, nullptr);
        require_equal(frozen, dx2);
        Buffer bias2 = random_matrix(8, 1, cols), active2 = random_matrix(9, rows, cols), added = random_matrix(9, rows, cols), table2 = random_matrix(10, 5, cols);
        kernels::add_bias_backward(context, dy, bias2.view().data);
        require_equal(bias2, bias);
        kernels::bias_relu(context, View(b).data, active2);
        require_equal(active2, active);
        kernels::add_bias(context, View(b).data, added);
        kernels::relu(context, added, added);
        require_equal(added, active2);
        kernels::gather_backward(context, 0.3f, dy, ids.data(), table2);
        require_equal(table2, table);
        Buffer sum2 = random_matrix(11, rows, cols);
        kernels::dropout_add(context, dy, keys.data(), 0.25f, sum2);
        require_equal(sum2, sum);
        if (!has_fma(isa)) continue;
        REQUIRE(tfm_test::same_bits(dw2, dw));
        REQUIRE(tfm_test::same_bits(db2, db));
      }
  }
}

TEST_CASE("ReLU, dropout and softmax") {
  const Buffer x = random_matrix(1, 6, 45, 4), dy = random_matrix(2, 6, 45);
  Buffer y(6, 45), dx(6, 45), statistics(6, 2);
  on_each(y, [&](Context& context) {
    kernels::relu(context, x, y);
    for (Index i = 0; i < y.view().size(); ++i) REQUIRE(y.view().data[i] == std::max(x.view().data[i], 0.f));
  });
  on_each(dx, [&](Context& context) {
    copy(dy, dx);
    kernels::relu_backward(context, y, dx, dx);
    for (Index i = 0; i < y.view().size(); ++i) REQUIRE(dx.view().data[i] == (x.view().data[i] > 0 ? dy.view().data[i] : 0.f));
  });
  on_each(y, [&](Context& context) {
    const std::uint64_t keys[] = {1, 2, 3, 4, 5, 1};
    kernels::dropout(context, x, keys, 0.25f, y);
    Index dropped = 0;
    for (Index t = 0; t < 6; ++t)
      for (Index k = 0; k < 45; ++k) {
        const bool off = RandomKey{keys[t]}.uniform(static_cast<std::uint64_t>(k)) < 0.25f;
        dropped += off ? 1 : 0;
        REQUIRE(y.view().row(t)[k] == (off ? 0.f : x.view().row(t)[k] * (1.f / 0.75f)));
      }
    REQUIRE((dropped > 30 && dropped < 110));  // 270 x 0.25
  });
  on_each(y, [&](Context& context) {
    kernels::softmax(context, x, y, statistics.view().data);
    for (Index t = 0; t < 6; ++t) {
      double sum = 0, most = -1e9;
      for (Index k = 0; k < 45; ++k) most = std::max(most, of(x, t, k));
      for (Index k = 0; k < 45; ++k) sum += std::exp(of(x, t, k) - most);
      for (Index k = 0; k < 45; ++k) REQUIRE(of(y, t, k) == Approx(std::exp(of(x, t, k) - most) / sum).margin(3e-7));
      REQUIRE(of(statistics, t, 0) == most);
      REQUIRE(of(statistics, t, 1) == Approx(sum).epsilon(1e-6));
    }
  });
}

TEST_CASE("Adam and AdamW take the step of their papers") {
  const Index n = 10007;
  const Buffer g = random_matrix(1, 1, n), start = random_matrix(2, 1, n);
  Buffer p(1, n), m(1, n), v(1, n);
  on_each(p, [&](Context& context) {
    copy(start, p);
    fill(m, 0.01f), fill(v, 0.02f);
    const double lr = 0.01, b1 = 0.9, b2 = 0.999, eps = 1e-8, decay = 0.1, scale = 0.5;
    const int t = 3;
    const kernels::AdamStep step{0.9f, 0.999f, 1e-8f, static_cast<float>(lr / (1 - std::pow(b1, t))), static_cast<float>(std::sqrt(1 - std::pow(b2, t))),
                                 static_cast<float>(1 - lr * decay), static_cast<float>(scale)};
    kernels::adam(context, step, View(g).data, p.view().data, m.view().data, v.view().data, n);
    for (Index i = 0; i < n; ++i) {
      const double gradient = of(g, 0, i) * scale, first = b1 * 0.01 + (1 - b1) * gradient, second = b2 * 0.02 + (1 - b2) * gradient * gradient;
      const double expected = of(start, 0, i) * (1 - lr * decay) - lr * (first / (1 - std::pow(b1, t))) / (std::sqrt(second / (1 - std::pow(b2, t))) + eps);
      REQUIRE(of(p, 0, i) == Approx(expected).margin(3e-7));
      REQUIRE(of(m, 0, i) == Approx(first).margin(1e-7));
      REQUIRE(of(v, 0, i) == Approx(second).margin(1e-7));
    }
  });
}
