#pragma once
// Random numbers as a function: of a key and a counter, never of a thread, an order or a clock.
#include <cstdint>

#include "tfm/core/index.hpp"

namespace tfm::inline TFM_ABI {

/// One step of SplitMix64 (Steele, Lea, Flood 2014): a bijection that scatters its input's bits.
constexpr std::uint64_t splitmix64(std::uint64_t z) noexcept {
  z += 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}
[[deprecated("call splitmix64")]] constexpr std::uint64_t mix(std::uint64_t z) noexcept { return splitmix64(z); }

/// A stream of random numbers: value(i) is the same whoever asks, and whenever.
struct RandomKey {
  std::uint64_t seed = 0;

  /// The stream for a part: a step, a sample, a layer.
  constexpr RandomKey with(std::uint64_t part) const noexcept { return {splitmix64(seed ^ splitmix64(part))}; }
  constexpr std::uint64_t bits(std::uint64_t i) const noexcept { return splitmix64(seed + i * 0x9e3779b97f4a7c15u); }
  /// Uniform in [0, 1), 24 bits.
  constexpr float uniform(std::uint64_t i) const noexcept { return static_cast<float>(bits(i) >> 40) * 0x1p-24f; }
};

}  // namespace tfm::inline TFM_ABI
