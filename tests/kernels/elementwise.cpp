// Element-wise kernels: equal to their plain loops, and those close to the mathematics.
#include "tfm/kernels/elementwise.hpp"

#include <limits>

#include "support/catch.hpp"
#include "support/close.hpp"
#include "support/isas.hpp"
#include "support/random.hpp"
#include "tfm/kernels/plain_elementwise.hpp"

using namespace tfm;
using tfm_test::random_matrix;
using tfm_test::require_close;
using tfm_test::rounding;
using tfm_test::same_bits;

namespace {

// Runs test(context) on every instruction set.
template <class Test>
void on_every_isa(Test test) {
  Context context(3);
  for (const Isa isa : tfm_test::isas()) {
    INFO(name(isa));
    context.isa = isa;
    test(context);
  }
}

struct Size {
  Index rows, cols;
};
constexpr Size sizes[] = {{1, 1}, {1, 16}, {3, 17}, {65, 45}, {300, 600}};

double at(View x, Index r, Index c) { return static_cast<double>(x.row(r)[c]); }
double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
// 2 sqrt(2 / pi) (x + 0.044715 x³)
double gelu_argument(double x) { return 1.5957691216057308 * (x + 0.044715 * x * x * x); }

}  // namespace

TEST_CASE("the plain exponential is within 2e-7 of exp") {
  for (int i = 0; i <= 2'000'000; ++i) {
    const float x = -87.3f + 175.3f * static_cast<float>(i) / 2e6f, found = kernels::plain::exponential(x);
    const double exact = std::exp(static_cast<double>(std::min(x, 88.f)));
    if (std::abs(static_cast<double>(found) - exact) > 2e-7 * exact) FAIL(x << ": " << found << ", expected " << exact);
  }
  CHECK(kernels::plain::exponential(0) == 1.f);
  CHECK(kernels::plain::exponential(-87.4f) == 0.f);
  CHECK(kernels::plain::exponential(-std::numeric_limits<float>::infinity()) == 0.f);
  CHECK(kernels::plain::exponential(1e30f) == kernels::plain::exponential(88.f));
}

TEST_CASE("add, scale_add, scale") {
  for (const Size size : sizes)
    on_every_isa([&](Context& context) {
      const Buffer x = random_matrix(1, size.rows, size.cols), old = random_matrix(2, size.rows, size.cols);
      Buffer sum = random_matrix(2, size.rows, size.cols), scaled_sum = random_matrix(2, size.rows, size.cols),
             scaled(size.rows, size.cols);
      const float a = 0.7f;
      kernels::add(context, x, sum);
      kernels::scale_add(context, a, x, scaled_sum);
      kernels::scale(context, a, x, scaled);
      for (Index i = 0; i < old.view().size(); ++i) {
        const float xi = x.view().data[i], yi = old.view().data[i];
        REQUIRE(sum.view().data[i] == yi + xi);
        REQUIRE(scaled.view().data[i] == a * xi);
        if (has_fma(context.isa)) REQUIRE(scaled_sum.view().data[i] == std::fma(a, xi, yi));
        else
          REQUIRE(std::abs(scaled_sum.view().data[i] - std::fma(a, xi, yi)) <=
                  3 * 0x1p-24f * (std::abs(a * xi) + std::abs(yi)));  // the product rounds too
      }
    });
}

TEST_CASE("the plain hyperbolic tangent is within 4e-7 of tanh") {
  for (int i = -1'000'000; i <= 1'000'000; ++i) {
    const float x = 12.f * static_cast<float>(i) / 1e6f, found = kernels::plain::hyperbolic_tangent(x);
    const double exact = std::tanh(static_cast<double>(x));
    if (std::abs(static_cast<double>(found) - exact) > 4e-7 * std::abs(exact)) FAIL(x << ": " << found << ", expected " << exact);
  }
  CHECK(kernels::plain::hyperbolic_tangent(0) == 0.f);
  CHECK(kernels::plain::hyperbolic_tangent(1e30f) == kernels::plain::hyperbolic_tangent(7.9f));
}

