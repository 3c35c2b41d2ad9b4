#pragma once
// Scales and minima that bring rounded levels near to values: least squares over the scales that are worth a try. Sums are of products that
// double holds exactly, so that no multiply-add of the file's flags changes them.
#include <algorithm>

#include "tfm/numeric/bytes.hpp"

namespace tfm::inline TFM_ABI::detail {

/// Values scale level + minimum.
struct Line {
  float scale = 0, minimum = 0;
};

/// The level nearest to x, between `least` and `most`, which are below 2^22.
inline int nearest_level(float x, float minimum, float inverse, int least, int most) noexcept {
  const float level = rounded_product(x - minimum, inverse), low = static_cast<float>(least), high = static_cast<float>(most);
  constexpr float whole = 0x1.8p23f;  // where floats are whole numbers
  return static_cast<int>((level > low ? level < high ? level : high : low) + whole - whole);
}

/// The sum of squares that a line leaves of values, and the line that would leave the least with the same levels.
struct Tried {
  double left;
  Line better;
};
/// `Minimum`: the better one may have a minimum; `falls`: which is at most 0.
template <bool Minimum>
Tried try_line(const float* x, Index n, Line line, int least, int most, bool falls) noexcept {
  const float inverse = reciprocal(line.scale);
  int levels = 0, squares = 0;
  double left = 0, values = 0, products = 0;
  for (Index k = 0; k < n; ++k) {
    const int level = nearest_level(x[k], line.minimum, inverse, least, most);
    const double own = static_cast<double>(x[k]), product = static_cast<double>(line.scale) * level;
    const double off = static_cast<double>(static_cast<float>(own - static_cast<double>(line.minimum) - product));
    left += off * off, levels += level, squares += level * level, values += own, products += own * level;
  }
  if (squares == 0) return {left, line};
  const auto count = static_cast<int>(n);
  const Line through_zero{static_cast<float>(products / squares), 0};
  const int spread = count * squares - levels * levels;
  if (!Minimum || spread == 0) return {left, through_zero};
  const double scale = (rounded_product(static_cast<double>(n), products) - rounded_product(static_cast<double>(levels), values)) / spread;
  const double minimum = (values - rounded_product(scale, static_cast<double>(levels))) / count;
  if (falls && minimum > 0) return {left, through_zero};
  return {left, {static_cast<float>(scale), static_cast<float>(minimum)}};
}
/// The first part of it alone.
inline double distance(const float* x, Index n, Line line, int least, int most) noexcept {
  return try_line<false>(x, n, line, least, most, false).left;
}

/// Of lines that begin with `tries` scales on either side of the first, a fifth of a level of the largest apart, and of their better ones, the
/// nearest.
template <bool Minimum>
Line nearest(const float* x, Index n, Line first, int least, int most, int tries, bool falls = false) noexcept {
  Line best = first;
  double lowest = -1;
  const float largest = static_cast<float>(most > -least ? most : -least);
  for (int i = -tries; i <= tries; ++i) {
    Line line{first.scale * (largest / (largest + 0.2f * static_cast<float>(i))), first.minimum};
    for (int again = 0; again < 3; ++again) {
      const Tried tried = try_line<Minimum>(x, n, line, least, most, falls);
      if (lowest < 0 || tried.left < lowest) lowest = tried.left, best = line;
      line = tried.better;
    }
  }
  return best;
}

/// Scale and minimum of n values with levels 0 .. most; `falls`: the minimum is at most 0.
inline Line nearest_line(const float* x, Index n, int most, bool falls) noexcept {
  const float least = *std::min_element(x, x + n), low = falls ? std::min(0.f, least) : least;
  return nearest<true>(x, n, {(*std::max_element(x, x + n) - low) / static_cast<float>(most), low}, 0, most, 5, falls);
}

/// The scale, of either sign, of n values with levels from `least` to -least - 1.
inline float nearest_scale(const float* x, Index n, int least) noexcept {
  float extreme = 0;
  for (Index k = 0; k < n; ++k)
    if (std::abs(x[k]) > std::abs(extreme)) extreme = x[k];
  return nearest<false>(x, n, {extreme / static_cast<float>(least), 0}, least, -least - 1, 5).scale;
}

}  // namespace tfm::inline TFM_ABI::detail
