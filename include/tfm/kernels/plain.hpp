#pragma once
// The plain loops that the kernels equal: to the last bit where the CPU has a fused multiply-add. They say what each
// product computes, and in which order.
#include <cmath>
#include <vector>

#include "tfm/core/view.hpp"
#include "tfm/core/isa.hpp"
#include "tfm/numeric/panels.hpp"

namespace tfm::inline TFM_ABI::kernels::plain {

/// sum over k upwards of one output: Arithmetic::exact.
inline float dot_exact(const Panels& w, Index row, const float* x, float sum = 0) noexcept {
  for (Index k = 0; k < w.cols; ++k) sum = std::fma(value_at(w, row, k), x[k], sum);
  return sum;
}

/// x as int8: q = round to even (x 127 / absmax), scale = absmax / 127; all 0 where 127 / absmax would overflow.
/// A whole row's factor is int8_factor.
inline float quantise(const float* x, Index n, std::vector<int>& q, bool whole_row = false) {
  const float largest = detail::absmax(x, n), block = largest > 0x1p-119f ? 127.f / largest : 0.f;
  const float inverse = whole_row ? detail::int8_factor(largest) : block;
  q.resize(to_size(n));
  for (Index k = 0; k < n; ++k) q[to_size(k)] = static_cast<int>(std::nearbyint(x[k] * inverse));
  return largest / 127.f;
}

/// Levels and scale of the activation_block values `part` of a file's block, of a format in blocks.
template <class Traits>
BlockLevels levels_of(const std::byte* block, Index part) noexcept {
  if constexpr (Traits::activations == Activations::blocks) return Traits::levels(block, part);
  else return {};
}
inline BlockLevels levels_of(Format format, const std::byte* block, Index part) noexcept {
  switch (format) {
#define TFM_FORMAT(format, ...) case Format::format: return levels_of<FormatTraits<Format::format>>(block, part);
    TFM_FORMATS(TFM_FORMAT)
#undef TFM_FORMAT
    default: return {};
  }
}

/// One output of a weight whose rows have scales, with activations of one scale: outliers of 6 and more stay out, and are added
/// afterwards, columns upwards.
inline float dot_rows(const Panels& w, Index row, const float* x) {
  std::vector<std::byte> file(to_size(row_bytes(w.format, w.cols)));
  const float row_scale = unpack_row(w, row, file.data());
  std::vector<int> q;
  std::vector<float> rest(x, x + w.cols);
  for (float& value : rest)
    if (std::abs(value) >= 6) value = 0;
  const float scale = quantise(rest.data(), w.cols, q, true);
  int products = 0;
  for (Index k = 0; k < w.cols; ++k) products += static_cast<std::int8_t>(file[to_size(k)]) * q[to_size(k)];
  float y = static_cast<float>(products) * (row_scale * scale);
  for (Index k = 0; k < w.cols; ++k)
    if (std::abs(x[k]) >= 6) y = std::fma(x[k], value_at(w, row, k), y);
  return y;
}

/// Adds one output of a quantised weight with int8 activations to `sum`: Arithmetic::fast. Integers are exact; 32 values add
/// fma(integer sum, fl(weight scale x activation scale)), then, where there is one, fma(minimum, fl(activation scale x sum of q)).
inline float dot_fast(const Panels& w, Index row, const float* x, float sum = 0) {
  if (activations(w.format) == Activations::rows) return dot_rows(w, row, x);
  std::vector<std::byte> file(to_size(row_bytes(w.format, w.cols)));
  unpack_row(w, row, file.data());
  std::vector<int> q;
  for (Index from = 0; from < w.cols; from += activation_block) {
    const Index block = from / block_size(w.format), part = from % block_size(w.format) / activation_block;
    const BlockLevels own = levels_of(w.format, file.data() + block * block_bytes(w.format), part);
    const float scale = quantise(x + from, activation_block, q);
    int products = 0, sum_of_q = 0;
    for (Index k = 0; k < activation_block; ++k)
      products += own.factor[2 * k / activation_block] * own.level[k] * q[to_size(k)], sum_of_q += q[to_size(k)];
    sum = std::fma(static_cast<float>(products), own.scale * scale, sum);
    if (has_minimum(w.format)) sum = std::fma(own.minimum, scale * static_cast<float>(sum_of_q), sum);
  }
  return sum;
}

/// The same in two int8 digits: then what the first leaves of x, x - scale q, in blocks of their own.
inline float dot_two_digits(const Panels& w, Index row, const float* x) {
  std::vector<float> rest(x, x + w.cols);
  std::vector<int> q;
  for (Index from = 0; from < w.cols; from += activation_block) {
    const float scale = quantise(x + from, activation_block, q);
    for (Index k = 0; k < activation_block; ++k) rest[to_size(from + k)] = std::fma(-scale, static_cast<float>(q[to_size(k)]), x[from + k]);
  }
  return dot_fast(w, row, rest.data(), dot_fast(w, row, x));
}

/// sum + Σ a(k) b(k), both as bfloat16, as VDPBF16PS: pairs, the odd product first, each fused; subnormals count as 0.
template <class A, class B>
inline float dot_bf16(float sum, Index count, A a, B b) noexcept {
  const auto flush = [](float v) { return std::abs(v) < 0x1p-126f ? std::copysign(0.f, v) : v; };
  const auto rounded = [&](float v) { return flush(f32_from_bf16(bf16_from_f32(v))); };
  const auto add = [&](Index k) { sum = flush(std::fma(rounded(a(k)), rounded(b(k)), flush(sum))); };
  for (Index k = 0; k < count; k += 2) {
    if (k + 1 < count) add(k + 1);
    add(k);
  }
  return sum;
}
/// One output of a weight with bfloat16 on both sides.
inline float dot_bf16(const Panels& w, Index row, const float* x, float sum = 0) noexcept {
  return dot_bf16(sum, w.cols, [&](Index k) { return value_at(w, row, k); }, [&](Index k) { return x[k]; });
}

/// y = x Wᵀ.
inline void matmul(const Panels& w, Arithmetic arithmetic, bool bf16_instruction, View x, MutableView y) {
  for (Index t = 0; t < x.rows; ++t)
    for (Index o = 0; o < w.rows; ++o) {
      const bool quantised = is_quantised(w.format);
      if (quantised && arithmetic != Arithmetic::exact) y.row(t)[o] = dot_fast(w, o, x.row(t));
      else if (!quantised && arithmetic == Arithmetic::bf16 && bf16_instruction) y.row(t)[o] = dot_bf16(w, o, x.row(t));
      else y.row(t)[o] = dot_exact(w, o, x.row(t));
    }
}

/// y += x Wᵀ of float activations: each sum begins with what is there.
inline void matmul_add(const Panels& w, bool bf16, View x, MutableView y) noexcept {
  for (Index t = 0; t < x.rows; ++t)
    for (Index o = 0; o < w.rows; ++o) {
      float& sum = y.row(t)[o];
      sum = bf16 ? dot_bf16(w, o, x.row(t), sum) : dot_exact(w, o, x.row(t), sum);
    }
}

/// dx += dy W, output rows upwards.
inline void matmul_backward(const Panels& w, View dy, MutableView dx) noexcept {
  for (Index t = 0; t < dy.rows; ++t)
    for (Index o = 0; o < w.rows; ++o)
      for (Index k = 0; k < w.cols; ++k) dx.row(t)[k] = std::fma(dy.row(t)[o], value_at(w, o, k), dx.row(t)[k]);
}

/// The same, both as bfloat16.
inline void matmul_backward_bf16(const Panels& w, View dy, MutableView dx) noexcept {
  for (Index t = 0; t < dy.rows; ++t)
    for (Index k = 0; k < w.cols; ++k) {
      const auto weight = [&](Index o) { return value_at(w, o, k); };
      dx.row(t)[k] = dot_bf16(dx.row(t)[k], w.rows, weight, [&](Index o) { return dy.row(t)[o]; });
    }
}

/// The same of an Int8 weight (Int8Options::backward): x = fl(dy row scale) as int8 in groups of `group` output rows, each with a scale as
/// quantise() has it; then dx = fma(integer sum, scale, dx), groups upwards. One value that is not finite: so is all of the token's dx.
inline void matmul_backward_int8(const Panels& w, Index group, View dy, MutableView dx) {
  std::vector<std::byte> levels(to_size(w.rows * w.cols));
  std::vector<float> scales(to_size(w.rows)), x(to_size(group));
  for (Index o = 0; o < w.rows; ++o) scales[to_size(o)] = unpack_row(w, o, levels.data() + o * w.cols);
  std::vector<int> q;
  for (Index t = 0; t < dy.rows; ++t)
    for (Index from = 0; from < w.rows; from += group) {
      const Index n = std::min(group, w.rows - from);
      for (Index i = 0; i < n; ++i) x[to_size(i)] = dy.row(t)[from + i] * scales[to_size(from + i)];
      const float scale = quantise(x.data(), n, q);
      for (Index k = 0; k < w.cols; ++k) {
        int sum = 0;
        for (Index i = 0; i < n; ++i) sum += q[to_size(i)] * static_cast<std::int8_t>(levels[to_size((from + i) * w.cols + k)]);
        dx.row(t)[k] = std::fma(static_cast<float>(sum), scale, dx.row(t)[k]);
      }
    }
}

/// dw += dyᵀ x, tokens upwards.
inline void accumulate(View dy, View x, MutableView dw) noexcept {
  for (Index t = 0; t < x.rows; ++t)
    for (Index o = 0; o < dw.rows; ++o)
      for (Index k = 0; k < dw.cols; ++k) dw.row(o)[k] = std::fma(dy.row(t)[o], x.row(t)[k], dw.row(o)[k]);
}

}  // namespace tfm::inline TFM_ABI::kernels::plain
