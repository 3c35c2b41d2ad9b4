#pragma once
// Where weights begin: random numbers of a seed, the same on every machine.
#include <cmath>

#include "tfm/kernels/natural_log.hpp"
#include "tfm/train/parameters.hpp"

namespace tfm::inline TFM_ABI {

/// Number i of a stream of normal numbers of mean 0 and deviation 1.    Marsaglia & Bray 1964 (the polar method)
inline float standard_normal(RandomKey key, std::uint64_t i) noexcept {
  const RandomKey own = key.with(i);
  for (std::uint64_t k = 0;; k += 2) {  // 4 of 5 pairs are inside the circle
    const double u = 2 * static_cast<double>(own.uniform(k)) - 1, v = 2 * static_cast<double>(own.uniform(k + 1)) - 1;
    const double s = u * u + v * v;  // exact: numbers of 24 bits
    if (s > 0 && s < 1) return static_cast<float>(u * std::sqrt(-2 * kernels::natural_log(s) / s));
  }
}

/// Matrices uniform in -a .. a, a = gain sqrt(6 / (in + out)); vectors as their layers made them.    Glorot & Bengio 2010
struct XavierUniform {
  float gain = 1;
  void operator()(const Parameter& p, RandomKey key) const noexcept {
    if (!p.is_matrix()) return;
    const MutableView w = p.weight->values();
    const double a = static_cast<double>(gain) * std::sqrt(6.0 / static_cast<double>(w.rows + w.cols));
    for (Index i = 0; i < w.size(); ++i) w.data[i] = static_cast<float>((2 * static_cast<double>(key.uniform(static_cast<std::uint64_t>(i))) - 1) * a);
  }
};

/// Matrices normal, of mean 0 and this deviation; vectors as their layers made them.
struct Normal {
  float deviation = 0.02f;
  void operator()(const Parameter& p, RandomKey key) const noexcept {
    if (!p.is_matrix()) return;
    const MutableView w = p.weight->values();
    for (Index i = 0; i < w.size(); ++i) w.data[i] = deviation * standard_normal(key, static_cast<std::uint64_t>(i));
  }
};

/// Calls how(parameter, its key) for each; a parameter's numbers depend on the seed and its number only. `how` is one of the above, or
/// the caller's own, which may look at the parameter's name.
///   initialise(parameters, XavierUniform{}, seed);
template <class How>
void initialise(const Parameters& parameters, const How& how, std::uint64_t seed) {
  for (Index i = 0; i < parameters.count(); ++i) how(parameters[i], RandomKey{seed}.with(static_cast<std::uint64_t>(i)));
}

}  // namespace tfm::inline TFM_ABI
