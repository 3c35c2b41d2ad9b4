#pragma once
// The products of all built-in formats: y = x Wᵀ for one weight or several that share x, and their backwards.
#include <algorithm>
#include <span>

#include "tfm/kernels/dispatch.hpp"
#include "tfm/numeric/f32.hpp"
#include "tfm/numeric/packed_weight.hpp"

namespace tfm::inline TFM_ABI {

/// How fast arithmetic holds the activations of one product: in int8, or in two int8 digits, the second of what the first
/// leaves. Two cost twice the arithmetic, and lose nothing that counts.
enum class Digits : unsigned char { one, two };

namespace kernels {

/// y[first ..] += x Bᵀ for some rows of a product's y, while they are at hand: an adapter's second factor.
struct AdapterTerm {
  const float* b;                           ///< [rows of y, x.cols]
  View x;                                   ///< [tokens, rank]
  Index first;                              ///< the row of y that x's row 0 belongs to
  const unsigned short* x_bf16 = nullptr;   ///< while the product runs: x as bfloat16, or null
};

/// One of several products that share x.
struct Product {
  Panels w;                  ///< for plain floats: data is null, the sizes count
  const float* row_major{};
  MutableView y;
  Digits digits = Digits::one;
  bool added = false;        ///< to what y has: of float32 and bfloat16 activations alone
  std::span<AdapterTerm> terms{};
};

/// Bytes of scratch that products of x [tokens, cols] take, at most; their gradients take backward_floats for each thread.
constexpr Index matmul_scratch_bytes(Index tokens, Index cols, Index threads) noexcept {
  const Index padded = round_up(cols, 16), blocks = cols / activation_block;
  const Index digit = Arena::bytes_for(tokens * cols, 1) + 4 * Arena::bytes_for(tokens * blocks);
  const Index rest = digit + Arena::bytes_for(threads * padded);
  const Index whole_rows = Arena::bytes_for(tokens * padded, 1) + 3 * Arena::bytes_for(tokens) + Arena::bytes_for(tokens * ceil_div(cols, 64), 8) +
                           Arena::bytes_for(threads * padded);
  return digit + rest + whole_rows + Arena::bytes_for(tokens * round_up(cols, 2), 2) + Arena::bytes_for(threads * scratch_floats);
}

/// Whether products are to be of bfloat16, and the kernels have them.
inline bool has_bf16(const Context& context) noexcept { return context.arithmetic == Arithmetic::bf16 && table(context).bf16_chunk != nullptr; }

/// Whether the gradient of the input of a weight of this format is one of int8 products.
inline bool int8_backward(const Context& context, Format format) noexcept {
  return context.int8.backward && context.arithmetic != Arithmetic::exact && activations(format) == Activations::rows;
}
/// From one row of an int8 gradient to the next: an odd number of cache lines, as lines that are a power of two apart push each other
/// out of the first cache.
constexpr Index gradient_row(Index rows) noexcept { return round_up(rows, 128) + 64; }
/// Bytes of scratch that int8 makes of dy [tokens, rows].
constexpr Index int8_backward_bytes(Index tokens, Index rows) noexcept {
  const Index padded = round_up(rows, 16), groups = ceil_div(rows, gradient_group);
  return Arena::bytes_for(padded) + Arena::bytes_for(tokens * gradient_row(rows), 1) + 2 * Arena::bytes_for(tokens * groups);
}

namespace prepare {

// x as int8, one scale a row, but for its outliers.
Quantised quantise_rows(Context& context, View x);

}  // namespace prepare

/// y_i = x W_iᵀ for all products, in one parallel region; x is quantised once.
void run_products(Context& context, View x, std::span<const Product> products) noexcept;

inline Product as_product(const PackedWeight& w, MutableView y, Digits digits = Digits::one, std::span<AdapterTerm> terms = {}) noexcept {
  return {w.panels(), nullptr, y, digits, false, terms};
}
inline Product as_product(const F32& w, MutableView y, Digits = Digits::one, std::span<AdapterTerm> terms = {}) noexcept {
  return {{nullptr, w.rows(), w.cols(), Format::f32}, w.view().data, y, Digits::one, false, terms};
}

void run_backward(Context& context, Panels w, const float* row_major, View dy, MutableView dx) noexcept;

}  // namespace kernels

void matmul(Context& context, const PackedWeight& w, View x, MutableView y) noexcept;
void matmul(Context& context, const F32& w, View x, MutableView y) noexcept;
/// y += x Wᵀ
void matmul_add(Context& context, const F32& w, View x, MutableView y) noexcept;
void matmul_backward(Context& context, const PackedWeight& w, View dy, MutableView dx) noexcept;
void matmul_backward(Context& context, const F32& w, View dy, MutableView dx) noexcept;

/// A weight and where its product goes, for matmul(context, x, product(wq, q), product(wk, k), …).
template <class W>
struct Pair {
  const W& w;
  MutableView y;
  Digits digits = Digits::one;
  std::span<kernels::AdapterTerm> terms{};
};
template <class W>
Pair<W> product(const W& w, MutableView y, Digits digits = Digits::one, std::span<kernels::AdapterTerm> terms = {}) noexcept {
  return {w, y, digits, terms};
}

/// y_i = x W_iᵀ and what rides on it, where digits say how precisely: for built-in formats x is quantised once and all is one parallel
/// region; otherwise one by one.
template <class... W>
void matmul(Context& context, View x, Pair<W>... pairs) noexcept {
  if constexpr ((requires { kernels::as_product(pairs.w, pairs.y); } && ...)) {
    const kernels::Product products[] = {kernels::as_product(pairs.w, pairs.y, pairs.digits, pairs.terms)...};
    kernels::run_products(context, x, products);
  } else {
    const auto one = [&](const auto& pair) {
      matmul(context, pair.w, x, pair.y);
      for (const kernels::AdapterTerm& r : pair.terms) {
        kernels::Product added[] = {{{nullptr, pair.y.cols, r.x.cols, Format::f32}, r.b, pair.y.slice(r.first, r.x.rows)}};
        added[0].added = true;
        kernels::run_products(context, r.x, added);
      }
    };
    (one(pairs), ...);
  }
}

}  // namespace tfm::inline TFM_ABI

#if defined(TFM_DEFINITIONS)
#include "tfm/kernels/matmul.inl"
#endif
