#pragma once
// --isa NAME of the programs here.
#include <optional>
#include <string_view>

#include <tfm/core/isa.hpp>

namespace limits {

/// The instruction set of that name, if this CPU has it.
inline std::optional<tfm::Isa> isa_named(std::string_view wanted) {
  for (int i = 0; i < tfm::isa_count; ++i)
    if (const auto isa = static_cast<tfm::Isa>(i); name(isa) == wanted && supported(isa)) return isa;
  return std::nullopt;
}

}  // namespace limits
