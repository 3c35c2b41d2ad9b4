#pragma once
// IQ4_NL: blocks of 32 along a row: a binary16 scale d, then nibbles as in Q4_0; value = d L(nibble), with the sixteen L of iq4.hpp (ggml's).
#include "tfm/numeric/formats/iq4.hpp"

namespace tfm::inline TFM_ABI {

template <>
struct FormatTraits<Format::iq4_nl> : SpreadBlocks<Format::iq4_nl, activation_block, 18, 1, 0, 4> {
  static constexpr const char* name = "IQ4_NL";
  static constexpr int gguf = 20;

  static void spread(const std::byte* block, std::byte* own, std::byte* levels) noexcept {
    std::memcpy(own, block, 2), std::memcpy(levels, block + 2, 16);
  }
  static void join(const std::byte* own, const std::byte* levels, std::byte* block) noexcept {
    std::memcpy(block, own, 2), std::memcpy(block + 2, levels, 16);
  }
  static BlockScale scale_of(const BlockHead& own, Index) noexcept { return {own.half(0), 0}; }
  static int level(const BlockWords& own, Index k) noexcept { return detail::iq4_levels[own.nibble(k)]; }
  static void quantise_block(const float* x, std::byte* bytes) noexcept {
    detail::write_u16(bytes, f16_from_f32(detail::nearest_iq4_scale(x)));
    detail::set_iq4(x, detail::read_f16(bytes), bytes + 2);
  }
};

}  // namespace tfm::inline TFM_ABI
