#pragma once
// MXFP4: blocks of 32 along a row: a byte e, then nibbles as in Q4_0; value = 2^(e - 128) E(nibble), E being twice the values of a float of 2
// exponent bits and 1 of mantissa, the sign in bit 3 (Open Compute Project, Microscaling Formats 1.0, section 5; ggml's order).
#include <bit>

#include "tfm/numeric/formats/spread_blocks.hpp"

namespace tfm::inline TFM_ABI {

// In panels e - 128 is an int8.
template <>
struct FormatTraits<Format::mxfp4> : SpreadBlocks<Format::mxfp4, activation_block, 17, 0, 1, 4> {
  static constexpr const char* name = "MXFP4";
  static constexpr int gguf = 39;
  static constexpr signed char twice[16] = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};

  static void spread(const std::byte* block, std::byte* own, std::byte* levels) noexcept {
    own[0] = *block ^ std::byte{0x80}, std::memcpy(levels, block + 1, 16);
  }
  static void join(const std::byte* own, const std::byte* levels, std::byte* block) noexcept {
    *block = own[0] ^ std::byte{0x80}, std::memcpy(block + 1, levels, 16);
  }
  static BlockScale scale_of(const BlockHead& own, Index) noexcept { return {power_of_two(own.signed_number(0)), 0}; }
  static int level(const BlockWords& own, Index k) noexcept { return twice[own.nibble(k)]; }
  /// The largest value's exponent less that of 6, the largest E / 2 (as the specification has it, section 6.3), or one less or more: whichever
  /// leaves least.
  static void quantise_block(const float* x, std::byte* bytes) noexcept {
    const float largest = detail::absmax(x, block);
    const int exponent = std::max(-127, static_cast<int>(std::bit_cast<std::uint32_t>(largest) >> 23) - 127) - 2 - 1;
    double lowest = -1;
    for (int e = exponent - 1; e <= exponent + 1; ++e) {
      const int kept = std::max(-128, std::min(127, e));
      const float scale = power_of_two(kept);
      std::byte levels[16] = {};
      double left = 0;
      for (Index k = 0; k < block; ++k) {
        const int nearest = nearest_nibble(x[k] / scale);
        const double off = static_cast<double>(static_cast<float>(static_cast<double>(x[k]) - static_cast<double>(scale) * twice[nearest]));
        left += off * off;
        levels[k % 16] |= static_cast<std::byte>(nearest << (k < 16 ? 0 : 4));
      }
      if (lowest < 0 || left < lowest) lowest = left, bytes[0] = static_cast<std::byte>(kept + 128), std::memcpy(bytes + 1, levels, 16);
    }
  }

 private:
  /// Below 2^-126 a subnormal number.
  static float power_of_two(int n) noexcept {
    return std::bit_cast<float>(n < -126 ? 0x00400000u >> (-127 - n) : static_cast<std::uint32_t>(n + 127) << 23);
  }
  static int nearest_nibble(float x) noexcept {
    int i = 0;
    for (int j = 1; j < 8; ++j) i += 2 * std::abs(x) > static_cast<float>(twice[j - 1] + twice[j]);
    return x < 0 ? i + 8 : i;
  }
};

}  // namespace tfm::inline TFM_ABI
