// Element-wise functions and norms over sixteen lanes. Included once for each region.

// exp(x) = 2^n exp(r), n = round(x / ln 2), |r| <= ln 2 / 2; exp(r) by its series to r^7 (5e-9 relative). 0 below -87.3,
// capped above 88; exp(0) is 1 exactly.
template <class Lanes>  // F: a template, so that each region's lanes say whether it is inlined
Lanes exponential(Lanes x) {
  const F clamped = max(min(x, set(88.f)), set(-87.3f));
  const I n = to_int(mul(clamped, set(1.44269504f)));
  const F nf = to_float(n);
  F r = fma(nf, set(-0.693359375f), clamped);  // ln 2 in two parts: the first times n is exact
  r = fma(nf, set(2.12194440e-4f), r);
  F p = set(1.f / 5040);
  p = fma(p, r, set(1.f / 720));
  p = fma(p, r, set(1.f / 120));
  p = fma(p, r, set(1.f / 24));
  p = fma(p, r, set(1.f / 6));
  p = fma(p, r, set(0.5f));
  p = fma(p, r, set(1.f));
  p = fma(p, r, set(1.f));
  return if_less(x, set(-87.3f), zero(), mul(p, power_of_two(n)));
}

// 1 / (1 + exp(-x))
TFM_LANES F sigmoid(F x) { return div(set(1.f), add(set(1.f), exponential(sub(zero(), x)))); }

// tanh(x) by a rational function of degrees 13 and 6, within 4e-7 of it relatively; 1 beyond 7.9.
template <class Lanes>  // as exponential
Lanes hyperbolic_tangent(Lanes x) {
  const F c = max(min(x, set(7.9f)), set(-7.9f)), s = mul(c, c);
  F p = set(-2.76076847742355e-16f), q = set(1.19825839466702e-6f);
  p = fma(p, s, set(2.00018790482477e-13f));
  p = fma(p, s, set(-8.60467152213735e-11f));
  p = fma(p, s, set(5.12229709037114e-8f));
  p = fma(p, s, set(1.48572235717979e-5f));
  p = fma(p, s, set(6.37261928875436e-4f));
  p = fma(p, s, set(4.89352455891786e-3f));
  q = fma(q, s, set(1.18534705686654e-4f));
  q = fma(q, s, set(2.26843463243900e-3f));
  q = fma(q, s, set(4.89352518554385e-3f));
  return div(mul(c, p), q);
}
// cap tanh(x / cap)
TFM_LANES F soft_capped(F x, float cap) { return mul(hyperbolic_tangent(div(x, set(cap))), set(cap)); }
// Of what it gave: 1 - (y / cap)²
TFM_LANES F soft_cap_slope(F y, float cap) {
  const F t = div(y, set(cap));
  return fma(sub(zero(), t), t, set(1.f));
}

// Calls f(i, n) for lanes i .. i + n, n being 16 but at the end.
template <class Body>
TFM_LANES void by_lanes(Index count, Body f) {
  Index i = 0;
  for (; i + 16 <= count; i += 16) f(i, Index{16});
  if (i < count) f(i, count - i);
}
TFM_LANES F load_some(const float* p, Index n) { return n == 16 ? load(p) : load_first(p, n); }
TFM_LANES void store_some(float* p, F a, Index n) { n == 16 ? store(p, a) : store_first(p, a, n); }

inline void add_lanes(const float* x, float* y, Index count) {
  by_lanes(count, [&](Index i, Index n) { store_some(y + i, add(load_some(y + i, n), load_some(x + i, n)), n); });
}
inline void scale_add_lanes(float a, const float* x, float* y, Index count) {
  by_lanes(count, [&](Index i, Index n) { store_some(y + i, fma(set(a), load_some(x + i, n), load_some(y + i, n)), n); });
}

