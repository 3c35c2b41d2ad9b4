#pragma once
// file_text: all bytes of a file.
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace tfm_test {

inline std::string file_text(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace tfm_test