TEST_CASE("soft_cap and its gradient") {
  for (const float scale : {1.f, 40.f, 4000.f})
    for (const float cap : {2.f, 30.f})
      for (const Size size : sizes) {
        const Buffer x = random_matrix(1, size.rows, size.cols, scale), d = random_matrix(2, size.rows, size.cols);
        Buffer plain(size.rows, size.cols), plain_d = random_matrix(2, size.rows, size.cols);
        kernels::plain::soft_cap(x, cap, plain);
        kernels::plain::soft_cap_backward(plain, cap, plain_d);
        const double c = static_cast<double>(cap);
        const auto expected = [&](Index r, Index i) { return c * std::tanh(at(x, r, i) / c); };
        const auto change = [&](Index r, Index i) { return at(d, r, i) * (1 - std::pow(std::tanh(at(x, r, i) / c), 2)); };
        on_every_isa([&](Context& context) {
          Buffer y(size.rows, size.cols), in_place = random_matrix(1, size.rows, size.cols, scale), dx = random_matrix(2, size.rows, size.cols);
          kernels::soft_cap(context, x, cap, y);
          kernels::soft_cap(context, in_place, cap, in_place);
          kernels::soft_cap_backward(context, y, cap, dx);
          REQUIRE(same_bits(y, in_place));
          if (has_fma(context.isa)) REQUIRE((same_bits(y, plain) && same_bits(dx, plain_d)));
          // the quotient and the product round, and the argument's rounding is multiplied with a slope of 1 at most
          require_close(y, expected, [&](Index r, Index i) { return (4e-7 + 3 * rounding) * std::abs(expected(r, i)); });
          require_close(dx, change, [&](Index r, Index i) { return 1.2e-6 * std::abs(at(d, r, i)); });  // of y's error, twice
        });
      }
}

TEST_CASE("gelu_mul") {
  for (const float scale : {1.f, 8.f, 200.f})
    for (const Size size : sizes) {
      const Buffer gate = random_matrix(1, size.rows, size.cols, scale), up = random_matrix(2, size.rows, size.cols);
      Buffer plain(size.rows, size.cols);
      kernels::plain::gelu_mul(gate, up, plain);
      const auto expected = [&](Index r, Index c) { return at(gate, r, c) * sigmoid(gelu_argument(at(gate, r, c))) * at(up, r, c); };
      // As silu_mul's; three roundings of the sigmoid's argument are so much of the sigmoid where that is small.
      const auto tolerance = [&](Index r, Index c) {
        return (2e-7 + (4 + 4 * std::abs(gelu_argument(at(gate, r, c)))) * rounding) * std::abs(expected(r, c)) + 1e-35;
      };
      on_every_isa([&](Context& context) {
        Buffer y(size.rows, size.cols), in_place = random_matrix(1, size.rows, size.cols, scale);
        kernels::gelu_mul(context, gate, up, y);
        kernels::gelu_mul(context, in_place, up, in_place);
        REQUIRE(same_bits(y, in_place));
        if (has_fma(context.isa)) REQUIRE(same_bits(y, plain));
        require_close(y, expected, tolerance);
      });
    }
}

TEST_CASE("gelu_mul_backward") {
  for (const float scale : {1.f, 8.f, 200.f})
    for (const Size size : sizes) {
      const Buffer gate = random_matrix(1, size.rows, size.cols, scale), up = random_matrix(2, size.rows, size.cols),
                   dy = random_matrix(3, size.rows, size.cols);
      Buffer plain_gate = random_matrix(4, size.rows, size.cols), plain_up = random_matrix(5, size.rows, size.cols);
      const Buffer old_gate = random_matrix(4, size.rows, size.cols), old_up = random_matrix(5, size.rows, size.cols);
      kernels::plain::gelu_mul_backward(gate, up, dy, plain_gate, plain_up);
      const auto x_slope = [](double g) { return g * (1.5957691216057308 + 3 * 0.07135481627159796 * g * g); };
      const auto gate_change = [&](Index r, Index c) {
        const double g = at(gate, r, c), s = sigmoid(gelu_argument(g));
        return at(dy, r, c) * at(up, r, c) * s * (1 + x_slope(g) * (1 - s));
      };
      const auto up_change = [&](Index r, Index c) { return at(dy, r, c) * at(gate, r, c) * sigmoid(gelu_argument(at(gate, r, c))); };
      const auto gate_tolerance = [&](Index r, Index c) {
        const double g = at(gate, r, c), z = gelu_argument(g), s = sigmoid(z);
        return std::abs(at(dy, r, c) * at(up, r, c)) * s * (1 + std::abs(x_slope(g))) * (5e-7 + 4 * rounding * std::abs(z)) +
               rounding * 2 * (std::abs(at(old_gate, r, c)) + std::abs(gate_change(r, c))) + 1e-34;
      };
      const auto up_tolerance = [&](Index r, Index c) {
        return (4.5e-7 + 4 * rounding * std::abs(gelu_argument(at(gate, r, c)))) * std::abs(up_change(r, c)) +
               rounding * 2 * (std::abs(at(old_up, r, c)) + std::abs(up_change(r, c))) + 1e-34;
      };
      on_every_isa([&](Context& context) {
        Buffer dgate = random_matrix(4, size.rows, size.cols), dup = random_matrix(5, size.rows, size.cols);
        kernels::gelu_mul_backward(context, gate, up, dy, dgate, dup);
        if (has_fma(context.isa)) REQUIRE((same_bits(dgate, plain_gate) && same_bits(dup, plain_up)));
        require_close(
            dgate, [&](Index r, Index c) { return at(old_gate, r, c) + gate_change(r, c); }, gate_tolerance);
        require_close(
            dup, [&](Index r, Index c) { return at(old_up, r, c) + up_change(r, c); }, up_tolerance);
      });
    }
}

