// RMS normalisation: equal to its plain loop, and that close to the mathematics.
#include "tfm/kernels/norms.hpp"

#include "support/catch.hpp"
#include "support/close.hpp"
#include "support/isas.hpp"
#include "support/random.hpp"
#include "tfm/kernels/plain_norms.hpp"

using namespace tfm;
using tfm_test::random_matrix;
using tfm_test::require_close;
using tfm_test::rounding;
using tfm_test::same_bits;

namespace {

struct Size {
  Index tokens, dim;
};
constexpr Size sizes[] = {{1, 1}, {1, 16}, {3, 17}, {65, 45}, {40, 576}, {2, 4096}};

double at(View x, Index r, Index c) { return static_cast<double>(x.row(r)[c]); }

double inverse_rms(View x, Index t, double eps) {
  double sum = 0;
  for (Index k = 0; k < x.cols; ++k) sum += at(x, t, k) * at(x, t, k);
  return 1 / std::sqrt(sum / static_cast<double>(x.cols) + eps);
}

// Sixteen partial sums and a tree: so many roundings in a row, at most.
double steps(Index n) { return static_cast<double>(n) / 16 + 5; }

}  // namespace

TEST_CASE("rms_norm") {
  Context context(3);
  for (const Size size : sizes)
    for (const float eps : {1e-5f, 0.25f}) {
      const Buffer x = random_matrix(1, size.tokens, size.dim, 3), w = random_matrix(2, 1, size.dim);
      Buffer plain(size.tokens, size.dim), plain_inverse(1, size.tokens);
      kernels::plain::rms_norm(x, w.view().data, eps, plain, plain_inverse.view().data);
      for (const Isa isa : tfm_test::isas()) {
        INFO(size.tokens << " x " << size.dim << " " << name(isa));
        context.isa = isa;
        Buffer y(size.tokens, size.dim), inverse(1, size.tokens), in_place = random_matrix(1, size.tokens, size.dim, 3);
        kernels::rms_norm(context, x, w.view().data, eps, y, inverse.view().data);
        kernels::rms_norm(context, in_place, w.view().data, eps, in_place);
        REQUIRE(same_bits(y, in_place));
        if (has_fma(isa)) REQUIRE((same_bits(y, plain) && same_bits(inverse, plain_inverse)));
        const double tolerance =
            (steps(size.dim) / 2 + 4) * rounding;  // the root halves the sum's; mean, eps, root, quotient
        require_close(
            inverse, [&](Index, Index t) { return inverse_rms(x, t, static_cast<double>(eps)); },
            [&](Index, Index t) { return tolerance * inverse_rms(x, t, static_cast<double>(eps)); });
        const auto expected = [&](Index t, Index k) {
          return at(x, t, k) * inverse_rms(x, t, static_cast<double>(eps)) * at(w, 0, k);
        };
        if (size.tokens * size.dim < 5000)
          require_close(y, expected,
                        [&](Index t, Index k) { return (tolerance + 2 * rounding) * std::abs(expected(t, k)); });
      }
    }
}

TEST_CASE("rms_norm_backward") {
  Context context(3);
  for (const Size size : sizes) {
    const Buffer x = random_matrix(1, size.tokens, size.dim, 3), w = random_matrix(2, 1, size.dim),
                 dy = random_matrix(3, size.tokens, size.dim);
    const Buffer old_dx = random_matrix(4, size.tokens, size.dim), old_dw = random_matrix(5, 1, size.dim);
    Buffer inverse(1, size.tokens), unused(size.tokens, size.dim), plain_dx = random_matrix(4, size.tokens, size.dim),
                                                                   plain_dw = random_matrix(5, 1, size.dim);
    kernels::plain::rms_norm(x, w.view().data, 1e-5f, unused, inverse.view().data);
    kernels::plain::rms_norm_backward(x, w.view().data, inverse.view().data, dy, plain_dx, plain_dw.view().data);
    std::vector<double> mean(to_size(size.tokens)), magnitude(to_size(size.tokens));  // of h x, h = dy w
    for (Index t = 0; t < size.tokens; ++t)
      for (Index k = 0; k < size.dim; ++k) {
        const double term = at(dy, t, k) * at(w, 0, k) * at(x, t, k) / static_cast<double>(size.dim);
        mean[to_size(t)] += term;
        magnitude[to_size(t)] += std::abs(term);
      }
    const auto expected_dx = [&](Index t, Index k) {
      const double r = at(inverse, 0, t);
      return at(old_dx, t, k) + r * at(dy, t, k) * at(w, 0, k) - at(x, t, k) * r * r * r * mean[to_size(t)];
    };
    const auto tolerance_dx = [&](Index t, Index k) {
      const double r = at(inverse, 0, t);
      return rounding * ((steps(size.dim) + 8) * std::abs(at(x, t, k)) * r * r * r * magnitude[to_size(t)] +
                         4 * std::abs(r * at(dy, t, k) * at(w, 0, k)) + std::abs(expected_dx(t, k)));
    };
    const auto dw = [&](Index k, bool absolute) {
      double sum = absolute ? std::abs(at(old_dw, 0, k)) : at(old_dw, 0, k);
      for (Index t = 0; t < size.tokens; ++t) {
        const double term = at(dy, t, k) * at(x, t, k) * at(inverse, 0, t);
        sum += absolute ? std::abs(term) : term;
      }
      return sum;
    };
    for (const Isa isa : tfm_test::isas()) {
      INFO(size.tokens << " x " << size.dim << " " << name(isa));
      context.isa = isa;
      Buffer dx = random_matrix(4, size.tokens, size.dim), found_dw = random_matrix(5, 1, size.dim),
             dx_alone = random_matrix(4, size.tokens, size.dim);
      kernels::rms_norm_backward(context, x, w.view().data, inverse.view().data, dy, dx, found_dw.view().data);
      kernels::rms_norm_backward(context, x, w.view().data, inverse.view().data, dy, dx_alone, nullptr);
      REQUIRE(same_bits(dx, dx_alone));
      if (has_fma(isa)) REQUIRE((same_bits(dx, plain_dx) && same_bits(found_dw, plain_dw)));
      require_close(dx, expected_dx, tolerance_dx);
      require_close(
          found_dw, [&](Index, Index k) { return dw(k, false); },
          [&](Index, Index k) { return rounding * static_cast<double>(size.tokens + 4) * dw(k, true); });
    }
  }
}
