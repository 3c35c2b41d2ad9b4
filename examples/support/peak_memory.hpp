#pragma once
// The most memory that the program has had so far.
#include <sys/resource.h>

#include "tfm/core/index.hpp"

namespace cli {

/// Resident bytes.
inline tfm::Index peak_memory_bytes() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  return static_cast<tfm::Index>(used.ru_maxrss) * 1024;
}

}  // namespace cli
