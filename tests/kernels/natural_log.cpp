#include "tfm/kernels/natural_log.hpp"

#include <cmath>

#include "support/catch.hpp"
#include "tfm/core/random.hpp"

TEST_CASE("the natural logarithm is the library's to the last places, over all magnitudes") {
  const tfm::RandomKey key{1};
  for (std::uint64_t i = 0; i < 20000; ++i) {
    const double x = std::ldexp(0.5 + static_cast<double>(key.uniform(2 * i)), static_cast<int>(key.bits(2 * i + 1) % 2000) - 1000);
    REQUIRE(std::abs(tfm::kernels::natural_log(x) - std::log(x)) <= 1e-15 * std::max(1.0, std::abs(std::log(x))));
  }
  for (std::uint64_t i = 0; i < 20000; ++i) {  // near 1, where the logarithm is small
    const double x = 1 + (static_cast<double>(key.uniform(i)) - 0.5) * 1e-3;
    REQUIRE(std::abs(tfm::kernels::natural_log(x) - std::log(x)) <= 1e-15 * std::abs(std::log(x)));
  }
  CHECK(tfm::kernels::natural_log(1) == 0);
  CHECK(tfm::kernels::natural_log(2) == Approx(std::log(2.0)).epsilon(1e-15));
}
