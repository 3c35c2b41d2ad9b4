#pragma once
// Format: how numbers are stored, in files and in memory. The list of all formats is numeric/format_list.inl; what is known of each
// that tfm computes with stands in a file of its own, numeric/formats/NAME.hpp.
#include "tfm/core/index.hpp"
#include "tfm/numeric/format_list.inl"

namespace tfm::inline TFM_ABI {

/// How the numbers of a weight, or of any tensor in a file, are stored. The first format_count of them are computed with.
enum class Format : unsigned char {
#define TFM_FORMAT(format, ...) format,
  TFM_FORMATS(TFM_FORMAT) TFM_STORED_FORMATS(TFM_FORMAT)
#undef TFM_FORMAT
};

#define TFM_FORMAT(...) +1
inline constexpr int format_count = 0 TFM_FORMATS(TFM_FORMAT);
/// All of them, those that only files have too.
inline constexpr int stored_format_count = format_count TFM_STORED_FORMATS(TFM_FORMAT);
#undef TFM_FORMAT

/// Output rows of a panel: packed weights interleave so many (numeric/panels.hpp).
inline constexpr Index panel_rows = 16;

/// Values of a row of activations that share a scale where they are int8. A block of a format that wants such activations is a
/// multiple of it.
inline constexpr Index activation_block = 32;

/// What fast arithmetic multiplies a weight of some format with.
enum class Activations : unsigned char {
  floats,  ///< float32, or bfloat16: the weights are floats
  blocks,  ///< int8 in blocks of activation_block
  rows,    ///< int8 with one scale a row, outliers apart: LLM.int8() (Dettmers et al. 2022)
};

/// What a format is: specialised in its file, for a class of static members. Rows are in the layout that files have, and their numbers
/// of columns multiples of `block`; `panel` has panel_bytes(cols), of which the first header_bytes(cols) are scales.
///
///   name                  as GGUF and safetensors spell it
///   gguf                  its number in GGUF, or -1
///   safetensors           whether that format has it, under its name
///   torch                 PyTorch's name, or ""
///   stored_as             what files call it; where that is another Format, rows have scales of their own
///   block, block_bytes    values that stand together in a file, and their bytes
///   activations           what fast arithmetic multiplies it with
///   cached                bytes of a value in a cache of keys and values, scales apart; 0: none uses this format
///
///   dequantise(bytes, cols, scale, row)      one row to float32; `scale` is the row's, where rows have one
///   quantise(row, cols, bytes)               the other way; gives the row's scale, or 1
///   header_bytes(cols), panel_bytes(cols)    sizes, multiples of 64
///   pack(rows, count, cols, scales, panel)   `count` rows to the first rows of a panel, whose header (and all of it, where rows are
///                                            missing) is 0 already
///   unpack(panel, cols, r, bytes)            the exact inverse, of row r; gives the row's scale, or 1
///   value_at(panel, cols, r, k)              value k of row r, the very bits that dequantise() gives
///
/// With Activations::blocks also
///   minimum                whether values have an offset beside their scale
///   levels(block, part)    the integers and the scale of activation_block values, BlockLevels
template <Format F>
struct FormatTraits;

/// Scale and minimum of activation_block values, whose halves may have integers of their own.
struct BlockScale {
  float scale, minimum;
  int factor[2] = {1, 1};

  /// Of value k: an exact product.
  float of_half(Index k) const noexcept { return scale * static_cast<float>(factor[k < activation_block / 2 ? 0 : 1]); }
};

/// activation_block values of a row: value k is scale factor[half of k] level[k], plus the minimum where the format has one. That product is
/// exact in float32, and so is a sum of factors times levels times int8.
struct BlockLevels : BlockScale {
  int level[activation_block] = {};
};

/// What most formats have not.
template <Format F>
struct FormatDefaults {
  static constexpr Format stored_as = F;
  static constexpr int gguf = -1;
  static constexpr bool safetensors = false;
  static constexpr const char* torch = "";
  static constexpr Index cached = 0;
  static constexpr bool minimum = false;
};

}  // namespace tfm::inline TFM_ABI
