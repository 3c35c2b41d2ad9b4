#pragma once
// Where tests find the data that the repository does not ship: TFM_SHARED, and TFM_GOLDEN for another seed's goldens.
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <optional>
#include <string>

#include "support/catch.hpp"

namespace tfm_test {

inline std::filesystem::path environment_or(const char* name, std::filesystem::path otherwise) {
  const char* value = std::getenv(name);
  return value != nullptr && *value != '\0' ? std::filesystem::path(value) : otherwise;
}
/// The checkout, known to one object file alone: the others are the same in every checkout, and a compiler's cache serves them all.
std::filesystem::path source_folder();
/// Default: the folder "shared" beside the checkout.
inline std::filesystem::path shared() { return environment_or("TFM_SHARED", source_folder().parent_path() / "shared"); }
inline std::filesystem::path golden() { return environment_or("TFM_GOLDEN", shared() / "golden/data"); }

/// The path if it is there; otherwise says so in the words by which CTest counts the test as skipped.
///   const auto file = require(golden() / "int8.safetensors");  if (!file) return;
inline std::optional<std::filesystem::path> require(const std::filesystem::path& path) {
  if (std::filesystem::exists(path)) return path;
  std::cout << "[tfm: skipped] not there: " << path.string() << '\n';
  SUCCEED("skipped");
  return std::nullopt;
}

}  // namespace tfm_test
