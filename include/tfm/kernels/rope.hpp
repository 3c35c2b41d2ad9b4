#pragma once
// Positions: rotary frequencies with their scalings and the angles of positions (Su et al. 2021, arXiv:2104.09864), and the
// sinusoids that are added to embeddings (Vaswani et al. 2017).
#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <string_view>

#include "tfm/core/view.hpp"
#include "tfm/numeric/half.hpp"

namespace tfm::inline TFM_ABI {

/// How frequencies are stretched beyond the context that a model was trained on.
struct RopeScaling {
  enum class Kind : unsigned char { none, linear, llama3, yarn, longrope, dynamic };
  static constexpr Index most_factors = 128;

  Kind kind = Kind::none;
  float factor = 1;
  float low_freq_factor = 1, high_freq_factor = 4;  ///< llama3
  float original_context = 8192;                    ///< all but linear: what the model was trained on
  float beta_fast = 32, beta_slow = 1;              ///< yarn: turns in original_context  // no block
  float magnitude = 1;                              ///< cosines and sines are multiplied with it: yarn, longrope
  std::array<float, most_factors> short_factors{}, long_factors{};  ///< longrope: of each pair

  /// Whether frequencies depend on how many positions there is room for.
  constexpr bool follows_capacity() const noexcept { return kind == Kind::longrope || kind == Kind::dynamic; }
  bool operator==(const RopeScaling&) const = default;
};
/// As config.json calls it.
constexpr std::string_view name(RopeScaling::Kind kind) noexcept {
  constexpr std::string_view names[] = {"none", "linear", "llama3", "yarn", "longrope", "dynamic"};
  return names[static_cast<std::size_t>(kind)];
}

/// What yarn and longrope multiply cosines and sines with unless something else is said: 0.1 ln(factor) + 1 (Peng et al. 2023,
/// arXiv:2309.00071, equation 22), and sqrt(1 + ln(factor) / ln(original context)) (Ding et al. 2024, arXiv:2402.13753, section 3.4).
inline float usual_magnitude(RopeScaling::Kind kind, float factor, float original_context) noexcept {
  if (factor <= 1) return 1;
  const double stretch = std::log(static_cast<double>(factor));
  if (kind == RopeScaling::Kind::yarn) return static_cast<float>(1 + rounded_product(0.1, stretch));
  return static_cast<float>(std::sqrt(1 + stretch / std::log(static_cast<double>(original_context))));
}

namespace detail {

// The pair that turns so many times in yarn's original context, as a fraction.    Peng et al. 2023, section 3.2
inline double yarn_pair(double turns, Index dim, double theta, double original) noexcept {
  return static_cast<double>(dim) * std::log(original / (turns * 2 * std::numbers::pi)) / (2 * std::log(theta));
}

// How much of yarn's frequency i is the unscaled one: 1 for pairs that turn often, 0 for those that turn rarely.
inline double yarn_kept(Index i, Index dim, double theta, const RopeScaling& s) noexcept {
  const double original = static_cast<double>(s.original_context);
  const double low = std::max(0., std::floor(yarn_pair(static_cast<double>(s.beta_fast), dim, theta, original)));
  const double high = std::min(static_cast<double>(dim - 1), std::ceil(yarn_pair(static_cast<double>(s.beta_slow), dim, theta, original)));
  return 1 - std::clamp((static_cast<double>(i) - low) / std::max(high - low, 0.001), 0., 1.);
}

}  // namespace detail

/// Radians per position of pair i of dim / 2: theta^(-2 i / dim), scaled. Linear: divided by the factor.
/// llama3 (Llama 3.1, Meta 2024): wavelengths above original / low_freq_factor are stretched by the factor, those below
/// original / high_freq_factor are kept, between them the frequency is interpolated. yarn (Peng et al. 2023): likewise, between two
/// pairs. longrope (Ding et al. 2024): divided by a factor of its own, the long one where there is room for more positions than the
/// original context. dynamic: where there is, theta grows with the room (Peng et al. 2023, section 3.3).
/// `capacity`: positions that there is room for.
inline float rope_frequency(Index i, Index dim, float theta, const RopeScaling& scaling, Index capacity = 0) noexcept {
  using Kind = RopeScaling::Kind;
  const float exponent = static_cast<float>(2 * i) / static_cast<float>(dim);
  const auto power = [&](double base) { return static_cast<float>(std::pow(base, static_cast<double>(exponent))); };
  const auto base = static_cast<double>(theta), factor = static_cast<double>(scaling.factor), original = static_cast<double>(scaling.original_context);
  const auto room = static_cast<double>(capacity);
  if (scaling.kind == Kind::longrope) {
    const auto& factors = room > original ? scaling.long_factors : scaling.short_factors;
    return 1.f / (factors[to_size(i)] * power(base));
  }
  if (scaling.kind == Kind::dynamic && room > original) {
    const double grown = factor * room / original - (factor - 1);
    return 1.f / power(base * std::pow(grown, static_cast<double>(dim) / static_cast<double>(dim - 2)));
  }
  const float frequency = 1.f / power(base);
  if (scaling.kind == Kind::none || scaling.kind == Kind::dynamic) return frequency;
  if (scaling.kind == Kind::linear) return frequency / scaling.factor;
  const double stretched = static_cast<double>(frequency) / factor;
  double kept = 0;
  if (scaling.kind == Kind::yarn) {
    kept = detail::yarn_kept(i, dim, base, scaling);
  } else {
    const double wavelength = 2 * std::numbers::pi / static_cast<double>(frequency);
    const double low = static_cast<double>(scaling.low_freq_factor), high = static_cast<double>(scaling.high_freq_factor);
    if (wavelength < original / high) return frequency;
    if (wavelength > original / low) return frequency / scaling.factor;
    kept = (original / wavelength - low) / (high - low);
  }
  return static_cast<float>(stretched + rounded_product(kept, static_cast<double>(frequency) - stretched));
}

/// cosine[i], sine[i] of position x frequency[i], i < head_dim / 2. The angle is rounded to float32, as PyTorch has it.
inline void rope_angles(Index position, const float* frequencies, Index half, float* cosine, float* sine) noexcept {
  for (Index i = 0; i < half; ++i) {
    const double angle = static_cast<double>(static_cast<float>(position) * frequencies[i]);
    cosine[i] = static_cast<float>(std::cos(angle));
    sine[i] = static_cast<float>(std::sin(angle));
  }
}

namespace kernels {

/// table [positions, dim], dim even: column 2 i = sin(position / 10000^(2 i / dim)), column 2 i + 1 its cosine. The angle is rounded to
/// float32, as PyTorch has it.    Vaswani et al. 2017, section 3.5
inline void sinusoidal_positions(MutableView table) noexcept {
  for (Index i = 0; i < table.cols; i += 2) {
    const auto wavelength = static_cast<float>(std::pow(10000.0, static_cast<double>(static_cast<float>(i) / static_cast<float>(table.cols))));
    for (Index position = 0; position < table.rows; ++position) {
      const auto angle = static_cast<double>(static_cast<float>(position) / wavelength);
      table.row(position)[i] = static_cast<float>(std::sin(angle));
      table.row(position)[i + 1] = static_cast<float>(std::cos(angle));
    }
  }
}

}  // namespace kernels

}  // namespace tfm::inline TFM_ABI
