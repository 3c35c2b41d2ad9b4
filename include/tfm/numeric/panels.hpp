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

}  // namespace detail

/// One row in the layout that files have, as pack_panel() took it. Returns the row's scale (1 but for Int8).
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
