#pragma once
// Finite differences, by the names that our tests have for them.
#include "tfm/train/check_gradients.hpp"

namespace tfm_test {

using tfm::check_gradient;
using tfm::GradientDifference;
using tfm::weighted_sum;

}  // namespace tfm_test
