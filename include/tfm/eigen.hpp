#pragma once
// Umbrella: Eigen's language over tfm's views, for layers of one's own. Needs Eigen, which nothing else of the library does.
#include "tfm/core/eigen.hpp"
