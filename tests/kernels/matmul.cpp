// The table test: every format, size, direction and arithmetic, on every instruction set, against the plain loop.
#include "tfm/kernels/accumulate.hpp"
#include "tfm/kernels/matmul.hpp"

#include <cmath>
#include <functional>
#include <limits>
#include <optional>

#include "support/catch.hpp"
#include "support/formats.hpp"
#include "support/isas.hpp"
#include "support/random.hpp"
#include "tfm/kernels/plain.hpp"
#include "tfm/numeric/pack.hpp"

using namespace tfm;
using tfm_test::random_matrix;

namespace {

const std::vector<Format> formats = tfm_test::formats();
bool in_blocks(Format format) { return activations(format) == Activations::blocks; }

struct Size {
  Index rows, cols;
};
std::vector<Size> sizes(Format format) {
  const Index block = block_size(format);
  if (block > activation_block) return {{1, block}, {37, 3 * block}, {130, 2 * block}};
  if (block > 1) return {{1, 32}, {37, 96}, {16, 32}, {130, 544}, {64, 288}};
  return {{1, 1}, {1, 33}, {37, 1}, {37, 45}, {16, 32}, {130, 531}, {64, 257}};
}

PackedWeight packed(Context& context, Format format, Size size) {
  const Buffer w = random_matrix(7, size.rows, size.cols);
  return pack(context, format, {Format::f32, reinterpret_cast<const std::byte*>(w.view().data), size.rows, size.cols}, "w");
}

// Equal bits where the region has a fused multiply-add; otherwise each of n products and sums may round once more.
void require_equal(View found, View plain, View magnitude, Index n, Isa isa) {
  if (has_fma(isa)) {
    REQUIRE(tfm_test::same_bits(found, plain));
    return;
  }
  for (Index i = 0; i < found.size(); ++i)
    REQUIRE(std::abs(found.data[i] - plain.data[i]) <= 1.2e-7f * static_cast<float>(n + 2) * magnitude.data[i]);
}

// |x| |W|ᵀ: what rounding errors are measured against.
Buffer magnitudes(const Panels& w, View x) {
  Buffer sum(x.rows, w.rows);
  for (Index t = 0; t < x.rows; ++t)
    for (Index o = 0; o < w.rows; ++o)
      for (Index k = 0; k < w.cols; ++k) sum.view().row(t)[o] += std::abs(value_at(w, o, k) * x.row(t)[k]) * 1.05f;
  return sum;
}

// What a plain loop gives, computed once for the instruction sets that round to bfloat16 and once for the others.
class PlainOnce {
  std::function<void(bool, Buffer&)> compute_;
  Index rows_, cols_;
  mutable std::optional<Buffer> results_[2];

 public:
  PlainOnce(std::function<void(bool, Buffer&)> compute, Index rows, Index cols) : compute_(std::move(compute)), rows_(rows), cols_(cols) {}
  View operator()(Isa isa) const {
    const bool rounds = isa == Isa::avx512_bf16;
    std::optional<Buffer>& result = results_[rounds];
    if (!result) compute_(rounds, result.emplace(rows_, cols_));
    return *result;
  }
};

}  // namespace

TEST_CASE("y = x W^T equals the plain loop") {
  Context context(3);
  for (const Format format : formats)
    for (const Size size : sizes(format)) {
      const PackedWeight w = packed(context, format, size);
      for (const Index tokens : {1, 2, 3, 4, 65}) {  // tiles of each
        const Buffer x = random_matrix(3, tokens, size.cols);
        const Buffer magnitude = magnitudes(w.panels(), x);
        for (const Arithmetic arithmetic : {Arithmetic::exact, Arithmetic::fast, Arithmetic::bf16}) {
          const PlainOnce plain([&](bool rounds, Buffer& y) { kernels::plain::matmul(w.panels(), arithmetic, rounds, x, y); }, tokens, size.rows);
          for (const Isa isa : tfm_test::isas()) {
            INFO(name(format) << " " << size.rows << "x" << size.cols << " tokens " << tokens << " " << name(arithmetic) << " " << name(isa));
            context.isa = isa;
            context.arithmetic = arithmetic;
            Buffer y = random_matrix(4, tokens, size.rows);
            matmul(context, w, x, y);
            require_equal(y, plain(isa), magnitude, size.cols, isa);
          }
        }
      }
    }
}

