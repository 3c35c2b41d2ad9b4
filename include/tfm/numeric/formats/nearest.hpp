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

/// The level nearest to x, between `least` and `most`.
inline int nearest_level(float x, float minimum, float inverse, int least, int most) noexcept {
  const float level = (x - minimum) * inverse;  // compared first: what does not fit an int stays out
  if (!(level > static_cast<float>(least))) return least;
  return level < static_cast<float>(most) ? static_cast<int>(std::nearbyint(level)) : most;
}

/// How far n values are from the nearest levels of a line: the sum of squares.
inline double distance(const float* x, Index n, Line line, int least, int most) noexcept {
  const float inverse = reciprocal(line.scale);
  double sum = 0;
  for (Index k = 0; k < n; ++k) {
    const int level = nearest_level(x[k], line.minimum, inverse, least, most);
    const double product = static_cast<double>(line.scale) * static_cast<double>(level);
    const double off = static_cast<double>(static_cast<float>(static_cast<double>(x[k]) - static_cast<double>(line.minimum) - product));
    sum += off * off;
  }
  return sum;
}

/// The line through n values whose levels are given by another, by least squares. Minimum: it may have one; `falls`: that is at most 0.
template <bool Minimum>
Line fitted(const float* x, Index n, Line line, int least, int most, bool falls) noexcept {
  const float inverse = reciprocal(line.scale);
  int levels = 0, squares = 0;
  double values = 0, products = 0;
  for (Index k = 0; k < n; ++k) {
    const int level = nearest_level(x[k], line.minimum, inverse, least, most);
    levels += level, squares += level * level;
    values += static_cast<double>(x[k]), products += static_cast<double>(level) * static_cast<double>(x[k]);
  }
  if (squares == 0) return {};
  const Line through_zero{static_cast<float>(products / squares), 0};
  const auto count = static_cast<int>(n);
  const int spread = count * squares - levels * levels;
  if (!Minimum || spread == 0) return through_zero;
  const double scale = (rounded_product(static_cast<double>(n), products) - rounded_product(static_cast<double>(levels), values)) / spread;
  const double minimum = (values - rounded_product(scale, static_cast<double>(levels))) / count;
  if (falls && minimum > 0) return through_zero;
  return {static_cast<float>(scale), static_cast<float>(minimum)};
}

/// Of lines that begin with `tries` scales around `first`, a tenth of a level of the largest apart, each fitted twice, the nearest.
template <bool Minimum>
Line nearest(const float* x, Index n, Line first, int least, int most, int tries, bool falls = false) noexcept {
  Line best = first;
  double lowest = distance(x, n, best, least, most);
  const int largest = most > -least ? most : -least;
  for (int i = -tries; i <= tries; ++i) {
    Line line{first.scale * (static_cast<float>(largest) / (static_cast<float>(largest) + 0.1f * static_cast<float>(i))), first.minimum};
    for (int again = 0; again < 2; ++again) {
      line = fitted<Minimum>(x, n, line, least, most, falls);
      if (const double found = distance(x, n, line, least, most); found < lowest) lowest = found, best = line;
    }
  }
  return best;
}

/// Scale and minimum of n values with levels 0 .. most; `falls`: the minimum is at most 0.
inline Line nearest_line(const float* x, Index n, int most, bool falls) noexcept {
  const float least = *std::min_element(x, x + n), low = falls ? std::min(0.f, least) : least;
  return nearest<true>(x, n, {(*std::max_element(x, x + n) - low) / static_cast<float>(most), low}, 0, most, 10, falls);
}

/// The scale, of either sign, of n values with levels from `least` to -least - 1.
inline float nearest_scale(const float* x, Index n, int least) noexcept {
  float extreme = 0;
  for (Index k = 0; k < n; ++k)
    if (std::abs(x[k]) > std::abs(extreme)) extreme = x[k];
  return nearest<false>(x, n, {extreme / static_cast<float>(least), 0}, least, -least - 1, 9).scale;
}

}  // namespace tfm::inline TFM_ABI::detail
