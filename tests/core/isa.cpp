// What the library finds of the CPU is what the system tells of it.
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>

#include "support/catch.hpp"
#include "tfm/core/isa.hpp"

using namespace tfm;

#if defined(__x86_64__)
namespace {

/// The words after the first line of /proc/cpuinfo that begins with `key`, each between spaces; "" where there is none.
std::string cpu_features(std::string_view key) {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);)
    if (line.starts_with(key)) return " " + line.substr(line.find(':') + 1) + " ";
  return "";
}

}  // namespace
#endif

TEST_CASE("instruction sets are those that the system tells of") {
#if defined(__x86_64__)
  const std::string features = cpu_features("flags");
  if (features.empty()) {
    std::cout << "[tfm: skipped] /proc/cpuinfo tells no flags\n";
    return;
  }
  const auto has = [&](std::string_view words) {
    std::istringstream all{std::string(words)};
    for (std::string word; all >> word;)
      if (features.find(" " + word + " ") == std::string::npos) return false;
    return true;
  };
  const std::string avx2 = "avx2 fma f16c", avx512 = avx2 + " avx512f avx512bw avx512vl avx512dq", vnni = avx512 + " avx512_vnni";
  CHECK(supported(Isa::baseline));
  CHECK(supported(Isa::avx2) == has(avx2));
  CHECK(supported(Isa::avx_vnni) == has(avx2 + " avx_vnni"));
  CHECK(supported(Isa::avx512) == has(avx512));
  CHECK(supported(Isa::avx512_vnni) == has(vnni));
  CHECK(supported(Isa::avx512_bf16) == has(vnni + " avx512_bf16"));
  CHECK_FALSE(supported(Isa::neon));
#else  // an emulator shows the other machine's /proc: who starts it knows
  const char* const expected = std::getenv("TFM_TEST_BEST_ISA");
  if (expected == nullptr) {
    std::cout << "[tfm: skipped] set TFM_TEST_BEST_ISA to the name of the best instruction set of this CPU\n";
    return;
  }
  CHECK(name(best_isa()) == expected);
#endif
}

TEST_CASE("the region of float kernels is the widest one below an instruction set that is whole") {
  for (int i = 0; i < isa_count; ++i) {
    const auto isa = static_cast<Isa>(i), whole = whole_region(isa);
    CHECK(whole <= isa);
    CHECK(whole_region(whole) == whole);
    CHECK(name(isa).starts_with(name(whole).substr(0, 3)));
  }
}
