#pragma once
// The packed layout of frozen weights: panels of sixteen output rows, interleaved, so that a product loads sixteen rows'
// weights as one vector, broadcasts the activation, and never sums across a register. One layout serves decoding,
// prefill and backward.
//
//   F32         [k][16 rows]                      float
//   F16         [k][16 rows]                      binary16
//   BF16        [k / 2][16 rows][2 k]             bfloat16, an odd last column padded with 0
//   Int8        [16 scales f32] [k / 4][16 rows][4 k]               columns padded with 0 to a multiple of 4
//   Q8_0        [block][16 scales f16] then [k / 4][16 rows][4 k]   of cached keys, whose columns may be any number, the
//                                                                   last block is shorter and padded as Int8's columns
//   Q4_0, Q4_1  [block][16 scales f16] (, [block][16 minima f16]) then [block][4][16 rows][4 k]: the low half of byte
//               (g, row, j) is k = 4 g + j, the high half k = 16 + 4 g + j
//
// The last panel's missing rows are 0. A panel's parts begin at multiples of 64 bytes.
#include "tfm/numeric/rows.hpp"

namespace tfm::inline TFM_ABI {

inline constexpr Index panel_rows = 16;

/// Of what is written above, and of the numbers that quantising gives: raised with either of them, so that panels which were
/// kept in a file are packed anew.
inline constexpr std::uint32_t panel_layout = 1;

/// Bytes of a panel's scales (and minima), which come first.
constexpr Index panel_header_bytes(Format format, Index cols) noexcept {
  const Index blocks = ceil_div(cols, 32);
  switch (format) {
    case Format::int8: return panel_rows * 4;
    case Format::q8_0:
    case Format::q4_0: return round_up(blocks * panel_rows * 2, 64);
    case Format::q4_1: return round_up(blocks * panel_rows * 4, 64);
    default: return 0;
  }
}

/// Bytes of one panel of `cols` columns.
constexpr Index panel_bytes(Format format, Index cols) noexcept {
  const Index header = panel_header_bytes(format, cols);
  switch (format) {
    case Format::f32: return cols * panel_rows * 4;
    case Format::f16: return round_up(cols * panel_rows * 2, 64);
    case Format::bf16: return round_up(cols, 2) * panel_rows * 2;
    case Format::int8:
    case Format::q8_0: return header + round_up(cols, 4) * panel_rows;
    case Format::q4_0:
    case Format::q4_1: return header + cols * panel_rows / 2;
  }
  return 0;
}

/// Bytes of a packed weight [rows, cols].
constexpr Index packed_bytes(Format format, Index rows, Index cols) noexcept {
  return ceil_div(rows, panel_rows) * panel_bytes(format, cols);
}

/// Packed panels as kernels see them. Owns nothing.
struct Panels {
  const std::byte* data{};
  Index rows{}, cols{};
  Format format{};

