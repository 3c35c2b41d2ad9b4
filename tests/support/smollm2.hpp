#pragma once
// Where tests find the real chat model: TFM_MODEL, or the cache that the demo fills.
#include <filesystem>
#include <optional>

#include "support/data.hpp"

namespace tfm_test {

/// SmolLM2-135M-Instruct in Q4_1, if it is there; otherwise says so in the words by which CTest counts a test as
/// skipped.
inline std::optional<std::filesystem::path> smollm2() {
  const auto cache = environment_or("XDG_CACHE_HOME", environment_or("HOME", ".") / ".cache");
  return require(environment_or("TFM_MODEL", cache / "tfm/SmolLM2-135M-Instruct.Q4_1.gguf"));
}

}  // namespace tfm_test
