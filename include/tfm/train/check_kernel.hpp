#pragma once
// check_kernel: whether a kernel equals its plain loop on every instruction set, with the same bits wherever there is a fused
// multiply-add and for any number of threads; for ours and for those of users.
#include "tfm/core/isa.hpp"
#include "tfm/train/check_gradients.hpp"

namespace tfm::inline TFM_ABI {

struct KernelCheckOptions {
  double tolerance = 0;            ///< of an element that has no fused multiply-add, or is compared with a loop of other rounding
  bool bits_of_plain_loop = true;  ///< with a fused multiply-add the bits are those of the plain loop; otherwise within the tolerance
};

/// work(context, y) writes all of y [rows, cols]; `plain` is what it must write, from the plain loop. Runs on every instruction set that
/// this CPU has, with 1, 2 and 3 threads.
///   tfm::check_kernel(plain, [&](tfm::Context& context, tfm::MutableView y) { kernels::rms_norm(context, x, w, eps, y); });
template <class Work>
Faults check_kernel(View plain, Work&& work, const KernelCheckOptions& options = {}) {
  Faults faults;
  Buffer first(plain.rows, plain.cols), own(plain.rows, plain.cols);  // the first with a fused multiply-add, and this set's
  bool has_first = false;
  for (int i = 0; i < isa_count; ++i) {
    const auto isa = static_cast<Isa>(i);
    if (!supported(isa)) continue;
    for (const int threads : {1, 2, 3}) {
      const std::string where = std::string(name(isa)) + " with " + std::to_string(threads) + " thread" + (threads > 1 ? "s" : "");
      Context context(threads);
      context.isa = isa;
      Buffer y(plain.rows, plain.cols);
      fill(y, std::numeric_limits<float>::quiet_NaN());
      work(context, y.view());
      if (threads == 1) copy(y, own);
      else if (!detail::equal_floats(y, own)) faults.push_back(where + ": other bits than with one");
      if (has_fma(isa) && has_first && threads == 1 && !detail::equal_floats(y, first)) faults.push_back(where + ": other bits than on another instruction set");
      if (has_fma(isa) && !has_first) copy(y, first), has_first = true;
      const bool exact = has_fma(isa) && options.bits_of_plain_loop;
      for (Index k = 0; k < plain.size(); ++k) {
        const double found = static_cast<double>(y.view().data[k]), expected = static_cast<double>(plain.data[k]);
        const bool fits = exact ? std::memcmp(&y.view().data[k], &plain.data[k], sizeof(float)) == 0 : std::abs(found - expected) <= options.tolerance;
        if (fits) continue;
        faults.push_back(where + ": element [" + std::to_string(k / plain.cols) + ", " + std::to_string(k % plain.cols) + "]: found " + std::to_string(found) +
                         ", the plain loop has " + std::to_string(expected));
        break;
      }
    }
  }
  return faults;
}

}  // namespace tfm::inline TFM_ABI
