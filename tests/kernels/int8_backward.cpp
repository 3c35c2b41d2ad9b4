// dx += dy W of an Int8 weight as int8 products: against the plain loop on every instruction set, against the exact product, and what
// must not change by it.
#include <cmath>
#include <limits>

#include "support/catch.hpp"
#include "support/isas.hpp"
#include "support/random.hpp"
#include "tfm/kernels/matmul.hpp"
#include "tfm/kernels/plain.hpp"
#include "tfm/numeric/pack.hpp"

using namespace tfm;
using tfm_test::random_matrix;

namespace {

struct Size {
  Index rows, cols;
};
constexpr Size sizes[] = {{1, 1}, {1, 33}, {3, 64}, {37, 1}, {37, 45}, {16, 32}, {64, 257}, {66, 128}, {130, 531}, {257, 80}, {261, 19}, {576, 67}};

PackedWeight packed(Context& context, Format format, Size size) {
  const Buffer w = random_matrix(7, size.rows, size.cols);
  return pack(context, format, {Format::f32, reinterpret_cast<const std::byte*>(w.view().data), size.rows, size.cols}, "w");
}

/// A gradient as a loss's is: most of it is small, some of it very large, and a token has none at all.
Buffer gradient(Index tokens, Index rows) {
  Buffer dy = random_matrix(5, tokens, rows);
  for (Index t = 0; t < tokens; ++t)
    for (Index o = 0; o < rows; ++o) dy.view().row(t)[o] *= t == 2 ? 0.f : (7 * o + t) % 31 == 0 ? 1.f : 1e-5f;
  return dy;
}

Context int8_context(int threads) {
  Context context(threads);
  context.int8.backward = true;
  return context;
}

}  // namespace

TEST_CASE("an int8 gradient of the input equals the plain loop, and the exact one but for its rounding") {
  Context context = int8_context(3);
  for (const Size size : sizes) {
    const PackedWeight w = packed(context, Format::int8, size);
    for (const Index tokens : {1, 6, 65}) {
      const Buffer dy = gradient(tokens, size.rows), before = random_matrix(6, tokens, size.cols);
      Buffer plain(tokens, size.cols);
      copy(before, plain);
      kernels::plain::matmul_backward_int8(w.panels(), kernels::gradient_group, dy, plain);
      std::vector<double> exact, rounding;  // and how far dx may be from it
      for (Index t = 0; t < tokens; ++t)
        for (Index k = 0; k < size.cols; ++k) {
          double sum = static_cast<double>(before.view().row(t)[k]), size_of_sum = std::abs(sum), error = 0;
          for (Index from = 0; from < size.rows; from += kernels::gradient_group) {
            double largest = 0, levels = 0;
            for (Index o = from; o < std::min(size.rows, from + kernels::gradient_group); ++o) {
              float scale;
              std::memcpy(&scale, w.panels().panel(o / 16) + o % 16 * 4, 4);
              const double g = static_cast<double>(dy.view().row(t)[o]), weight = static_cast<double>(value_at(w.panels(), o, k));
              sum += g * weight, size_of_sum += std::abs(g * weight);
              largest = std::max(largest, std::abs(g * static_cast<double>(scale)));
              levels += std::abs(weight / static_cast<double>(scale));
            }
            error += largest / 254 * levels;  // a level is off by a half at most, and a level is worth largest / 127
          }
          exact.push_back(sum), rounding.push_back(1.001 * error + 1e-6 * size_of_sum);
        }
      for (const Isa isa : tfm_test::isas())
        for (const Arithmetic arithmetic : {Arithmetic::fast, Arithmetic::bf16}) {
          INFO(size.rows << "x" << size.cols << " tokens " << tokens << " " << name(isa) << " " << name(arithmetic));
          context.isa = isa;
          context.arithmetic = arithmetic;
          Buffer dx(tokens, size.cols);
          copy(before, dx);
          matmul_backward(context, w, dy, dx);
          if (has_fma(isa)) REQUIRE(tfm_test::same_bits(dx, plain));
          for (std::size_t i = 0; i < exact.size(); ++i) REQUIRE(std::abs(static_cast<double>(dx.view().data[i]) - exact[i]) <= rounding[i]);
        }
    }
  }
}

TEST_CASE("an int8 gradient does not depend on threads or on the tokens beside it") {
  Context alone = int8_context(1);
  const PackedWeight w = packed(alone, Format::int8, {515, 321});
  const Buffer dy = gradient(64, 515);
  Buffer expected = random_matrix(6, 64, 321);
  matmul_backward(alone, w, dy, expected);
  for (const int threads : {2, 3, 8})
    for (const Index tokens : {1, 7, 64}) {
      INFO(threads << " threads, " << tokens << " tokens at a time");
      Context context = int8_context(threads);
      Buffer dx = random_matrix(6, 64, 321);
      for (Index from = 0; from < 64; from += tokens) {
        const Index n = std::min(tokens, 64 - from);
        matmul_backward(context, w, dy.view().slice(from, n), dx.view().slice(from, n));
      }
      REQUIRE(tfm_test::same_bits(dx, expected));
    }
}

TEST_CASE("what is not a number stays so in an int8 gradient, in its token alone") {
  Context context = int8_context(2);
  const PackedWeight w = packed(context, Format::int8, {150, 70});
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity()})
    for (const Index at : {0, 15, 63, 64, 149})
      for (const Isa isa : tfm_test::isas()) {
        INFO(bad << " at " << at << " " << name(isa));
        context.isa = isa;
        Buffer dy = random_matrix(3, 3, 150), dx(3, 70);
        dy.view().row(1)[at] = bad;
        matmul_backward(context, w, dy, dx);
        for (Index k = 0; k < 70; ++k) {
          REQUIRE(std::isfinite(dx.view().row(0)[k]));
          REQUIRE(!std::isfinite(dx.view().row(1)[k]));
          REQUIRE(std::isfinite(dx.view().row(2)[k]));
        }
      }
}

TEST_CASE("an int8 gradient is asked for by name, and of Int8 weights in fast arithmetic alone") {
  for (const Format format : {Format::f32, Format::bf16, Format::f16, Format::q8_0, Format::q4_0, Format::q4_1, Format::int8})
    for (const Arithmetic arithmetic : {Arithmetic::exact, Arithmetic::fast, Arithmetic::bf16}) {
      INFO(name(format) << " " << name(arithmetic));
      Context usual(2), asked = int8_context(2);
      usual.arithmetic = asked.arithmetic = arithmetic;
      const PackedWeight w = packed(usual, format, {130, 544});
      const Buffer dy = gradient(9, 130);
      Buffer dx(9, 544), of_int8(9, 544);
      matmul_backward(usual, w, dy, dx);
      matmul_backward(asked, w, dy, of_int8);
      REQUIRE(tfm_test::same_bits(dx, of_int8) == (format != Format::int8 || arithmetic == Arithmetic::exact));
      const Index threads_room = Arena::bytes_for(2 * kernels::backward_floats(9));
      if (format == Format::int8 && arithmetic != Arithmetic::exact)
        REQUIRE(asked.scratch.peak() == threads_room + kernels::int8_backward_bytes(9, 130));
    }
}
