#pragma once
// F32, the trainable weight: plain row-major floats with a slot for its gradient.
#include <utility>

#include "tfm/core/context.hpp"

namespace tfm::inline TFM_ABI {

/// A trainable weight [rows, cols] = [out, in]. Its gradient lives with whoever trains, at index `parameter`.
class F32 {
  Buffer values_;

 public:
  static constexpr bool trainable = true;
  Index parameter = -1;

  F32() = default;
  F32(Index rows, Index cols) : values_(rows, cols) {}
  F32(Index rows, Index cols, float value) : F32(rows, cols) { fill(values(), value); }
  explicit F32(View from) : F32(from.rows, from.cols) { copy(from, values()); }
  F32(F32&&) = default;
  F32& operator=(F32&&) = default;
  F32 clone() const {
    F32 copied(view());
    copied.parameter = parameter;
    return copied;
  }

  Index rows() const noexcept { return view().rows; }
  Index cols() const noexcept { return view().cols; }
  View view() const noexcept { return values_.view(); }
  MutableView values() noexcept { return values_.view(); }
};

/// y = x Wᵀ: x [tokens, in], y [tokens, out].
void matmul(Context& context, const F32& w, View x, MutableView y) noexcept;
/// dx += dy W.
void matmul_backward(Context& context, const F32& w, View dy, MutableView dx) noexcept;
/// dw += dyᵀ x: dw [out, in]; the tokens are summed in their order.
inline void accumulate(Context& context, View dy, View x, MutableView dw) noexcept;
inline void row(const F32& w, Index i, float* out) noexcept {
  for (Index k = 0; k < w.cols(); ++k) out[k] = w.view().row(i)[k];
}
inline void column(const F32& w, Index k, float* out) noexcept {
  for (Index r = 0; r < w.rows(); ++r) out[r] = w.view().row(r)[k];
}

}  // namespace tfm::inline TFM_ABI