  constexpr Index count() const noexcept { return ceil_div(rows, panel_rows); }
  constexpr const std::byte* panel(Index p) const noexcept { return data + p * panel_bytes(format, cols); }
};

namespace detail {

/// Offsets, in bytes from the panel's start, of value k of row r.
constexpr Index value_offset(Format format, Index cols, Index r, Index k) noexcept {
  const Index header = panel_header_bytes(format, cols);
  switch (format) {
    case Format::f32: return (k * panel_rows + r) * 4;
    case Format::f16: return (k * panel_rows + r) * 2;
    case Format::bf16: return (k / 2 * panel_rows + r) * 4 + k % 2 * 2;
    case Format::int8:
    case Format::q8_0: return header + (k / 4 * panel_rows + r) * 4 + k % 4;
    case Format::q4_0:
    case Format::q4_1: return header + k / 32 * 256 + (k % 16 / 4 * panel_rows + r) * 4 + k % 4;
  }
  return 0;
}

using FourWords = std::uint32_t __attribute__((vector_size(16)));

// put(w, r, words w of rows r .. r + 3) for the four words from rows[r] + at on, of sixteen rows.
template <class Put>
[[gnu::always_inline]] inline void turn_words(const std::byte* const* rows, Index at, Put put) noexcept {
  for (Index r = 0; r < panel_rows; r += 4) {
    FourWords a, b, c, d;
    std::memcpy(&a, rows[r] + at, 16), std::memcpy(&b, rows[r + 1] + at, 16), std::memcpy(&c, rows[r + 2] + at, 16), std::memcpy(&d, rows[r + 3] + at, 16);
    const FourWords low_ab = __builtin_shufflevector(a, b, 0, 4, 1, 5), high_ab = __builtin_shufflevector(a, b, 2, 6, 3, 7);
    const FourWords low_cd = __builtin_shufflevector(c, d, 0, 4, 1, 5), high_cd = __builtin_shufflevector(c, d, 2, 6, 3, 7);
    put(0, r, __builtin_shufflevector(low_ab, low_cd, 0, 1, 4, 5)), put(1, r, __builtin_shufflevector(low_ab, low_cd, 2, 3, 6, 7));
    put(2, r, __builtin_shufflevector(high_ab, high_cd, 0, 1, 4, 5)), put(3, r, __builtin_shufflevector(high_ab, high_cd, 2, 3, 6, 7));
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
    for (; w + 4 <= words; w += 4)
      turn_words(rows, at + 4 * w, [&](Index i, Index r, FourWords four) { std::memcpy(to + ((w + i) * panel_rows + r) * 4, &four, 16); });
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
inline void pack_rows(Format format, const std::byte* const* rows, Index count, Index cols, const float* scales, std::byte* panel) noexcept {
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

/// The exact inverse: the row in the file's layout. Returns the row's scale (1 but for Int8).
inline float unpack_row(Panels w, Index row, std::byte* out) noexcept {
  const std::byte* const panel = w.panel(row / panel_rows);
  const Index r = row % panel_rows;
  const auto at = [&](Index k) { return panel + detail::value_offset(w.format, w.cols, r, k); };
  const auto move = [](std::byte* to, const std::byte* from, std::size_t n) { std::memcpy(to, from, n); };
  float scale = 1;
  switch (w.format) {
    case Format::f32:
      for (Index k = 0; k < w.cols; ++k) move(out + 4 * k, at(k), 4);
      break;
    case Format::f16:
    case Format::bf16:
      for (Index k = 0; k < w.cols; ++k) move(out + 2 * k, at(k), 2);
      break;
    case Format::int8:
      std::memcpy(&scale, panel + 4 * r, 4);
      for (Index k = 0; k < w.cols; ++k) out[k] = *at(k);
      break;
    case Format::q8_0:
      for (Index b = 0; b < w.cols / 32; ++b, out += 34) {
        move(out, panel + (b * panel_rows + r) * 2, 2);
        for (Index k = 0; k < 32; k += 4) move(out + 2 + k, at(32 * b + k), 4);
      }
      break;
    case Format::q4_0:
    case Format::q4_1: {
      const Index head = w.format == Format::q4_0 ? 2 : 4;
      for (Index b = 0; b < w.cols / 32; ++b, out += head + 16) {
        move(out, panel + (b * panel_rows + r) * 2, 2);
        if (head == 4) move(out + 2, panel + ((w.cols / 32 + b) * panel_rows + r) * 2, 2);
        for (Index k = 0; k < 16; k += 4) move(out + head + k, at(32 * b + k), 4);
      }
      break;
    }
  }
  return scale;
}

/// Value (row, k), dequantised.
inline float value_at(Panels w, Index row, Index k) noexcept {
  const std::byte* const panel = w.panel(row / panel_rows);
  const Index r = row % panel_rows, block = k / 32;
  const std::byte* const at = panel + detail::value_offset(w.format, w.cols, r, k);
  const auto half = [&](Index i) { return f32_from_f16(detail::read_u16(panel + (i * panel_rows + r) * 2)); };
  const auto level = [&] { return k % 32 < 16 ? std::to_integer<int>(*at) & 15 : std::to_integer<int>(*at) >> 4; };
  const auto byte = [&] { return static_cast<float>(static_cast<std::int8_t>(*at)); };
  float value = 0;
  switch (w.format) {
    case Format::f32: std::memcpy(&value, at, 4); return value;
    case Format::bf16: return f32_from_bf16(detail::read_u16(at));
    case Format::f16: return f32_from_f16(detail::read_u16(at));
    case Format::int8: std::memcpy(&value, panel + 4 * r, 4); return value * byte();
    case Format::q8_0: return half(block) * byte();
    case Format::q4_0: return half(block) * static_cast<float>(level() - 8);
    case Format::q4_1: value = half(block) * static_cast<float>(level()); return value + half(w.cols / 32 + block);
  }
  return value;
}

}  // namespace tfm::inline TFM_ABI
