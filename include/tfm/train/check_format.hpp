#pragma once
// check_format: whether a number format keeps what layers rely on; for ours and for those of users.
#include "tfm/kernels/accumulate.hpp"  // these two define the products that our formats declare
#include "tfm/kernels/matmul.hpp"
#include "tfm/numeric/weight.hpp"
#include "tfm/train/check_gradients.hpp"

namespace tfm::inline TFM_ABI {

struct FormatCheckOptions {
  double tolerance = 1e-5;  ///< of a product, relative to Σ |w x|
  Index tokens = 5;
  bool same_bits = true;  ///< whether a token's product must have the same bits in any batch and for any number of threads
  std::uint64_t seed = 1;
};

/// Checks a weight [out, in] of any format against the rows that it gives:
/// rows and columns agree; y = x Wᵀ is written, not added; dx += dy W is added; the same bits for one token as for several, and for 1, 2
/// and 3 threads. Products are computed in exact arithmetic.
template <Weight W>
Faults check_format(const W& w, const FormatCheckOptions& options = {}) {
  Faults faults;
  const auto out = static_cast<Index>(w.rows()), in = static_cast<Index>(w.cols()), tokens = options.tokens;
  if (out < 1 || in < 1) return {"the weight is [" + std::to_string(out) + ", " + std::to_string(in) + "]: make one that has elements"};
  Buffer values(out, in), transposed(in, out), x(tokens, in), dy(tokens, out);
  for (Index r = 0; r < out; ++r) row(w, r, values.view().row(r));
  for (Index k = 0; k < in; ++k) column(w, k, transposed.view().row(k));
  for (Index r = 0; r < out; ++r)
    for (Index k = 0; k < in; ++k)
      if (values.view().row(r)[k] != transposed.view().row(k)[r] && faults.empty())
        faults.push_back("row " + std::to_string(r) + " and column " + std::to_string(k) + " disagree: " + std::to_string(values.view().row(r)[k]) + " and " +
                         std::to_string(transposed.view().row(k)[r]));
  detail::fill_random(x, RandomKey{options.seed}.with(1));
  detail::fill_random(dy, RandomKey{options.seed}.with(2));

  Context context(1);
  context.arithmetic = Arithmetic::exact;
  Buffer y(tokens, out), dx(tokens, in);
  fill(y, std::numeric_limits<float>::quiet_NaN());
  fill(dx, 0.5f);
  matmul(context, w, View(x), y.view());
  matmul_backward(context, w, View(dy), dx.view());
  // found[t][i] = before + Σ_j a[t][j] w[i][j]
  const auto compare = [&](const std::string& what, View found, View a, View matrix, double before) {
    for (Index t = 0; t < tokens; ++t)
      for (Index i = 0; i < matrix.rows; ++i) {
        double sum = before, size = std::abs(before);
        for (Index j = 0; j < matrix.cols; ++j) {
          const double term = static_cast<double>(a.row(t)[j]) * static_cast<double>(matrix.row(i)[j]);
          sum += term;
          size += std::abs(term);
        }
        const double value = static_cast<double>(found.row(t)[i]);
        if (std::abs(value - sum) <= options.tolerance * size) continue;
        return faults.push_back(what + " at [" + std::to_string(t) + ", " + std::to_string(i) + "]: found " + std::to_string(value) + ", expected " + std::to_string(sum));
      }
  };
  compare("matmul: y = x W^T", y, x, values, 0);
  compare("matmul_backward: dx += dy W", dx, dy, transposed, 0.5);
  if (!options.same_bits) return faults;

  for (Index t = 0; t < tokens; ++t) {
    Buffer alone(1, out), back(1, in);
    fill(back, 0.5f);
    matmul(context, w, View(x).slice(t, 1), alone.view());
    matmul_backward(context, w, View(dy).slice(t, 1), back.view());
    const std::string token = "token " + std::to_string(t) + " alone has other bits than among " + std::to_string(tokens);
    if (!detail::equal_floats(alone, View(y).slice(t, 1))) faults.push_back("matmul: " + token);
    if (!detail::equal_floats(back, View(dx).slice(t, 1))) faults.push_back("matmul_backward: " + token);
  }
  for (const int threads : {2, 3}) {
    Context several(threads);
    several.arithmetic = Arithmetic::exact;
    Buffer again(tokens, out), back(tokens, in);
    fill(back, 0.5f);
    matmul(several, w, View(x), again.view());
    matmul_backward(several, w, View(dy), back.view());
    if (!detail::equal_floats(again, y)) faults.push_back("matmul: " + std::to_string(threads) + " threads give other bits than one");
    if (!detail::equal_floats(back, dx)) faults.push_back("matmul_backward: " + std::to_string(threads) + " threads give other bits than one");
  }
  return faults;
}

}  // namespace tfm::inline TFM_ABI
