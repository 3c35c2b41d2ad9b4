#pragma once
// The products of all built-in formats: y = x Wᵀ for one weight or several that share x, and their backwards.
#include <algorithm>
#include <span>

#include "tfm/kernels/dispatch.hpp"
#include "tfm/numeric/f32.hpp"
#include "tfm/numeric/packed_weight.hpp"

namespace tfm::inline TFM_ABI {
namespace kernels {

/// One of several products that share x.
struct Product {
  Panels w;                  ///< for plain floats: data is null, the sizes count
  const float* row_major{};
  MutableView y;
};

/// Bytes of scratch that products of x [tokens, cols] take, at most.
constexpr Index matmul_scratch_bytes(Index tokens, Index cols, Index threads) noexcept {
  const Index padded = round_up(cols, 16), blocks = cols / 32;
  return 2 * Arena::bytes_for(tokens * padded, 1) + 3 * Arena::bytes_for(tokens * blocks) + 2 * Arena::bytes_for(tokens) +
         Arena::bytes_for(tokens * round_up(cols, 2), 2) + Arena::bytes_for(threads * scratch_floats);
}

namespace prepare {

// x as int8 in blocks of 32.
inline Quantised quantise_in_blocks(Context& context, View x) {
  const Index blocks = x.cols / 32;
  auto* const q = context.scratch.take<signed char>(x.size());
  auto* const scales = context.scratch.take<float>(x.rows * blocks);
  auto* const scaled_sums = context.scratch.take<float>(x.rows * blocks);
  auto* const sums = context.scratch.take<int>(x.rows * blocks);
  by_rows(context, x.rows, x.cols, [&](Index first, Index count) {
    Isa ran{};
    for (Index t = first; t < first + count; ++t)
      ran = TFM_ON(context.isa, quantise_blocks(x.row(t), x.cols, q + t * x.cols, scales + t * blocks, scaled_sums + t * blocks, sums + t * blocks));
    return ran;
  });
  return {q, scales, scaled_sums, sums, x.cols, blocks};
}

// x as int8, one scale a row.
inline Quantised quantise_rows(Context& context, View x) {
  const Index padded = round_up(x.cols, 16);
  auto* const q = context.scratch.take<signed char>(x.rows * padded);
  auto* const scales = context.scratch.take<float>(x.rows);
  auto* const sums = context.scratch.take<int>(x.rows);
  by_rows(context, x.rows, x.cols, [&](Index first, Index count) {
    Isa ran{};
    for (Index t = first; t < first + count; ++t)
      ran = TFM_ON(context.isa, quantise_whole_row(x.row(t), x.cols, q + t * padded, scales + t, sums + t));
    return ran;
  });
  return {q, scales, nullptr, sums, padded, 1};
}

inline const unsigned short* to_bf16(Context& context, View x) {
  const Index padded = round_up(x.cols, 2);
  auto* const out = context.scratch.take<unsigned short>(x.rows * padded);
  by_rows(context, x.rows, x.cols, [&](Index first, Index count) {
    for (Index t = first; t < first + count; ++t) {
      for (Index k = 0; k < x.cols; ++k) out[t * padded + k] = bf16_from_f32(x.row(t)[k]);
      if (padded != x.cols) out[t * padded + x.cols] = 0;
    }
    return context.isa;  // plain code, the same in every region
  });
  return out;
}

}  // namespace prepare

/// y_i = x W_iᵀ for all products, in one parallel region; x is quantised once.
inline void run_products(Context& context, View x, std::span<const Product> products) noexcept {
  if (x.rows == 0) return;
  const Arena::Frame frame(context.scratch);
  const auto quantises = [&](const Product& p) { return context.arithmetic != Arithmetic::exact && p.row_major == nullptr && p.w.format >= Format::q8_0; };
  const bool has_bf16 = context.arithmetic == Arithmetic::bf16 && context.isa == Isa::avx512_bf16;
  Quantised blocks{}, rows{};
  const unsigned short* x_bf16 = nullptr;
  Index panels = 0;
  for (const Product& p : products) {
    panels += p.w.count();
    if (quantises(p) && p.w.format == Format::int8 && rows.q == nullptr) rows = prepare::quantise_rows(context, x);
    if (quantises(p) && p.w.format != Format::int8 && blocks.q == nullptr) blocks = prepare::quantise_in_blocks(context, x);
    if (!quantises(p) && has_bf16 && (p.row_major != nullptr || p.w.format < Format::q8_0) && x_bf16 == nullptr) x_bf16 = prepare::to_bf16(context, x);
  }
  float* const scratch = context.scratch.take<float>(context.threads->count() * scratch_floats);
  const Index each = chunk_items(context, panels, 16 * x.rows * x.cols, 4);
  Index chunks = 0;
  for (const Product& p : products) chunks += ceil_div(p.w.count(), each);
  context.run(chunks, [&](Index chunk, int worker) {
    const Product* p = products.data();
    for (; chunk >= ceil_div(p->w.count(), each); ++p) chunk -= ceil_div(p->w.count(), each);
    const Index first = chunk * each, count = std::min(each, p->w.count() - first);
    const Quantised q = !quantises(*p) ? Quantised{} : p->w.format == Format::int8 ? rows : blocks;
    const unsigned short* const b = p->row_major != nullptr || p->w.format < Format::q8_0 ? x_bf16 : nullptr;
    float* const own = scratch + worker * scratch_floats;
    report(context, TFM_ON(context.isa, matmul_chunk({p->w, p->row_major, {q.q, q.scales, q.scaled_sums, q.sums, q.cols, q.blocks}, b, x.data, x.rows, p->y.data}, first, count, own)));
  });
}

inline Product as_product(const PackedWeight& w, MutableView y) noexcept { return {w.panels(), nullptr, y}; }
inline Product as_product(const F32& w, MutableView y) noexcept {
  return {{nullptr, w.rows(), w.cols(), Format::f32}, w.view().data, y};
}

inline void run_backward(Context& context, Panels w, const float* row_major, View dy, MutableView dx) noexcept {
  if (dy.rows == 0) return;
  const Arena::Frame frame(context.scratch);
  float* const scratch = context.scratch.take<float>(context.threads->count() * scratch_floats);
  context.run(ceil_div(w.cols, 64), [&](Index chunk, int worker) {
    const Index k = 64 * chunk, n = std::min<Index>(64, w.cols - k);
    float* const own = scratch + worker * scratch_floats;
    report(context, TFM_ON(context.isa, backward_chunk({w, row_major, dy.data, dy.rows, dx.data}, k, n, own)));
  });
}

}  // namespace kernels

inline void matmul(Context& context, const PackedWeight& w, View x, MutableView y) noexcept {
  const kernels::Product one[] = {kernels::as_product(w, y)};
  kernels::run_products(context, x, one);
}
inline void matmul(Context& context, const F32& w, View x, MutableView y) noexcept {
  const kernels::Product one[] = {kernels::as_product(w, y)};
  kernels::run_products(context, x, one);
}
inline void matmul_backward(Context& context, const PackedWeight& w, View dy, MutableView dx) noexcept {
  kernels::run_backward(context, w.panels(), nullptr, dy, dx);
}
inline void matmul_backward(Context& context, const F32& w, View dy, MutableView dx) noexcept {
  kernels::run_backward(context, {nullptr, w.rows(), w.cols(), Format::f32}, w.view().data, dy, dx);
}
inline void accumulate(Context& context, View dy, View x, MutableView dw) noexcept {
  const Arena::Frame frame(context.scratch);
  float* const scratch = context.scratch.take<float>(context.threads->count() * kernels::scratch_floats);
  constexpr Index each = 48;
  context.run(ceil_div(dw.rows, each), [&](Index chunk, int worker) {
    const Index first = chunk * each, n = std::min(each, dw.rows - first);
    float* const own = scratch + worker * kernels::scratch_floats;
    kernels::report(context, TFM_ON(context.isa, accumulate_chunk(dy.data, dy.cols, x.data, x.cols, x.rows, dw.data, first, n, own)));
  });
}

/// A weight and where its product goes, for matmul(context, x, product(wq, q), product(wk, k), …).
template <class W>
struct Pair {
  const W& w;
  MutableView y;
};
template <class W>
Pair<W> product(const W& w, MutableView y) noexcept {
  return {w, y};
}

/// y_i = x W_iᵀ: for built-in formats x is quantised once and all is one parallel region; otherwise one by one.
template <class... W>
void matmul(Context& context, View x, Pair<W>... pairs) noexcept {
  if constexpr ((requires { kernels::as_product(pairs.w, pairs.y); } && ...)) {
    const kernels::Product products[] = {kernels::as_product(pairs.w, pairs.y)...};
    kernels::run_products(context, x, products);
  } else {
    (matmul(context, pairs.w, x, pairs.y), ...);
  }
}

}  // namespace tfm::inline TFM_ABI
