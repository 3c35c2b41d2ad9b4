#pragma once
// Frozen weights: packed, immutable, with a shared owner of their bytes. Here each format's products are declared;
// kernels/matmul.hpp defines them.
#include <memory>
#include <string>
#include <utility>

#include "tfm/core/context.hpp"
#include "tfm/core/error.hpp"
#include "tfm/numeric/panels.hpp"

namespace tfm::inline TFM_ABI {

/// A frozen weight [rows, cols] = [out, in] whose format is known at run time. Empty until packed.
class PackedWeight {
  Panels panels_;
  std::shared_ptr<const void> owner_;

 public:
  static constexpr bool trainable = false;

  PackedWeight() = default;
  PackedWeight(Panels panels, std::shared_ptr<const void> owner) : panels_(panels), owner_(std::move(owner)) {}

  Index rows() const noexcept { return panels_.rows; }
  Index cols() const noexcept { return panels_.cols; }
  Format format() const noexcept { return panels_.format; }
  const Panels& panels() const noexcept { return panels_; }
  Index bytes() const noexcept { return packed_bytes(panels_.format, panels_.rows, panels_.cols); }
};

/// y = x Wᵀ: x [tokens, in], y [tokens, out].
void matmul(Context& context, const PackedWeight& w, View x, MutableView y) noexcept;
/// dx += dy W: dy [tokens, out], dx [tokens, in]; from the same bytes, in float32, or as Arithmetic::bf16 and Int8Options::backward ask.
void matmul_backward(Context& context, const PackedWeight& w, View dy, MutableView dx) noexcept;
/// out[0 .. in) = row i, dequantised: an embedding.
inline void row(const PackedWeight& w, Index i, float* out) noexcept {
  row_values(w.panels(), i, out);
}
/// out[0 .. out) = column k, dequantised: what LLM.int8() multiplies an outlier with.
inline void column(const PackedWeight& w, Index k, float* out) noexcept {
  for (Index r = 0; r < w.rows(); ++r) out[r] = value_at(w.panels(), r, k);
}
/// The exact inverse of pack(): rows in the file's layout, row_bytes(format, cols) each, to `out`; Int8's scales, one a
/// row, to `scales` (which may be null for other formats).
inline void unpack(const PackedWeight& w, std::byte* out, float* scales) noexcept {
  for (Index r = 0; r < w.rows(); ++r) {
    const float scale = unpack_row(w.panels(), r, out + r * row_bytes(w.format(), w.cols()));
    if (scales != nullptr) scales[r] = scale;
  }
}

/// A weight of a format known at compile time; as an embedder writes it: EveryLinear<Q8_0>.
template <Format F>
struct Frozen : PackedWeight {
  static constexpr Format static_format = F;
  Frozen() = default;
  explicit Frozen(PackedWeight packed) : PackedWeight(std::move(packed)) {
    if (format() != F)
      raise<ShapeError>({"tfm: the weight is ", name(format()), ", expected ", name(F)});
  }
};
// FrozenF32, BF16, F16, Q8_0 …: one for each format of the list.
#define TFM_FORMAT(format, type) \
  struct type : Frozen<Format::format> { using Frozen::Frozen; };
TFM_FORMATS(TFM_FORMAT)
#undef TFM_FORMAT
/// Any of them, as the file has it.
struct AnyWeight : PackedWeight {
  AnyWeight() = default;
  explicit AnyWeight(PackedWeight packed) : PackedWeight(std::move(packed)) {}
};

}  // namespace tfm::inline TFM_ABI
