#pragma once
// IQ4_XS: superblocks of 256 along a row: a binary16 d, a scale S of six bits for each 32 values (their high two in 16 bits, their low four
// in 4 bytes), then 16 bytes of nibbles for each; value = d (S - 32) L(nibble), with the sixteen L of iq4.hpp (ggml's).
#include "tfm/numeric/formats/iq4.hpp"

namespace tfm::inline TFM_ABI {

// In panels S - 32 are int8.
template <>
struct FormatTraits<Format::iq4_xs> : SpreadBlocks<Format::iq4_xs, 256, 136, 1, 8, 4> {
  static constexpr const char* name = "IQ4_XS";
  static constexpr int gguf = 23;

  static void spread(const std::byte* block, std::byte* own, std::byte* levels) noexcept {
    std::memcpy(own, block, 2), std::memcpy(levels, block + 8, 128);
    const int high = detail::read_u16(block + 2);
    for (int g = 0; g < parts; ++g) {
      const int low = std::to_integer<int>(block[4 + g / 2]) >> g % 2 * 4 & 15;
      own[2 + g] = static_cast<std::byte>((low | (high >> 2 * g & 3) << 4) - 32);
    }
  }
  static void join(const std::byte* own, const std::byte* levels, std::byte* block) noexcept {
    std::memcpy(block, own, 2), std::memset(block + 4, 0, 4), std::memcpy(block + 8, levels, 128);
    int high = 0;
    for (int g = 0; g < parts; ++g) {
      const int scale = detail::read_i8(own + 2 + g) + 32;
      high |= scale >> 4 << 2 * g, block[4 + g / 2] |= static_cast<std::byte>((scale & 15) << g % 2 * 4);
    }
    detail::write_u16(block + 2, static_cast<std::uint16_t>(high));
  }
  static BlockScale scale_of(const BlockHead& own, Index part) noexcept { return {own.half(0) * static_cast<float>(own.signed_number(part)), 0}; }
  static int level(const BlockWords& own, Index k) noexcept { return detail::iq4_levels[own.nibble(k)]; }
  static void quantise_block(const float* x, std::byte* bytes) noexcept {
    float scales[parts], extreme = 0;
    for (Index g = 0; g < parts; ++g) {
      scales[g] = detail::nearest_iq4_scale(x + g * activation_block);
      if (std::abs(scales[g]) > std::abs(extreme)) extreme = scales[g];
    }
    std::byte own[head], levels[parts * part_bytes];
    detail::write_u16(own, f16_from_f32(extreme / -32.f));
    const float d = detail::read_f16(own), per_d = detail::reciprocal(d);
    for (Index g = 0; g < parts; ++g) {
      const float* const values = x + g * activation_block;
      const int scale = detail::nearest_level(scales[g], 0, per_d, -32, 31);
      float best = 0;
      double lowest = -1;
      for (int s = std::max(scale - 1, -32); s <= std::min(scale + 1, 31); ++s)
        if (const double left = detail::try_iq4(values, d * static_cast<float>(s)).left; lowest < 0 || left < lowest)
          lowest = left, best = d * static_cast<float>(s), own[2 + g] = static_cast<std::byte>(s);
      detail::set_iq4(values, best, levels + g * part_bytes);
    }
    join(own, levels, bytes);
  }
};

}  // namespace tfm::inline TFM_ABI
