#pragma once
// Int8Options: how products of Int8 weights treat activations that are too large for eight bits, and what their gradients are.
#include "tfm/core/config.hpp"

namespace tfm::inline TFM_ABI {

/// Which activations stay in floating point.    Dettmers et al. 2022, arXiv:2208.07339, section 3.2
enum class Outliers : unsigned char {
  none,
  per_token,  ///< the outliers themselves: a token's result does not depend on its neighbours
  per_call,   ///< all values of every column that has an outlier in some token of the call
};

/// Of Arithmetic::fast and bf16; exact has no int8 activations.
struct Int8Options {
  float threshold = 6;  ///< an outlier is |x| >= threshold
  Outliers outliers = Outliers::per_token;
  bool half = false;           ///< what becomes int8 is rounded to binary16 first
  bool whole_columns = false;  ///< per_call: a token's scale leaves out its values in outlier columns, not the outliers alone

  /// The gradient of such a product's input, dx += dy W, is of int8 products too: dy times the rows' scales becomes int8, with a scale for
  /// every 128 rows of a token. Otherwise, and for weights of other formats, it is as of float weights: of float32 or bfloat16.
  bool backward = false;

  static const Int8Options bitsandbytes;  ///< what its LLM.int8() computes
  static const Int8Options paper;         ///< the paper's equations
};
inline constexpr Int8Options Int8Options::bitsandbytes{.outliers = Outliers::per_call, .half = true};
inline constexpr Int8Options Int8Options::paper{.outliers = Outliers::per_call, .whole_columns = true};

}  // namespace tfm::inline TFM_ABI
