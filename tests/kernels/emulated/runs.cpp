// Defined before the archive of the tests' main is searched, whose own definition (support/runs.cpp) is then left there.
#include <iostream>

#include "support/isas.hpp"

// What the emulation is for: the others are the same code as everywhere, and tested there. It needs AVX2 itself.
bool tfm_test::runs(tfm::Isa isa) {
  static const bool here = [] {
    const bool has = tfm::supported(tfm::Isa::avx2);
    if (!has) std::cout << "[tfm: skipped] AVX-VNNI and AVX-512 are emulated on AVX2, which this CPU does not have\n";
    return has;
  }();
  return here && isa > tfm::Isa::avx2;
}
