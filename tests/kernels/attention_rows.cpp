// Attention over rows and its gradient against the formula in double precision.
#include "tfm/kernels/attention_rows.hpp"

#include <cmath>

#include "support/catch.hpp"
#include "support/isas.hpp"
#include "support/random.hpp"

using namespace tfm;
using tfm_test::random_matrix;

namespace {

struct Case {
  Index heads, kv_heads, head_dim, tokens, keys;
  std::vector<Index> visible;  // empty: causal
  float dropout;
  Index window = 0;
  float cap = 0;
};

// Everything of one case, computed plainly: P = softmax, O, and the gradients for dout.
struct Plain {
  std::vector<double> out, dq, dk, dv, weights;
};

Plain plain(const Case& c, View q, View k, View v, View dout, float scale, std::uint64_t key) {
  const Index group = c.heads / c.kv_heads;
  Plain p;
  p.out.assign(to_size(q.size()), 0), p.dq.assign(to_size(q.size()), 0);
  p.dk.assign(to_size(k.size()), 0), p.dv.assign(to_size(k.size()), 0);
  p.weights.assign(to_size(c.heads * c.tokens * c.keys), 0);
  for (Index h = 0; h < c.heads; ++h)
    for (Index t = 0; t < c.tokens; ++t) {
      const Index at = h / group * c.head_dim, limit = c.visible.empty() ? t + 1 : c.visible[to_size(t)];
      const Index seen = limit < 0 ? c.keys : limit;
      const Index first = c.window == 0 ? 0 : std::max<Index>(0, seen - c.window);
      const double factor = limit < 0 ? 0 : static_cast<double>(scale);
      std::vector<double> weight(to_size(c.keys), 0), mask(to_size(c.keys), 1), change(to_size(c.keys), 0);
      double sum = 0, inner = 0;
      std::vector<double> slope(to_size(c.keys), factor);
      for (Index j = first; j < seen; ++j) {
        double score = 0;
        for (Index d = 0; d < c.head_dim; ++d) score += static_cast<double>(q.row(t)[h * c.head_dim + d]) * static_cast<double>(k.row(j)[at + d]);
        score *= factor;
        if (const double cap = static_cast<double>(c.cap); cap != 0) {
          const double bent = std::tanh(score / cap);
          score = cap * bent, slope[to_size(j)] *= 1 - bent * bent;
        }
        sum += weight[to_size(j)] = std::exp(score);
        const RandomKey of = RandomKey{key}.with(static_cast<std::uint64_t>(h)).with(static_cast<std::uint64_t>(t));
        if (c.dropout > 0) mask[to_size(j)] = of.uniform(static_cast<std::uint64_t>(j)) < c.dropout ? 0 : 1 / (1 - static_cast<double>(c.dropout));
      }
      for (Index j = 0; j < seen; ++j) {
        const double w = weight[to_size(j)] /= sum;
        p.weights[to_size((h * c.tokens + t) * c.keys + j)] = w;
        for (Index d = 0; d < c.head_dim; ++d) {
          const double g = static_cast<double>(dout.row(t)[h * c.head_dim + d]);
          p.out[to_size(t * q.cols + h * c.head_dim + d)] += w * mask[to_size(j)] * static_cast<double>(v.row(j)[at + d]);
          p.dv[to_size(j * k.cols + at + d)] += w * mask[to_size(j)] * g;
          change[to_size(j)] += mask[to_size(j)] * g * static_cast<double>(v.row(j)[at + d]);
        }
        inner += w * change[to_size(j)];
      }
      for (Index j = 0; j < seen; ++j)
        for (Index d = 0; d < c.head_dim; ++d) {
          const double ds = weight[to_size(j)] * (change[to_size(j)] - inner) * slope[to_size(j)];
          p.dq[to_size(t * q.cols + h * c.head_dim + d)] += ds * static_cast<double>(k.row(j)[at + d]);
          p.dk[to_size(j * k.cols + at + d)] += ds * static_cast<double>(q.row(t)[h * c.head_dim + d]);
        }
    }
  return p;
}

void require_close(View found, const std::vector<double>& expected, double margin) {
  for (Index i = 0; i < found.size(); ++i) REQUIRE(std::abs(static_cast<double>(found.data[i]) - expected[to_size(i)]) <= margin);
}

}  // namespace

TEST_CASE("attention over rows and its gradient equal the formula, with the same bits everywhere") {
  std::vector<Index> by_query(70);
  for (Index t = 0; t < 70; ++t) by_query[to_size(t)] = t % 7 == 3 ? -1 : 1 + (t * 13) % 90;
  const Case cases[] = {{4, 4, 8, 5, 7, {3, 1, -1, 7, 2}, 0}, {6, 2, 20, 130, 130, {}, 0}, {2, 1, 16, 70, 90, by_query, 0.3f}, {1, 1, 64, 1, 1, {}, 0},
                        {4, 2, 10, 28, 28, {}, 0, 7, 2.f}, {2, 1, 16, 150, 150, {}, 0.2f, 70}, {2, 2, 8, 330, 330, {}, 0, 100}, {2, 2, 8, 90, 90, {}, 0, 0, 1.f}};
  for (const Case& c : cases) {
    const Index width = c.heads * c.head_dim, kv_width = c.kv_heads * c.head_dim;
    const Buffer q = random_matrix(1, c.tokens, width), k = random_matrix(2, c.keys, kv_width), v = random_matrix(3, c.keys, kv_width);
    const Buffer dout = random_matrix(4, c.tokens, width);
    const float scale = 1 / std::sqrt(static_cast<float>(c.head_dim));
    const Plain expected = plain(c, q, k, v, dout, scale, 99);
    std::uint64_t bits = 0;
    for (const int threads : {1, 3})
      for (const Isa isa : tfm_test::isas()) {
        INFO(c.heads << " heads, " << c.tokens << " queries, " << name(isa));
        Context context(threads);
        context.isa = isa;
        Buffer out(c.tokens, width), dq(c.tokens, width), dk(c.keys, kv_width), dv(c.keys, kv_width);
        std::vector<float> softmax(to_size(2 * c.heads * c.tokens)), weights(to_size(c.heads * c.tokens * c.keys));
        const kernels::RowsShape shape{c.heads, c.kv_heads, c.head_dim, scale, c.cap, c.window};
        const kernels::RowsSequence sequence[] = {{q, k, v, out, c.visible.empty() ? nullptr : c.visible.data(), softmax.data(), 99, c.dropout, weights.data()}};
        kernels::attention_rows(context, shape, sequence);
        const kernels::RowsGradient gradient[] = {{dout, dq, dk, dv}};
        kernels::attention_rows_backward(context, shape, sequence, gradient);
        // sums of up to 130 terms of size 1, each product and exp good to 1e-7
        require_close(out, expected.out, 3e-6);
        require_close({weights.data(), c.heads * c.tokens, c.keys}, expected.weights, 1e-6);
        require_close(dq, expected.dq, 1e-5);
        require_close(dk, expected.dk, 2e-5);
        require_close(dv, expected.dv, 2e-5);
        if (!has_fma(isa)) continue;
        const std::uint64_t now = tfm_test::hash(dv, tfm_test::hash(dk, tfm_test::hash(dq, tfm_test::hash(out))));
        if (bits == 0) bits = now;
        REQUIRE(now == bits);
      }
  }
}
