// Products of Int8 weights with outliers: the plain loop, the paper's and bitsandbytes' numbers.
#include <cmath>

#include "support/catch.hpp"
#include "support/data.hpp"
#include "support/golden.hpp"
#include "support/isas.hpp"
#include "support/random.hpp"
#include "tfm/kernels/matmul.hpp"
#include "tfm/kernels/plain.hpp"
#include "tfm/numeric/pack.hpp"

using namespace tfm;
using tfm_test::Golden;
using tfm_test::random_matrix;

namespace {

PackedWeight packed(View w) {
  Context context(1);
  return pack(context, Format::int8, {Format::f32, reinterpret_cast<const std::byte*>(w.data), w.rows, w.cols}, "w");
}
Buffer matrix(const Golden& golden, const std::string& name) {
  const auto values = golden.floats(name);
  const auto& shape = golden.shape(name);
  Buffer m(shape[0], shape[1]);
  std::copy(values.begin(), values.end(), m.view().data);
  return m;
}
Buffer in_half(Buffer m) {
  for (Index i = 0; i < m.view().size(); ++i) m.view().data[i] = f32_from_f16(f16_from_f32(m.view().data[i]));
  return m;
}
float largest_difference(View a, View b) {
  float most = 0;
  for (Index i = 0; i < a.size(); ++i) {
    const float d = std::abs(a.data[i] - b.data[i]);
    if (d > most || d != d) most = d;  // a NaN stays
  }
  return most;
}

}  // namespace

TEST_CASE("a token's own outliers stay in floating point: the plain loop, whatever the neighbours") {
  Context context(3);
  for (const auto& [rows, cols] : {std::pair<Index, Index>{1, 33}, {37, 45}, {130, 531}, {64, 257}}) {
    const PackedWeight w = packed(random_matrix(7, rows, cols));
    for (const Index tokens : {1, 65}) {
      Buffer x = random_matrix(3, tokens, cols, 3);
      for (Index t = 0; t < tokens; t += 2)
        for (const Index k : {Index{0}, cols / 2, cols - 1, t % cols}) x.view().row(t)[k] *= t % 4 == 0 ? 40.f : -15.f;
      x.view().row(0)[cols / 3] = 6;  // an outlier; the next is none
      x.view().row(tokens - 1)[cols / 4] = std::nextafter(6.f, 0.f);
      Buffer plain(tokens, rows);
      kernels::plain::matmul(w.panels(), Arithmetic::fast, false, x, plain);
      for (const Isa isa : tfm_test::isas()) {
        INFO(rows << "x" << cols << " tokens " << tokens << " " << name(isa));
        context.isa = isa;
        Buffer y(tokens, rows), alone(1, rows);
        matmul(context, w, x, y);
        if (has_fma(isa)) REQUIRE(tfm_test::same_bits(y, plain));
        else REQUIRE(largest_difference(y, plain) <= 1e-4f * static_cast<float>(cols));
        matmul(context, w, x.view().slice(tokens / 2, 1), alone);
        REQUIRE(tfm_test::same_bits(alone, y.view().slice(tokens / 2, 1)));
      }
    }
  }
}

TEST_CASE("outliers' columns are summed alike in every piece of a weight's panels") {
  Context context(1);
  constexpr Index rows = 165, cols = 131, panels = 11, tokens = 9;  // the last panel holds five rows
  const PackedWeight w = packed(random_matrix(7, rows, cols));
  Buffer x = random_matrix(3, tokens, cols, 3), plain(tokens, rows);
  for (Index k = 0; k < cols; ++k) {
    x.view().row(2)[k] = k % 2 == 0 ? 7.f : -9.5f;  // all columns; of other tokens some, of token 4 none
    x.view().row(4)[k] = std::remainder(x.view().row(4)[k], 1.f);
  }
  kernels::plain::matmul(w.panels(), Arithmetic::fast, false, x, plain);
  for (const Isa isa : tfm_test::isas()) {
    if (!has_fma(isa)) continue;
    context.isa = isa;
    const Arena::Frame frame(context.scratch);
    const kernels::Quantised quantised = kernels::prepare::quantise_rows(context, x);
    REQUIRE((quantised.outlier_counts[2] == cols && quantised.outlier_counts[4] == 0));
    for (Index first = 0; first < panels; ++first)
      for (Index count = 1; first + count <= panels; ++count) {
        INFO(name(isa) << " panels " << first << " + " << count);
        Buffer y(tokens, rows);
        fill(y, -1);
        const kernels::MatmulTask task{w.panels(), nullptr, quantised, {}, nullptr, x.view().data, tokens, y.view().data, false};
        kernels::table(isa).int8_chunk(context, task, first, count);
        for (Index t = 0; t < tokens; ++t)
          for (Index r = 0; r < rows; ++r) {
            const bool own = r >= 16 * first && r < 16 * (first + count);
            REQUIRE(y.view().row(t)[r] == (own ? plain.view().row(t)[r] : -1.f));
          }
      }
  }
}

