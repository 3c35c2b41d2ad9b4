#pragma once
// Numbers for tests: the same on every machine.
#include <cstring>
#include <vector>

#include "tfm/core/random.hpp"
#include "tfm/core/view.hpp"

namespace tfm_test {

/// Uniform in -scale .. scale.
inline tfm::Buffer random_matrix(std::uint64_t seed, tfm::Index rows, tfm::Index cols, float scale = 1) {
  tfm::Buffer buffer(rows, cols);
  const tfm::RandomKey key = tfm::RandomKey{0}.with(seed);
  for (tfm::Index i = 0; i < rows * cols; ++i) buffer.view().data[i] = (2 * key.uniform(static_cast<std::uint64_t>(i)) - 1) * scale;
  return buffer;
}

/// FNV-1a over the bytes.
inline std::uint64_t hash(tfm::View x, std::uint64_t h = 0xcbf29ce484222325u) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(x.data);
  for (std::size_t i = 0; i < tfm::to_size(x.size()) * sizeof(float); ++i) h = (h ^ bytes[i]) * 0x100000001b3u;
  return h;
}

inline bool same_bits(tfm::View a, tfm::View b) {
  return a.rows == b.rows && a.cols == b.cols && std::memcmp(a.data, b.data, tfm::to_size(a.size()) * sizeof(float)) == 0;
}

}  // namespace tfm_test
