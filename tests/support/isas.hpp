#pragma once
// The instruction sets that a test forces: all that the program runs here, or those named in TFM_TEST_ISA (comma-separated).
#include <cstdlib>
#include <string>
#include <vector>

#include "tfm/core/isa.hpp"

namespace tfm_test {

/// Whether the kernels that the program is linked with run it here: what this CPU has (runs.cpp), or what is emulated.
bool runs(tfm::Isa isa);

inline std::vector<tfm::Isa> isas() {
  const char* asked = std::getenv("TFM_TEST_ISA");
  std::vector<tfm::Isa> found;
  for (int i = 0; i < tfm::isa_count; ++i) {
    const auto isa = static_cast<tfm::Isa>(i);
    std::string wanted = ",", listed = ",";
    wanted.append(name(isa)).append(",");
    listed.append(asked == nullptr ? "" : asked).append(",");
    const bool named = listed.size() == 2 || listed.find(wanted) != std::string::npos;
    if (named && runs(isa)) found.push_back(isa);
  }
  return found;
}

}  // namespace tfm_test
