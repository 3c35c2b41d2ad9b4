#pragma once
// CRC-32C, the checksum of TensorBoard's records.    Castagnoli et al. 1993; RFC 3720, appendix B.4
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "tfm/core/config.hpp"

namespace tfm::inline TFM_ABI {

namespace detail {
inline constexpr std::array<std::uint32_t, 256> crc32c_table = [] {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc % 2 == 1 ? 0x82f63b78u : 0u);
    table[byte] = crc;
  }
  return table;
}();
}  // namespace detail

constexpr std::uint32_t crc32c(std::span<const std::byte> bytes) noexcept {
  std::uint32_t crc = 0xffffffffu;
  for (const std::byte b : bytes) crc = crc >> 8 ^ detail::crc32c_table[(crc ^ std::to_integer<std::uint32_t>(b)) & 0xffu];
  return ~crc;
}

}  // namespace tfm::inline TFM_ABI
