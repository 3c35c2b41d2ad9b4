#pragma once
// Optimizers: how gradients change weights. Each is its settings; what it remembers are flat buffers that the Trainer owns.
#include <algorithm>
#include <array>
#include <cmath>
#include <concepts>
#include <span>
#include <string_view>

#include "tfm/kernels/optimizers.hpp"
#include "tfm/numeric/half.hpp"
#include "tfm/train/parameters.hpp"

namespace tfm::inline TFM_ABI {

/// What a step is told beside the gradients.
struct UpdateOptions {
  float rate = 0;            ///< the learning rate
  float gradient_scale = 1;  ///< what every gradient is multiplied with: clipping
  Index number = 1;          ///< how many updates there are with this one
};

/// Settings, the names of the flat buffers that it keeps (each begins as 0), and one step. A user's own may be used.
template <class O>
concept Optimizer = requires(const O o, Context& context, const Parameters& parameters, View gradient, std::span<Buffer> state, const UpdateOptions& options) {
  { O::name } -> std::convertible_to<std::string_view>;
  { O::states.size() } -> std::convertible_to<std::size_t>;
  o.update(context, parameters, gradient, state, options);
};

namespace detail {
/// b^n from products alone: the same bits everywhere.
inline double power(double b, Index n) noexcept {
  double result = 1;
  for (; n > 0; n /= 2, b = rounded_product(b, b))
    if (n % 2 == 1) result = rounded_product(result, b);
  return result;
}
}  // namespace detail

/// Kingma & Ba 2014, arXiv:1412.6980, algorithm 1.
struct Adam {
  float beta1 = 0.9f, beta2 = 0.999f, eps = 1e-8f;

  static constexpr std::string_view name = "Adam";
  static constexpr std::array<std::string_view, 2> states{"exp_avg", "exp_avg_sq"};

  void update(Context& context, const Parameters& parameters, View gradient, std::span<Buffer> state, const UpdateOptions& options) const noexcept {
    for (const Parameter& p : parameters) update(context, p, gradient, state, options, 0);
  }
  /// One weight's step; `decay` as in AdamW.
  void update(Context& context, const Parameter& p, View gradient, std::span<Buffer> state, const UpdateOptions& options, float decay) const noexcept {
    const double first = 1 - detail::power(static_cast<double>(beta1), options.number), second = 1 - detail::power(static_cast<double>(beta2), options.number);
    const double shrink = rounded_product(static_cast<double>(options.rate), static_cast<double>(decay));
    const kernels::AdamStep step{beta1, beta2, eps, static_cast<float>(static_cast<double>(options.rate) / first), static_cast<float>(std::sqrt(second)),
                                 static_cast<float>(1 - shrink), options.gradient_scale};
    kernels::adam(context, step, gradient.data + p.offset, p.weight->values().data, state[0].view().data + p.offset, state[1].view().data + p.offset, p.size());
  }
};

/// Adam whose weights decay apart from the gradient: p -= rate decay p.    Loshchilov & Hutter 2017, arXiv:1711.05101
struct AdamW {
  float beta1 = 0.9f, beta2 = 0.999f, eps = 1e-8f, decay = 0.01f;
  bool decay_vectors = true;  ///< norms and biases decay too, as in PyTorch; transformers' Trainer leaves them out

  static constexpr std::string_view name = "AdamW";
  static constexpr std::array<std::string_view, 2> states = Adam::states;

  void update(Context& context, const Parameters& parameters, View gradient, std::span<Buffer> state, const UpdateOptions& options) const noexcept {
    const Adam adam{beta1, beta2, eps};
    for (const Parameter& p : parameters) adam.update(context, p, gradient, state, options, decay_vectors || p.is_matrix() ? decay : 0);
  }
};

/// Gradient descent with momentum, and Nesterov's, as PyTorch has them.    Sutskever et al. 2013
struct Sgd {
  float momentum = 0, decay = 0;
  bool nesterov = false;

  static constexpr std::string_view name = "Sgd";
  static constexpr std::array<std::string_view, 1> states{"momentum_buffer"};

  void update(Context& context, const Parameters& parameters, View gradient, std::span<Buffer> state, const UpdateOptions& options) const noexcept {
    for (const Parameter& p : parameters)
      kernels::sgd(context, {options.rate, momentum, decay, options.gradient_scale, nesterov}, gradient.data + p.offset, p.weight->values().data,
                   state[0].view().data + p.offset, p.size());
  }
};

/// The Euclidean norm of all gradients.
inline double gradient_norm(Context& context, View gradient) noexcept {
  return std::sqrt(kernels::sum_of_squares(context, gradient.data, gradient.size()));
}
/// What gradients of a norm are multiplied with so that it is at most `most`; 0 for most: no limit. PyTorch's clip_grad_norm_.
inline float clipping(double norm, float most) noexcept {
  return most > 0 ? static_cast<float>(std::min(1.0, static_cast<double>(most) / (norm + 1e-6))) : 1.f;
}

}  // namespace tfm::inline TFM_ABI
