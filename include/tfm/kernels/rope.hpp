#pragma once
// Positions: rotary frequencies with their scalings and the angles of positions (Su et al. 2021, arXiv:2104.09864), and the
// sinusoids that are added to embeddings (Vaswani et al. 2017).
#include <cmath>
#include <numbers>
#include <string_view>

#include "tfm/core/view.hpp"
#include "tfm/numeric/half.hpp"

namespace tfm::inline TFM_ABI {

/// How frequencies are stretched beyond the context that a model was trained on.
struct RopeScaling {
  enum class Kind : unsigned char { none, linear, llama3 };
  Kind kind = Kind::none;
  float factor = 1;
  float low_freq_factor = 1, high_freq_factor = 4;  ///< llama3
  float original_context = 8192;                    ///< llama3
};
/// As config.json calls it.
constexpr std::string_view name(RopeScaling::Kind kind) noexcept {
  return kind == RopeScaling::Kind::linear ? "linear" : kind == RopeScaling::Kind::llama3 ? "llama3" : "none";
}

/// Radians per position of pair i of head_dim / 2: theta^(-2 i / head_dim), scaled. Linear: divided by the factor.
/// llama3 (Llama 3.1, Meta 2024): wavelengths above original / low_freq_factor are stretched by the factor, those below
/// original / high_freq_factor are kept, between them the frequency is interpolated.
inline float rope_frequency(Index i, Index head_dim, float theta, const RopeScaling& scaling) noexcept {
  const float exponent = static_cast<float>(2 * i) / static_cast<float>(head_dim);
  const float frequency = 1.f / static_cast<float>(std::pow(static_cast<double>(theta), static_cast<double>(exponent)));
  if (scaling.kind == RopeScaling::Kind::none) return frequency;
  if (scaling.kind == RopeScaling::Kind::linear) return frequency / scaling.factor;
  const double wavelength = 2 * std::numbers::pi / static_cast<double>(frequency);
  const double original = static_cast<double>(scaling.original_context);
  const double low = static_cast<double>(scaling.low_freq_factor), high = static_cast<double>(scaling.high_freq_factor);
  if (wavelength < original / high) return frequency;
  if (wavelength > original / low) return frequency / scaling.factor;
  const double smooth = (original / wavelength - low) / (high - low);
  const double stretched = static_cast<double>(frequency) / static_cast<double>(scaling.factor);
  return static_cast<float>(stretched + rounded_product(smooth, static_cast<double>(frequency) - stretched));
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
