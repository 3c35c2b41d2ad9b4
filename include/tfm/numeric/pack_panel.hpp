#pragma once
// From rows as files have them to one panel, in vectors of the compiler's own: every CPU has some of sixteen bytes.
#include <cstdint>
#include <cstring>

#include "tfm/numeric/panels.hpp"

namespace tfm::inline TFM_ABI {

namespace detail {

using FourWords = std::uint32_t __attribute__((vector_size(16)));

// to[16 w + r] = word w of those from rows[r] + at on, for w below 4 and r below 16.
inline void turn_words(const std::byte* const* rows, Index at, std::byte* to) noexcept {
  for (Index r = 0; r < panel_rows; r += 4) {
    FourWords a, b, c, d;
    std::memcpy(&a, rows[r] + at, 16), std::memcpy(&b, rows[r + 1] + at, 16), std::memcpy(&c, rows[r + 2] + at, 16), std::memcpy(&d, rows[r + 3] + at, 16);
    const FourWords low_ab = __builtin_shufflevector(a, b, 0, 4, 1, 5), high_ab = __builtin_shufflevector(a, b, 2, 6, 3, 7);
    const FourWords low_cd = __builtin_shufflevector(c, d, 0, 4, 1, 5), high_cd = __builtin_shufflevector(c, d, 2, 6, 3, 7);
    const auto put = [&](Index w, FourWords four) { std::memcpy(to + (w * panel_rows + r) * 4, &four, 16); };
    put(0, __builtin_shufflevector(low_ab, low_cd, 0, 1, 4, 5)), put(1, __builtin_shufflevector(low_ab, low_cd, 2, 3, 6, 7));
    put(2, __builtin_shufflevector(high_ab, high_cd, 0, 1, 4, 5)), put(3, __builtin_shufflevector(high_ab, high_cd, 2, 3, 6, 7));
  }
}

// to[N r] = N bytes of rows[r] + at.
template <std::size_t N>
void gather(const std::byte* const* rows, Index count, Index at, std::byte* to) noexcept {
  const auto put = [&](Index r) { std::memcpy(to + r * Index{N}, rows[r] + at, N); };
  Index r = 0;
  for (; r + 4 <= count; r += 4) put(r), put(r + 1), put(r + 2), put(r + 3);
  for (; r < count; ++r) put(r);
}

// `words` words of every row, a word of all rows after the other.
inline void gather_words(const std::byte* const* rows, Index count, Index at, Index words, std::byte* to) noexcept {
  Index w = 0;
  if (count == panel_rows)
    for (; w + 4 <= words; w += 4) turn_words(rows, at + 4 * w, to + 4 * panel_rows * w);
  for (; w < words; ++w) gather<4>(rows, count, at + 4 * w, to + 4 * panel_rows * w);
}

using EightHalves = std::uint16_t __attribute__((vector_size(16)));
using TwoPairs = std::uint64_t __attribute__((vector_size(16)));

// The same of words of two bytes.
inline void gather_halves(const std::byte* const* rows, Index count, Index words, std::byte* to) noexcept {
  const auto turn = [&](Index w, Index first) {  // eight words of eight rows
    EightHalves a[8], b[8];
    for (Index r = 0; r < 8; ++r) std::memcpy(&a[r], rows[first + r] + 2 * w, 16);
    for (Index r = 0; r < 8; r += 2)
      b[r] = __builtin_shufflevector(a[r], a[r + 1], 0, 8, 1, 9, 2, 10, 3, 11), b[r + 1] = __builtin_shufflevector(a[r], a[r + 1], 4, 12, 5, 13, 6, 14, 7, 15);
    for (Index r = 0; r < 8; r += 4)
      for (Index i = 0; i < 2; ++i) {
        const auto low = reinterpret_cast<FourWords>(b[r + i]), high = reinterpret_cast<FourWords>(b[r + 2 + i]);
        a[r + 2 * i] = reinterpret_cast<EightHalves>(__builtin_shufflevector(low, high, 0, 4, 1, 5));
        a[r + 2 * i + 1] = reinterpret_cast<EightHalves>(__builtin_shufflevector(low, high, 2, 6, 3, 7));
      }
    for (Index i = 0; i < 4; ++i) {
      const auto low = reinterpret_cast<TwoPairs>(a[i]), high = reinterpret_cast<TwoPairs>(a[4 + i]);
      const TwoPairs even = __builtin_shufflevector(low, high, 0, 2), odd = __builtin_shufflevector(low, high, 1, 3);
      std::byte* const line = to + ((w + 2 * i) * panel_rows + first) * 2;
      std::memcpy(line, &even, 16), std::memcpy(line + 2 * panel_rows, &odd, 16);
    }
  };
  Index w = 0;
  if (count == panel_rows)
    for (; w + 8 <= words; w += 8) turn(w, 0), turn(w, 8);
  for (; w < words; ++w) gather<2>(rows, count, 2 * w, to + 2 * panel_rows * w);
}

// Four-byte words of rows in blocks of `block` bytes, of which `head` come before the words.
inline void gather_blocks(const std::byte* const* rows, Index count, Index blocks, Index block, Index head, Index words, std::byte* to) noexcept {
  for (Index b = 0; b < blocks; ++b) gather_words(rows, count, b * block + head, words, to + 4 * panel_rows * words * b);
}

}  // namespace detail

/// Writes the first `count` rows of a panel, which a file has at rows[r], and 0 into the others. `scales` are theirs, for Int8.
inline void pack_panel(Format format, const std::byte* const* rows, Index count, Index cols, const float* scales, std::byte* panel) noexcept {
  const Index header = panel_header_bytes(format, cols), blocks = cols / 32, size = panel_bytes(format, cols);
  std::memset(panel, 0, static_cast<std::size_t>(count < panel_rows ? size : header));
  std::byte* const values = panel + header;
  const auto scale_and_minimum = [&](Index block, Index what) {
    for (Index b = 0; b < blocks; ++b) detail::gather<2>(rows, count, b * block + 2 * what, panel + (what * blocks + b) * panel_rows * 2);
  };
  // Fours of bytes, of which the last may be fewer.
  const auto plain = [&](Index bytes) {
    detail::gather_words(rows, count, 0, bytes / 4, values);
    if (bytes % 4 == 0) return;
    std::byte* const to = values + bytes / 4 * 4 * panel_rows;
    std::memset(to, 0, 4 * panel_rows);
    for (Index r = 0; r < count; ++r) std::memcpy(to + 4 * r, rows[r] + bytes / 4 * 4, static_cast<std::size_t>(bytes % 4));
  };
  switch (format) {
    case Format::f32: return plain(4 * cols);
    case Format::bf16: return plain(2 * cols);
    case Format::f16:
      std::memset(panel + size - 64, 0, 64);
      return detail::gather_halves(rows, count, cols, values);
    case Format::int8: std::memcpy(panel, scales, static_cast<std::size_t>(4 * count)); return plain(cols);
    case Format::q8_0: scale_and_minimum(34, 0); return detail::gather_blocks(rows, count, blocks, 34, 2, 8, values);
    case Format::q4_0: scale_and_minimum(18, 0); return detail::gather_blocks(rows, count, blocks, 18, 2, 4, values);
    case Format::q4_1:
      scale_and_minimum(20, 0), scale_and_minimum(20, 1);
      return detail::gather_blocks(rows, count, blocks, 20, 4, 4, values);
  }
}

}  // namespace tfm::inline TFM_ABI
