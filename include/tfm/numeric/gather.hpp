#pragma once
// Rows turned into panels, in vectors of the compiler's own: every CPU has some of sixteen bytes.
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "tfm/numeric/format.hpp"

namespace tfm::inline TFM_ABI::detail {

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

// Rows of `bytes` in words of four bytes, of which the last may be filled up with 0.
inline void gather_row_words(const std::byte* const* rows, Index count, Index bytes, std::byte* to) noexcept {
  gather_words(rows, count, 0, bytes / 4, to);
  if (bytes % 4 == 0) return;
  to += bytes / 4 * 4 * panel_rows;
  std::memset(to, 0, 4 * panel_rows);
  for (Index r = 0; r < count; ++r) std::memcpy(to + 4 * r, rows[r] + bytes / 4 * 4, static_cast<std::size_t>(bytes % 4));
}

}  // namespace tfm::inline TFM_ABI::detail
