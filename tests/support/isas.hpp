#pragma once
// The instruction sets that a test forces: all that this CPU has, or those named in TFM_TEST_ISA (comma-separated).
#include <cstdlib>
#include <string>
#include <vector>

#include "tfm/core/isa.hpp"

namespace tfm_test {

inline std::vector<tfm::Isa> isas() {
  const char* asked = std::getenv("TFM_TEST_ISA");
  std::vector<tfm::Isa> found;
  for (int i = 0; i < tfm::isa_count; ++i) {
    const auto isa = static_cast<tfm::Isa>(i);
    const std::string wanted = "," + std::string(asked == nullptr ? "" : asked) + ",";
    const bool named = asked == nullptr || *asked == '\0' || wanted.find("," + std::string(name(isa)) + ",") != std::string::npos;
    if (named && tfm::supported(isa)) found.push_back(isa);
  }
  return found;
}

}  // namespace tfm_test