TEST_CASE("silu_mul") {
  for (const float scale : {1.f, 8.f, 200.f})  // 200: beyond where exp is capped
    for (const Size size : sizes) {
      const Buffer gate = random_matrix(1, size.rows, size.cols, scale), up = random_matrix(2, size.rows, size.cols);
      Buffer plain(size.rows, size.cols);
      kernels::plain::silu_mul(gate, up, plain);
      const auto expected = [&](Index r, Index c) { return at(gate, r, c) * sigmoid(at(gate, r, c)) * at(up, r, c); };
      // exp within 2e-7; a sum, a quotient and two products round. Below -88 the sigmoid stays at 6e-39.
      const auto tolerance = [&](Index r, Index c) { return (2e-7 + 4 * rounding) * std::abs(expected(r, c)) + 1e-35; };
      on_every_isa([&](Context& context) {
        Buffer y(size.rows, size.cols), in_place = random_matrix(1, size.rows, size.cols, scale);
        kernels::silu_mul(context, gate, up, y);
        kernels::silu_mul(context, in_place, up, in_place);
        REQUIRE(same_bits(y, in_place));
        if (has_fma(context.isa)) REQUIRE(same_bits(y, plain));
        require_close(y, expected, tolerance);
      });
    }
}

TEST_CASE("silu_mul_backward") {
  for (const float scale : {1.f, 8.f, 200.f})
    for (const Size size : sizes) {
      const Buffer gate = random_matrix(1, size.rows, size.cols, scale), up = random_matrix(2, size.rows, size.cols),
                   dy = random_matrix(3, size.rows, size.cols);
      const Buffer old_gate = random_matrix(4, size.rows, size.cols), old_up = random_matrix(5, size.rows, size.cols);
      Buffer plain_gate = random_matrix(4, size.rows, size.cols), plain_up = random_matrix(5, size.rows, size.cols);
      kernels::plain::silu_mul_backward(gate, up, dy, plain_gate, plain_up);
      const auto gate_change = [&](Index r, Index c) {
        const double g = at(gate, r, c), s = sigmoid(g);
        return at(dy, r, c) * at(up, r, c) * s * (1 + g * (1 - s));
      };
      const auto up_change = [&](Index r, Index c) { return at(dy, r, c) * at(gate, r, c) * sigmoid(at(gate, r, c)); };
      // s is within 3.2e-7 relatively, 1 - s absolutely: the slope, in which parts cancel, is so good for g s
      const auto gate_tolerance = [&](Index r, Index c) {
        const double g = at(gate, r, c), s = sigmoid(g);
        return std::abs(at(dy, r, c) * at(up, r, c)) * s * (1 + std::abs(g)) * 5e-7 +
               rounding * 2 * (std::abs(at(old_gate, r, c)) + std::abs(gate_change(r, c))) + 1e-35;
      };
      const auto up_tolerance = [&](Index r, Index c) {
        return 4.5e-7 * std::abs(up_change(r, c)) +
               rounding * 2 * (std::abs(at(old_up, r, c)) + std::abs(up_change(r, c))) + 1e-35;
      };
      on_every_isa([&](Context& context) {
        Buffer dgate = random_matrix(4, size.rows, size.cols), dup = random_matrix(5, size.rows, size.cols);
        kernels::silu_mul_backward(context, gate, up, dy, dgate, dup);
        if (has_fma(context.isa)) REQUIRE((same_bits(dgate, plain_gate) && same_bits(dup, plain_up)));
        require_close(
            dgate, [&](Index r, Index c) { return at(old_gate, r, c) + gate_change(r, c); }, gate_tolerance);
        require_close(
            dup, [&](Index r, Index c) { return at(old_up, r, c) + up_change(r, c); }, up_tolerance);
      });
    }
}

