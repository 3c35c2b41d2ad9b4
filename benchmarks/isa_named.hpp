#pragma once
// --isa NAME of the programs here.
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include <tfm/core/isa.hpp>

namespace limits {

/// The instruction set of that name. Where this CPU lacks it, the program says which there are and ends.
inline tfm::Isa isa_named(std::string_view wanted) {
  std::string known;
  for (int i = 0; i < tfm::isa_count; ++i) {
    const auto isa = static_cast<tfm::Isa>(i);
    if (!supported(isa)) continue;
    if (name(isa) == wanted) return isa;
    known += known.empty() ? "" : ", ";
    known += name(isa);
  }
  std::fprintf(stderr, "--isa %s: this CPU has %s\n", std::string(wanted).c_str(), known.c_str());
  std::exit(2);
}

}  // namespace limits
