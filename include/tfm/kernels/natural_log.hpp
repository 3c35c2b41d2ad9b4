#pragma once
// ln x from additions, rounded products and divisions alone: the same bits whatever the machine's mathematical library.
#include <bit>
#include <cstdint>

#include "tfm/numeric/half.hpp"

namespace tfm::inline TFM_ABI::kernels {

/// ln x of a positive, normal x, within 1e-15 relatively (absolutely below 1): x = 2^n m, m between the roots of 1/2 and 2,
/// ln m = 2 artanh s, s = (m - 1) / (m + 1), by the series to s^21.
inline double natural_log(double x) noexcept {
  constexpr std::uint64_t mantissa = 0xfffffffffffffu;
  const auto bits = std::bit_cast<std::uint64_t>(x);
  auto n = static_cast<int>(bits >> 52) - 1023;
  double m = std::bit_cast<double>((bits & mantissa) | 0x3ff0000000000000u);
  if (m > 1.4142135623730951) m = m / 2, ++n;
  const double s = (m - 1) / (m + 1), square = rounded_product(s, s);
  double series = 0;
  for (int k = 21; k > 1; k -= 2) series = rounded_product(series + 1.0 / k, square);
  const double doubled = 2 * s;
  return rounded_product(static_cast<double>(n), 0.6931471805599453) + (doubled + rounded_product(doubled, series));
}

}  // namespace tfm::inline TFM_ABI::kernels