TEST_CASE("rotate turns pairs, and turns them back") {
  struct Heads {
    Index tokens, heads, half;
  };
  for (const Heads h : {Heads{1, 1, 1}, Heads{5, 3, 7}, Heads{70, 9, 32}, Heads{2, 2, 48}}) {
    const Index width = 2 * h.heads * h.half;
    Buffer cosine(h.tokens, h.half), sine(h.tokens, h.half), plain = random_matrix(1, h.tokens, width),
                                                             plain_back = random_matrix(1, h.tokens, width);
    const Buffer x = random_matrix(1, h.tokens, width), angle = random_matrix(2, h.tokens, h.half, 3.f);
    for (Index i = 0; i < angle.view().size(); ++i) {
      cosine.view().data[i] = static_cast<float>(std::cos(static_cast<double>(angle.view().data[i])));
      sine.view().data[i] = static_cast<float>(std::sin(static_cast<double>(angle.view().data[i])));
    }
    kernels::plain::rotate(plain, 2 * h.half, cosine, sine, 1);
    kernels::plain::rotate(plain_back, 2 * h.half, cosine, sine, -1);
    const auto partner = [&](Index c) { return c % (2 * h.half) < h.half ? c + h.half : c - h.half; };
    const auto expected = [&](double sign) {
      return [&, sign](Index t, Index c) {
        const double s = sign * at(sine, t, c % h.half) * (c % (2 * h.half) < h.half ? -1 : 1);
        return at(x, t, c) * at(cosine, t, c % h.half) + at(x, t, partner(c)) * s;
      };
    };
    const auto tolerance = [&](Index t, Index c) {
      return 3 * rounding *
             (std::abs(at(x, t, c) * at(cosine, t, c % h.half)) +
              std::abs(at(x, t, partner(c)) * at(sine, t, c % h.half)));
    };
    on_every_isa([&](Context& context) {
      Buffer turned = random_matrix(1, h.tokens, width), back = random_matrix(1, h.tokens, width);
      kernels::rotate(context, turned, cosine, sine);
      kernels::rotate(context, back, cosine, sine, -1);
      if (has_fma(context.isa)) REQUIRE((same_bits(turned, plain) && same_bits(back, plain_back)));
      require_close(turned, expected(1), tolerance);
      require_close(back, expected(-1), tolerance);
      kernels::rotate(context, turned, cosine, sine, -1);
      require_close(
          turned, [&](Index t, Index c) { return at(x, t, c); }, [](Index, Index) { return 12 * rounding; });
    });
  }
}

TEST_CASE("rotate of a part of each head leaves the rest as it was") {
  const Index tokens = 5, heads = 3, head_dim = 24, half = 9;
  const Buffer x = random_matrix(1, tokens, heads * head_dim), cosine = random_matrix(2, tokens, half), sine = random_matrix(3, tokens, half);
  Buffer plain = random_matrix(1, tokens, heads * head_dim);
  kernels::plain::rotate(plain, head_dim, cosine, sine, 1);
  on_every_isa([&](Context& context) {
    Buffer turned = random_matrix(1, tokens, heads * head_dim);
    kernels::rotate(context, turned, cosine, sine, 1, head_dim);
    if (has_fma(context.isa)) REQUIRE(same_bits(turned, plain));
    for (Index t = 0; t < tokens; ++t)
      for (Index c = 0; c < x.view().cols; ++c)
        if (c % head_dim >= 2 * half) REQUIRE(turned.view().row(t)[c] == x.view().row(t)[c]);
    Buffer part(tokens, 2 * half), alone(tokens, 2 * half);  // the first head's
    for (Index t = 0; t < tokens; ++t) std::copy_n(x.view().row(t), 2 * half, part.view().row(t));
    kernels::rotate(context, part, cosine, sine);
    for (Index t = 0; t < tokens; ++t) std::copy_n(turned.view().row(t), 2 * half, alone.view().row(t));
    REQUIRE(same_bits(part, alone));
  });
}