TEST_CASE("y = x W^T with activations of two digits equals the plain loop, and comes near the exact product") {
  Context context(3);
  for (const Format format : tfm_test::formats(in_blocks))
    for (const Size size : sizes(format)) {
      const PackedWeight w = packed(context, format, size), other = packed(context, Format::q8_0, {40, size.cols});
      for (const Index tokens : {1, 3, 65}) {
        const Buffer x = random_matrix(3, tokens, size.cols);
        const Buffer magnitude = magnitudes(w.panels(), x);
        Buffer plain(tokens, size.rows), exact(tokens, size.rows), alone(tokens, 40);
        for (Index t = 0; t < tokens; ++t)
          for (Index o = 0; o < size.rows; ++o)
            plain.view().row(t)[o] = kernels::plain::dot_two_digits(w.panels(), o, x.view().row(t));
        kernels::plain::matmul(w.panels(), Arithmetic::exact, false, x, exact);
        for (const Isa isa : tfm_test::isas()) {
          INFO(name(format) << " " << size.rows << "x" << size.cols << " tokens " << tokens << " " << name(isa));
          context.isa = isa;
          context.arithmetic = Arithmetic::fast;
          Buffer y = random_matrix(4, tokens, size.rows), beside(tokens, 40);
          matmul(context, x, product(w, y, Digits::two), product(other, beside));
          require_equal(y, plain, magnitude, 2 * size.cols, isa);
          matmul(context, other, x, alone);
          REQUIRE(tfm_test::same_bits(beside, alone));
          // A digit is off by at most half of 1/127 of a block's largest value; so is what it leaves, of that.
          for (Index i = 0; i < tokens * size.rows; ++i) {
            const Index t = i / size.rows, o = i % size.rows;
            double most = 0;
            for (Index b = 0; b < size.cols / 32; ++b) {
              double largest = 0, weights = 0;
              for (Index k = 32 * b; k < 32 * b + 32; ++k) {
                largest = std::max(largest, std::abs(static_cast<double>(x.view().row(t)[k])));
                weights += std::abs(static_cast<double>(value_at(w.panels(), o, k)));
              }
              most += largest * weights / (254. * 254.);
            }
            const double rounding = 1.2e-7 * static_cast<double>(2 * size.cols + 2) * static_cast<double>(magnitude.view().data[i]);
            REQUIRE(std::abs(static_cast<double>(y.view().data[i] - exact.view().data[i])) <= 1.01 * most + rounding);
          }
        }
      }
    }
}

TEST_CASE("what is not a number stays so in every arithmetic") {
  Context context(2);
  for (const Format format : formats) {
    const PackedWeight w = packed(context, format, {20, std::max<Index>(64, block_size(format))});
    for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()})
      for (const Index at : {0, 15, 33, 63})
        for (const Digits digits : {Digits::one, Digits::two})
          for (const Arithmetic arithmetic : {Arithmetic::exact, Arithmetic::fast, Arithmetic::bf16})
            for (const Isa isa : tfm_test::isas()) {
              INFO(name(format) << " " << bad << " at " << at << " " << name(arithmetic) << " " << name(isa));
              context.isa = isa;
              context.arithmetic = arithmetic;
              Buffer x = random_matrix(3, 3, w.cols()), y(3, 20);
              x.view().row(1)[at] = bad;
              matmul(context, x, product(w, y, digits));
              for (Index o = 0; o < 20; ++o) {
                REQUIRE(std::isfinite(y.view().row(0)[o]));
                REQUIRE(!std::isfinite(y.view().row(1)[o]));
                REQUIRE(std::isfinite(y.view().row(2)[o]));
              }
            }
  }
}

TEST_CASE("dx += dy W equals the plain loop") {
  Context context(3);
  for (const Format format : formats)
    for (const Size size : sizes(format)) {
      const PackedWeight w = packed(context, format, size);
      for (const Index tokens : {1, 65}) {
        const Buffer dy = random_matrix(5, tokens, size.rows);
        Buffer plain = random_matrix(6, tokens, size.cols), magnitude = random_matrix(6, tokens, size.cols);
        kernels::plain::matmul_backward(w.panels(), dy, plain);
        Buffer rounded = random_matrix(6, tokens, size.cols);
        kernels::plain::matmul_backward_bf16(w.panels(), dy, rounded);
        for (Index t = 0; t < tokens; ++t)
          for (Index k = 0; k < size.cols; ++k) {
            float& sum = magnitude.view().row(t)[k];
            sum = std::abs(sum);
            for (Index o = 0; o < size.rows; ++o) sum += std::abs(dy.view().row(t)[o] * value_at(w.panels(), o, k));
          }
        for (const Isa isa : tfm_test::isas()) {
          INFO(name(format) << " " << size.rows << "x" << size.cols << " tokens " << tokens << " " << name(isa));
          context.isa = isa;
          for (const Arithmetic arithmetic : {Arithmetic::exact, Arithmetic::fast, Arithmetic::bf16}) {
            const bool bf16 = arithmetic == Arithmetic::bf16 && isa == Isa::avx512_bf16;
            context.arithmetic = arithmetic;
            Buffer dx = random_matrix(6, tokens, size.cols);
            matmul_backward(context, w, dy, dx);
            require_equal(dx, bf16 ? rounded : plain, magnitude, size.rows, isa);
          }
        }
      }
    }
}