inline void add_into(Context&, View x, MutableView y) { add_lanes(x.data, y.data, y.size()); }
inline void add_bias(Context&, const float* b, MutableView y) {
  for (Index t = 0; t < y.rows; ++t) add_lanes(b, y.row(t), y.cols);
}
inline void gather_add(Context&, View table, const Index* rows, MutableView y) {
  for (Index t = 0; t < y.rows; ++t) add_lanes(table.row(rows[t]), y.row(t), y.cols);
}
inline void scale_add(Context&, float a, View x, MutableView y) { scale_add_lanes(a, x.data, y.data, y.size()); }
inline void scale(Context&, float a, View x, MutableView y) {
  by_lanes(y.size(), [&](Index i, Index n) { store_some(y.data + i, mul(set(a), load_some(x.data + i, n)), n); });
}
// What a gate's activation x sigmoid(z(x)) takes the sigmoid of, and x z'(x): SiLU, and GELU in its form with tanh, which is
// x sigmoid(2 sqrt(2 / pi) (x + 0.044715 x³)), as 1 + tanh(a) is 2 sigmoid(2 a).
struct Silu {
  static TFM_LANES F z(F x) { return x; }
  static TFM_LANES F x_slope(F x) { return x; }
};
struct Gelu {
  static TFM_LANES F z(F x) { return mul(x, fma(mul(x, x), set(0.0713548163f), set(1.59576912f))); }
  static TFM_LANES F x_slope(F x) { return mul(x, fma(mul(x, x), set(0.214064449f), set(1.59576912f))); }
};
template <class Activation>
TFM_LANES void gated(View gate, View up, MutableView y) {
  by_lanes(y.size(), [&](Index i, Index n) {
    const F g = load_some(gate.data + i, n);
    store_some(y.data + i, mul(mul(g, sigmoid(Activation::z(g))), load_some(up.data + i, n)), n);
  });
}
// dgate += dy up s (1 + x z'(x) (1 - s)), dup += dy gate s, with s = sigmoid(z(gate))
template <class Activation>
TFM_LANES void gated_backward(View gate, View up, View dy, MutableView dgate, MutableView dup) {
  by_lanes(dy.size(), [&](Index i, Index n) {
    const F g = load_some(gate.data + i, n), u = load_some(up.data + i, n), d = load_some(dy.data + i, n), s = sigmoid(Activation::z(g));
    const F slope = mul(s, fma(Activation::x_slope(g), sub(set(1.f), s), set(1.f)));
    store_some(dgate.data + i, fma(mul(d, u), slope, load_some(dgate.data + i, n)), n);
    store_some(dup.data + i, fma(mul(d, g), s, load_some(dup.data + i, n)), n);
  });
}
inline void silu_mul(Context&, View gate, View up, MutableView y) { gated<Silu>(gate, up, y); }
inline void gelu_mul(Context&, View gate, View up, MutableView y) { gated<Gelu>(gate, up, y); }
inline void silu_mul_backward(Context&, View gate, View up, View dy, MutableView dgate, MutableView dup) { gated_backward<Silu>(gate, up, dy, dgate, dup); }
inline void gelu_mul_backward(Context&, View gate, View up, View dy, MutableView dgate, MutableView dup) { gated_backward<Gelu>(gate, up, dy, dgate, dup); }

inline void soft_cap(Context&, View x, float cap, MutableView y) {
  by_lanes(y.size(), [&](Index i, Index n) { store_some(y.data + i, soft_capped(load_some(x.data + i, n), cap), n); });
}
inline void soft_cap_backward(Context&, View y, float cap, MutableView d) {
  by_lanes(d.size(), [&](Index i, Index n) { store_some(d.data + i, mul(load_some(d.data + i, n), soft_cap_slope(load_some(y.data + i, n), cap)), n); });
}

