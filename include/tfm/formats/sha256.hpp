#pragma once
// Sha256: the hash by which files and data are known again.    NIST FIPS 180-4, sections 5.1.1 and 6.2
#include <array>
#include <bit>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "tfm/formats/byte_views.hpp"

namespace tfm::inline TFM_ABI {

/// Bytes are added piece by piece; how they are cut into pieces changes nothing.
class Sha256 {
  static constexpr std::array<std::uint32_t, 64> constants{  // the cube roots of the first 64 primes
      0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
      0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
      0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
      0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
      0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
      0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
      0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
      0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

  std::array<std::uint32_t, 8> state_{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                      0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  std::array<std::byte, 64> block_{};
  std::size_t filled_ = 0;
  std::uint64_t bytes_ = 0;

  void take_block() noexcept;

 public:
  Sha256& add(std::span<const std::byte> bytes) noexcept;
  Sha256& add(std::string_view text) noexcept { return add(bytes_of(text)); }
  /// The number's eight bytes.
  Sha256& add_number(std::int64_t number) noexcept { return add(std::as_bytes(std::span(&number, 1))); }
  /// The text after its length, so that of two texts it matters where the first one ends.
  Sha256& add_text(std::string_view text) noexcept { return add_number(static_cast<std::int64_t>(text.size())).add(text); }

  /// The hash of all that was added, as 64 hexadecimal digits. More can be added afterwards.
  std::string digits() const;
};

}  // namespace tfm::inline TFM_ABI

#if defined(TFM_DEFINITIONS)
#include "tfm/formats/sha256.inl"
#endif