TEST_CASE("trainable F32: forward, dx and dW equal the plain loops") {
  Context context(3);
  for (const Size size : sizes(Format::f32)) {
    F32 w(size.rows, size.cols);
    copy(random_matrix(7, size.rows, size.cols), w.values());
    const PackedWeight same = packed(context, Format::f32, size);
    for (const Index tokens : {1, 65}) {
      const Buffer x = random_matrix(3, tokens, size.cols), dy = random_matrix(5, tokens, size.rows);
      Buffer y0(tokens, size.rows), dx0(tokens, size.cols), dw0 = random_matrix(8, size.rows, size.cols);
      kernels::plain::matmul(same.panels(), Arithmetic::exact, false, x, y0);
      kernels::plain::matmul_backward(same.panels(), dy, dx0);
      kernels::plain::accumulate(dy, x, dw0);
      const Buffer magnitude = magnitudes(same.panels(), x), start = random_matrix(9, tokens, size.rows);
      Buffer from_start(tokens, size.rows);
      copy(magnitude, from_start);
      for (Index i = 0; i < start.view().size(); ++i) from_start.view().data[i] += std::abs(start.view().data[i]);
      const auto add_to_start = [&](bool rounds, Buffer& sum) {
        copy(start, sum);
        kernels::plain::matmul_add(same.panels(), rounds, x, sum);
      };
      const PlainOnce exact_sum([&](bool, Buffer& sum) { add_to_start(false, sum); }, tokens, size.rows), bf16_sum(add_to_start, tokens, size.rows);
      for (const Isa isa : tfm_test::isas()) {
        INFO(size.rows << "x" << size.cols << " tokens " << tokens << " " << name(isa));
        context.isa = isa;
        context.arithmetic = Arithmetic::exact;
        Buffer y(tokens, size.rows), dx(tokens, size.cols), dw = random_matrix(8, size.rows, size.cols);
        const auto bound = [](Index rows, Index cols, float most) {
          Buffer b(rows, cols);
          fill(b, most);
          return b;
        };
        matmul(context, w, x, y);
        require_equal(y, y0, magnitude, size.cols, isa);
        for (const Arithmetic arithmetic : {Arithmetic::exact, Arithmetic::bf16}) {
          context.arithmetic = arithmetic;
          Buffer sum(tokens, size.rows);
          copy(start, sum);
          matmul_add(context, w, x, sum);
          require_equal(sum, arithmetic == Arithmetic::bf16 ? bf16_sum(isa) : exact_sum(isa), from_start, size.cols + 1, isa);
        }
        context.arithmetic = Arithmetic::exact;
        matmul_backward(context, w, dy, dx);
        require_equal(dx, dx0, bound(tokens, size.cols, static_cast<float>(size.rows)), size.rows, isa);
        accumulate(context, dy, x, dw);
        require_equal(dw, dw0, bound(size.rows, size.cols, static_cast<float>(tokens + 1)), tokens, isa);
      }
    }
  }
}

TEST_CASE("several products of one x have the bits that each has alone") {
  Context context(2);
  for (const Arithmetic arithmetic : {Arithmetic::exact, Arithmetic::fast, Arithmetic::bf16}) {
    context.arithmetic = arithmetic;
    for (const Index tokens : {1, 9}) {
      const Buffer x = random_matrix(3, tokens, 96);
      const PackedWeight a = packed(context, Format::q8_0, {40, 96}), b = packed(context, Format::int8, {17, 96}), c = packed(context, Format::f16, {100, 96});
      F32 d(5, 96);
      copy(random_matrix(9, 5, 96), d.values());
      Buffer ya(tokens, 40), yb(tokens, 17), yc(tokens, 100), yd(tokens, 5), za(tokens, 40), zb(tokens, 17), zc(tokens, 100), zd(tokens, 5);
      matmul(context, x, product(a, ya), product(b, yb), product(c, yc), product(d, yd));
      matmul(context, a, x, za);
      matmul(context, b, x, zb);
      matmul(context, c, x, zc);
      matmul(context, d, x, zd);
      REQUIRE((tfm_test::same_bits(ya, za) && tfm_test::same_bits(yb, zb) && tfm_test::same_bits(yc, zc) && tfm_test::same_bits(yd, zd)));
    }
  }
}

TEST_CASE("scratch stays within what matmul_scratch_bytes says") {
  Context context(2);
  for (const Format format : formats)
    for (const Index tokens : {1, 65}) {
      Context fresh(2);
      fresh.arithmetic = Arithmetic::bf16;
      const Index cols = std::max<Index>(288, 2 * block_size(format));
      const PackedWeight w = packed(context, format, {64, cols});
      Buffer y(tokens, 64);
      matmul(fresh, random_matrix(3, tokens, cols), product(w, y, Digits::two));
      REQUIRE(fresh.scratch.peak() > 0);
      REQUIRE(fresh.scratch.peak() <= kernels::matmul_scratch_bytes(tokens, cols, 2));
    }
}
