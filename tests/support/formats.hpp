#pragma once
// The number formats of the list, for tests that hold of every one.
#include <vector>

#include "tfm/numeric/format_table.hpp"

namespace tfm_test {

/// All that tfm computes with, or those that `wanted` is true of.
template <class Wanted>
std::vector<tfm::Format> formats(Wanted wanted) {
  std::vector<tfm::Format> found;
  for (int i = 0; i < tfm::format_count; ++i)
    if (wanted(static_cast<tfm::Format>(i))) found.push_back(static_cast<tfm::Format>(i));
  return found;
}
inline std::vector<tfm::Format> formats() {
  return formats([](tfm::Format) { return true; });
}

}  // namespace tfm_test
