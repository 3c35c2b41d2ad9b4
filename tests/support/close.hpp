#pragma once
// Comparing floats with doubles, element by element, each with a tolerance that its own arithmetic gives.
#include <cmath>

#include "support/catch.hpp"
#include "tfm/core/view.hpp"

namespace tfm_test {

/// Half of the last place of float32, relatively: what one rounding costs at most.
inline constexpr double rounding = 0x1p-24;

/// expected(row, col) and tolerance(row, col) give doubles.
template <class Expected, class Tolerance>
void require_close(tfm::View found, Expected expected, Tolerance tolerance) {
  for (tfm::Index r = 0; r < found.rows; ++r)
    for (tfm::Index c = 0; c < found.cols; ++c) {
      const double value = static_cast<double>(found.row(r)[c]), wanted = expected(r, c), most = tolerance(r, c);
      if (std::abs(value - wanted) <= most) continue;
      FAIL("at [" << r << ", " << c << "]: found " << value << ", expected " << wanted << " within " << most
                  << ", off by " << std::abs(value - wanted));
    }
  SUCCEED();
}

}  // namespace tfm_test