inline float sum_of_products(const float* a, const float* b, Index count) {
  F sum = zero();
  by_lanes(count, [&](Index i, Index n) { sum = fma(load_some(a + i, n), load_some(b + i, n), sum); });
  return reduce_add(sum);
}
// y = x / rms(x) w; *inverse = 1 / rms(x), where it is wanted
inline void rms_norm_row(const float* x, const float* w, float eps, float* y, float* inverse, Index count) {
  const float mean = sum_of_products(x, x, count) / static_cast<float>(count);
  const float r = 1.f / square_root(mean + eps);
  by_lanes(count, [&](Index i, Index n) { store_some(y + i, mul(mul(load_some(x + i, n), set(r)), load_some(w + i, n)), n); });
  if (inverse != nullptr) *inverse = r;
}
inline void rms_norm(Context&, View x, const float* w, float eps, MutableView y, float* inverse) {
  for (Index t = 0; t < x.rows; ++t) rms_norm_row(x.row(t), w, eps, y.row(t), inverse == nullptr ? nullptr : inverse + t, x.cols);
}
// With r = 1 / rms and h = dy w: dx += r h - x r^3 mean(h x)
inline void rms_norm_backward_row(const float* x, const float* w, float r, const float* dy, float* dx, Index count) {
  F sum = zero();
  by_lanes(count, [&](Index i, Index n) { sum = fma(mul(load_some(dy + i, n), load_some(w + i, n)), load_some(x + i, n), sum); });
  const float mean = reduce_add(sum) / static_cast<float>(count);
  const F back = set(-(r * r) * (r * mean));
  by_lanes(count, [&](Index i, Index n) {
    const F d = load_some(dy + i, n), v = load_some(x + i, n);
    const F h = mul(mul(d, load_some(w + i, n)), set(r));
    store_some(dx + i, add(load_some(dx + i, n), fma(v, back, h)), n);
  });
}
inline void rms_norm_backward(Context&, View x, const float* w, const float* inverse, View dy, MutableView dx) {
  for (Index t = 0; t < x.rows; ++t) rms_norm_backward_row(x.row(t), w, inverse[t], dy.row(t), dx.row(t), x.cols);
}
// dw += dy x r in columns first .. first + count, over the rows in their order; r = inverse of the row.
inline void rms_norm_backward_columns(Context&, View x, const float* inverse, View dy, Index first, Index count, float* dw) {
  for (Index t = 0; t < x.rows; ++t) {
    const float *const row = x.row(t) + first, *const d = dy.row(t) + first;
    by_lanes(count, [&](Index i, Index n) {
      store_some(dw + first + i, fma(mul(load_some(d + i, n), load_some(row + i, n)), set(inverse[t]), load_some(dw + first + i, n)), n);
    });
  }
}

// factors[j] = 0 where the number of (key, first + j) is below the rate, else 1 / (1 - rate), for j < count, a multiple of 16 and at most 64:
// RandomKey's bits, eight at a time. A uniform number is below the rate where its 24 bits are below rate 2^24.
inline void dropout_factors(std::uint64_t key, std::uint64_t first, float rate, Index count, float* factors) {
  typedef std::uint64_t Eight __attribute__((vector_size(64)));
  typedef float EightFloats __attribute__((vector_size(8 * sizeof(float))));
  const float kept = 1.f / (1.f - rate), limit = rate * 0x1p24f;
  const auto below = static_cast<std::uint64_t>(limit), threshold = below + (static_cast<float>(below) < limit ? 1 : 0);
  constexpr std::uint64_t golden = 0x9e3779b97f4a7c15u;
  Eight z = {0, 1, 2, 3, 4, 5, 6, 7};
  z = (z + first) * golden + key + golden;  // splitmix64() begins by adding it
  for (Index j = 0; j < 64 && j < count; j += 8) {  // or g++ sees writes beyond the callers' arrays
    Eight m = z;
    m = (m ^ (m >> 30)) * 0xbf58476d1ce4e5b9u;
    m = (m ^ (m >> 27)) * 0x94d049bb133111ebu;
    m = (m ^ (m >> 31)) >> 40;
    // both are below 2^25: the difference's sign says which is larger
    const Eight keep = 1 - ((m - threshold) >> 63);
    EightFloats f;
    for (int i = 0; i < 8; ++i) f[i] = static_cast<float>(static_cast<int>(keep[i]));
    f *= kept;
    __builtin_memcpy(factors + j, &f, sizeof f);
    z += 8 * golden;
  }
}

// Turns pairs (x[i], x[i + half]) by the angles whose cosines and sines are given; sign -1 turns back.
inline void rotate_head(float* x, const float* cosine, const float* sine, float sign, Index half) {
  by_lanes(half, [&](Index i, Index n) {
    const F a = load_some(x + i, n), b = load_some(x + half + i, n), c = load_some(cosine + i, n);
    const F s = mul(load_some(sine + i, n), set(sign));
    // the multiply-adds are spelt out: a compiler may contract mul and add, and then decides the bits
    store_some(x + i, fma(a, c, sub(zero(), mul(b, s))), n);
    store_some(x + half + i, fma(b, c, mul(a, s)), n);
  });
}
inline void rotate(Context&, MutableView x, Index head_dim, View cosine, View sine, float sign) {
  const Index half = cosine.cols;
  for (Index t = 0; t < x.rows; ++t)
    for (Index h = 0; h < x.cols; h += head_dim) rotate_head(x.row(t) + h, cosine.row(t), sine.row(t), sign, half);
}