TEST_CASE("golden LLM.int8(), as the paper has it") {
  const auto file = tfm_test::require(tfm_test::golden() / "int8.safetensors");
  if (!file) return;
  const Golden golden(*file);
  Context context(2);
  context.int8 = Int8Options::paper;
  for (const std::string name : {"plain", "outliers"}) {
    INFO(name);
    const Buffer w = matrix(golden, name + ".w"), x = matrix(golden, name + ".x"), dy = matrix(golden, name + ".dy");
    const PackedWeight weight = packed(w);
    std::vector<std::byte> q(to_size(w.view().size()));
    std::vector<float> scales(to_size(w.view().rows));
    unpack(weight, q.data(), scales.data());
    const auto expected_q = golden.values<int>(name + ".q");
    for (std::size_t i = 0; i < q.size(); ++i) REQUIRE(static_cast<int>(static_cast<std::int8_t>(q[i])) == expected_q[i]);
    for (const Isa isa : tfm_test::isas()) {
      INFO(tfm::name(isa));
      context.isa = isa;
      Buffer y(x.view().rows, w.view().rows), dx(x.view().rows, w.view().cols);
      matmul(context, weight, x, y);
      // Sums of 64 products, of values up to some 20: rounding of each to 2^-24.
      CHECK(largest_difference(y, matrix(golden, name + ".y")) <= 2e-5f);
      matmul_backward(context, weight, dy, dx);
      CHECK(largest_difference(dx, matrix(golden, name + ".dx")) <= 4e-6f);
    }
  }
}

TEST_CASE("golden LLM.int8(), as bitsandbytes computes it") {
  const auto file = tfm_test::require(tfm_test::golden() / "bnb_int8.safetensors");
  if (!file) return;
  const Golden golden(*file);
  Context context(2);
  context.int8 = Int8Options::bitsandbytes;
  const Buffer original = matrix(golden, "weight");
  const PackedWeight weight = packed(in_half(matrix(golden, "weight")));
  const Index out = original.view().rows, in = original.view().cols;
  std::vector<std::byte> q(to_size(out * in));
  std::vector<float> scales(to_size(out));
  unpack(weight, q.data(), scales.data());
  const auto expected_q = golden.values<int>("q");
  const auto scb = golden.floats("scb"), bias = golden.floats("bias");
  for (std::size_t i = 0; i < q.size(); ++i) REQUIRE(static_cast<int>(static_cast<std::int8_t>(q[i])) == expected_q[i]);
  for (std::size_t r = 0; r < scales.size(); ++r) REQUIRE(scales[r] == scb[r] / 127.f);
  for (const std::string name : {"plain", "outliers", "one_row", "at_threshold", "zero_row"}) {
    const Buffer x = matrix(golden, name + ".x"), dy = matrix(golden, name + ".dy");
    const Index tokens = x.view().rows;
    const auto xq = golden.values<int>(name + ".xq"), columns = golden.values<int>(name + ".outlier_columns");
    const auto stats = golden.floats(name + ".row_stats");
    for (const Isa isa : tfm_test::isas()) {
      INFO(name << " " << tfm::name(isa));
      context.isa = isa;
      const Arena::Frame frame(context.scratch);
      const kernels::Quantised found = kernels::prepare::quantise_rows(context, x);
      for (Index t = 0; t < tokens; ++t) {
        CHECK(found.scales[t] == stats[to_size(t)] / 127.f);
        std::vector<int> marked;
        for (Index k = 0; k < in; ++k) {
          const bool outlier = (found.outliers[t * found.words + k / 64] >> k % 64 & 1) != 0;
          if (outlier) marked.push_back(static_cast<int>(k));
          // In a batch of one row bitsandbytes leaves a remnant in the outlier's column, that it does not use.
          if (!(outlier && tokens == 1)) CHECK(static_cast<int>(found.q[t * found.cols + k]) == xq[to_size(t * in + k)]);
        }
        CHECK(marked == columns);
      }
      Buffer y(tokens, out), dx(tokens, in), expected = matrix(golden, name + ".int8.f32.y");
      matmul(context, weight, x, y);
      for (Index t = 0; t < tokens; ++t)
        for (Index o = 0; o < out; ++o) y.view().row(t)[o] += bias[to_size(o)];
      // golden/README.md: 6e-5, and 1.8e-5 of the value for a constant that is off by so much.
      for (Index i = 0; i < y.view().size(); ++i)
        CHECK(std::abs(y.view().data[i] - expected.view().data[i]) <= 4 * 6e-5f + 1.8e-5f * std::abs(expected.view().data[i]));
      matmul_backward(context, weight, dy, dx);
      CHECK(largest_difference(dx, matrix(golden, name + ".int8.f32.dx")) <= 4 * 2e-6f);
      context.arithmetic = Arithmetic::exact;
      matmul(context, weight, x, y);
      for (Index t = 0; t < tokens; ++t)
        for (Index o = 0; o < out; ++o) y.view().row(t)[o] += bias[to_size(o)];
      CHECK(largest_difference(y, matrix(golden, name + ".dequant.f32.y")) <= 4 * 2e-6f);
      context.arithmetic = Arithmetic::fast;
    }
  }
}
