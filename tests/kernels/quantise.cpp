// Activations in int8: the plain loop on every instruction set, however many blocks a row has; which columns are outliers.
#include <cmath>
#include <limits>

#include "support/catch.hpp"
#include "support/isas.hpp"
#include "support/random.hpp"
#include "tfm/kernels/matmul.hpp"
#include "tfm/kernels/plain.hpp"

using namespace tfm;

namespace {

// A row's blocks, and what stands behind them.
struct Blocks {
  std::vector<signed char> q;
  std::vector<float> scales, scaled_sums, rest;
  std::vector<int> starts, half_starts;

  explicit Blocks(Index blocks) : q(to_size(32 * blocks + 1), 99), scales(to_size(blocks + 1), 99.f), scaled_sums(scales), rest(to_size(32 * blocks + 1), 99.f), starts(to_size(blocks + 1), 99), half_starts(starts) {}
  bool ends_whole() const { return q.back() == 99 && scales.back() == 99.f && scaled_sums.back() == 99.f && rest.back() == 99.f && starts.back() == 99 && half_starts.back() == 99; }
};

}  // namespace

TEST_CASE("activations in blocks of 32 are those of the plain loop") {
  Context context(1);
  for (const Index blocks : {1, 2, 15, 16, 17, 31, 32, 50})
    for (const float bad : {0.f, std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
      Buffer x = tfm_test::random_matrix(3, 1, 32 * blocks, 4);
      float* const row = x.view().data;
      for (Index b = 0; b < blocks; ++b)
        for (Index k = 32 * b; k < 32 * b + 32; ++k) {
          if (b % 5 == 1) row[k] *= 1e-37f;  // the reciprocal would overflow, or does not quite
          if (b % 5 == 2) row[k] *= 1e36f;
          if (b % 5 == 3) row[k] = k % 32 == 0 ? -127.f : 0.5f * static_cast<float>(k * 37 % 254 - 127);  // half way between two levels
          if (b == 4) row[k] = 0;
        }
      const Index bad_block = bad == 0.f ? -1 : blocks / 2;
      if (bad_block >= 0) row[32 * bad_block + 13] = bad;
      for (const Isa isa : tfm_test::isas())
        for (const bool two : {false, true}) {
          Blocks found(blocks);
          kernels::table(isa).quantise_blocks(context, x, found.q.data(), found.scales.data(), found.scaled_sums.data(), found.starts.data(),
                                              found.half_starts.data(), two ? found.rest.data() : nullptr);
          REQUIRE(found.ends_whole());
          std::vector<int> q;
          for (Index b = 0; b < blocks; ++b) {
            INFO(blocks << " blocks, block " << b << " " << name(isa) << " one is " << bad);
            const auto i = to_size(b);
            if (b == bad_block) {
              REQUIRE((std::isnan(found.scales[i]) && std::isnan(found.scaled_sums[i])));
              continue;
            }
            const float scale = kernels::plain::quantise(row + 32 * b, 32, q);
            int sum = 0, half = 0;
            for (Index k = 0; k < 32; ++k) {
              REQUIRE(found.q[to_size(32 * b + k)] == q[to_size(k)]);
              sum += q[to_size(k)], half += k < 16 ? q[to_size(k)] : 0;
              const float left = std::fma(-scale, static_cast<float>(q[to_size(k)]), row[32 * b + k]);
              if (has_fma(isa)) REQUIRE(found.rest[to_size(32 * b + k)] == (two ? left : 99.f));
            }
            REQUIRE(found.scales[i] == scale);
            REQUIRE(found.starts[i] == -8 * sum);
            REQUIRE(found.half_starts[i] == -8 * half);
            REQUIRE(found.scaled_sums[i] == scale * static_cast<float>(sum));
          }
        }
    }
}

TEST_CASE("outliers are marked by the rule, whatever the number of columns") {
  Context context(1);
  for (const Index cols : {1, 15, 63, 64, 65, 200, 531})
    for (const bool half : {false, true})
      for (const float threshold : {0.f, 2.5f, 6.f, 1e9f}) {
        Buffer x = tfm_test::random_matrix(3, 1, cols, 2);
        const float special[] = {threshold, -threshold, std::nextafter(threshold, 0.f), std::nextafter(-threshold, -1e30f), threshold * (1 - 0x1p-13f), 65519.f, -65520.f, 3e38f,
                                 std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()};
        Index at = 0;
        for (const float number : special) x.view().data[(at += 29) % cols] = number;
        for (const Isa isa : tfm_test::isas()) {
          std::vector<std::uint64_t> marks(to_size(ceil_div(cols, 64) + 1), 0x5555u);
          int count = 99, expected = 0;
          kernels::table(isa).mark_outliers(context, x, threshold, half, marks.data(), &count);
          for (Index k = 0; k < ceil_div(cols, 64) * 64; ++k) {
            INFO(cols << " columns, column " << k << ", half " << half << ", threshold " << threshold << " " << name(isa));
            const float value = k >= cols ? 0 : half ? f32_from_f16(f16_from_f32(x.view().data[k])) : x.view().data[k];
            const bool outlier = k < cols && std::isfinite(value) && std::abs(value) >= threshold;
            REQUIRE((marks[to_size(k / 64)] >> k % 64 & 1) == (outlier ? 1u : 0u));
            expected += outlier ? 1 : 0;
          }
          REQUIRE(count == expected);
          REQUIRE(marks.back() == 0x5555u);
        }
      }
}
