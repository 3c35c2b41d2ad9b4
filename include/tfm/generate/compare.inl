// What compare.hpp declares.
#include <cmath>

namespace tfm::inline TFM_ABI {

namespace detail {

TFM_INLINE double divergence(const float* p, const float* q, Index n) noexcept {
  const double of_p = log_sum_exp(p, n), of_q = log_sum_exp(q, n);
  double sum = 0;
  for (Index i = 0; i < n; ++i) {
    const double log_p = static_cast<double>(p[i]) - of_p;
    sum += rounded_product(std::exp(log_p), log_p - (static_cast<double>(q[i]) - of_q));
  }
  return sum;
}

TFM_INLINE ArithmeticOf::ArithmeticOf(Context& context, std::optional<Arithmetic> arithmetic) : context_(context), before_(context.arithmetic) {
  context.arithmetic = arithmetic.value_or(before_);
}

}  // namespace detail

}  // namespace tfm::inline TFM_ABI
