#pragma once
// Test data that is kept packed: FILE, or FILE.xz, which the program xz unpacks.
#include <array>
#include <cstdio>
#include <string>

#include "support/data.hpp"
#include "support/vocabularies.hpp"

namespace tfm_test {

/// The file's bytes. Otherwise says that it is not there, or cannot be unpacked, in the words by which CTest counts a
/// test as skipped.
inline std::optional<std::string> unpacked(const std::filesystem::path& path) {
  if (std::filesystem::exists(path)) return read_file(path);
  const auto packed = require(path.string() + ".xz");
  if (!packed) return std::nullopt;
  std::string bytes;
  if (FILE* const pipe = ::popen(("xz -dc '" + packed->string() + "' 2>/dev/null").c_str(), "r")) {
    std::array<char, 1 << 16> part;
    for (std::size_t n; (n = std::fread(part.data(), 1, part.size(), pipe)) > 0;) bytes.append(part.data(), n);
    if (::pclose(pipe) == 0) return bytes;
  }
  std::cout << "[tfm: skipped] xz does not unpack " << packed->string() << '\n';
  SUCCEED("skipped");
  return std::nullopt;
}

}  // namespace tfm_test
