#pragma once
// What IQ4_NL and IQ4_XS share: nibbles that number sixteen values which lie closer together near 0 (ggml's).
#include <algorithm>

#include "tfm/numeric/formats/nearest.hpp"
#include "tfm/numeric/formats/spread_blocks.hpp"

namespace tfm::inline TFM_ABI::detail {

inline constexpr signed char iq4_levels[16] = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};

/// The number of the level nearest to x.
inline int nearest_iq4(float x) noexcept {
  int i = 0;
  for (int step = 8; step > 0; step /= 2) i += 2 * x > static_cast<float>(iq4_levels[i + step - 1] + iq4_levels[i + step]) ? step : 0;
  return i;
}

/// Of 32 values what a scale comes to: the sum of squares that it leaves, and the one that would leave the least with the same levels.
struct ScaleTried {
  double left;
  float better;
};
inline ScaleTried try_iq4(const float* x, float scale) noexcept {
  const float inverse = reciprocal(scale);
  double products = 0, left = 0;
  int squares = 0;
  for (Index k = 0; k < activation_block; ++k) {
    const int level = iq4_levels[nearest_iq4(x[k] * inverse)];
    const double off = static_cast<double>(static_cast<float>(static_cast<double>(x[k]) - static_cast<double>(scale) * level));
    squares += level * level, products += static_cast<double>(x[k]) * level, left += off * off;
  }
  return {left, static_cast<float>(products / squares)};  // no level is 0
}

/// The scale of 32 values: of the largest one's at either end of the levels and around them, each with its better one.
inline float nearest_iq4_scale(const float* x) noexcept {
  float extreme = 0, best = 0;
  for (Index k = 0; k < activation_block; ++k)
    if (std::abs(x[k]) > std::abs(extreme)) extreme = x[k];
  double lowest = try_iq4(x, 0).left;
  for (const int end : {-127, 113})
    for (int i = -4; i <= 4; ++i) {
      float scale = extreme / static_cast<float>(end + 7 * i);
      for (int again = 0; again < 2; ++again) {
        const ScaleTried tried = try_iq4(x, scale);
        if (tried.left < lowest) lowest = tried.left, best = scale;
        scale = tried.better;
      }
    }
  return best;
}

/// Bytes 0 .. 15 of the levels of 32 values.
inline void set_iq4(const float* x, float scale, std::byte* levels) noexcept {
  const float inverse = reciprocal(scale);
  for (Index k = 0; k < 16; ++k) levels[k] = static_cast<std::byte>(nearest_iq4(x[k] * inverse) | nearest_iq4(x[k + 16] * inverse) << 4);
}

}  // namespace tfm::inline TFM_ABI::detail
