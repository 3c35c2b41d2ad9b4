// Layer normalisation, biases, ReLU, dropout, softmax cross-entropy and the optimizers' updates, over sixteen lanes. Included once
// for each region.

// y = (x - mean) / sqrt(variance + eps) w + b; statistics[0] = mean, [1] = 1 / sqrt(variance + eps), if not null.
inline void layer_norm_row(const float* x, const float* w, const float* b, float eps, float* y, float* statistics, Index count) {
  F sum = zero();
  by_lanes(count, [&](Index i, Index n) { sum = add(sum, load_some(x + i, n)); });
  const float mean = reduce_add(sum) / static_cast<float>(count);
  F squares = zero();
  by_lanes(count, [&](Index i, Index n) {
    const F d = n == 16 ? sub(load(x + i), set(mean)) : keep_first(sub(load_first(x + i, n), set(mean)), n, zero());
    squares = fma(d, d, squares);
  });
  const float inverse = 1.f / square_root(reduce_add(squares) / static_cast<float>(count) + eps);
  by_lanes(count, [&](Index i, Index n) {
    const F normed = mul(sub(load_some(x + i, n), set(mean)), set(inverse));
    store_some(y + i, fma(normed, load_some(w + i, n), load_some(b + i, n)), n);
  });
  if (statistics != nullptr) statistics[0] = mean, statistics[1] = inverse;
}
inline void layer_norm(Context&, View x, const float* w, const float* b, float eps, MutableView y, float* statistics) {
  for (Index t = 0; t < x.rows; ++t) layer_norm_row(x.row(t), w, b, eps, y.row(t), statistics == nullptr ? nullptr : statistics + 2 * t, x.cols);
}
// With n = (x - mean) r and h = dy w: dx += r (h - mean(h) - n mean(h n)).
inline void layer_norm_backward_row(const float* x, const float* w, const float* statistics, const float* dy, float* dx, Index count) {
  const float mean = statistics[0], r = statistics[1];
  F sum = zero(), sum_n = zero();
  by_lanes(count, [&](Index i, Index n) {
    const F h = mul(load_some(dy + i, n), load_some(w + i, n));
    const F normed = mul(sub(load_some(x + i, n), set(mean)), set(r));
    sum = add(sum, h);
    sum_n = fma(h, normed, sum_n);
  });
  const float mean_h = reduce_add(sum) / static_cast<float>(count), mean_hn = reduce_add(sum_n) / static_cast<float>(count);
  by_lanes(count, [&](Index i, Index n) {
    const F d = load_some(dy + i, n), normed = mul(sub(load_some(x + i, n), set(mean)), set(r));
    const F inner = fma(normed, set(-mean_hn), fma(d, load_some(w + i, n), set(-mean_h)));
    store_some(dx + i, fma(inner, set(r), load_some(dx + i, n)), n);
  });
}
inline void layer_norm_backward(Context&, View x, const float* w, const float* statistics, View dy, MutableView dx) {
  for (Index t = 0; t < x.rows; ++t) layer_norm_backward_row(x.row(t), w, statistics + 2 * t, dy.row(t), dx.row(t), x.cols);
}
// dw += dy n, db += dy in columns first .. first + count, over the rows in their order.
inline void layer_norm_backward_columns(Context&, View x, const float* statistics, View dy, Index first, Index count, float* dw, float* db) {
  for (Index t = 0; t < x.rows; ++t) {
    const float *const row = x.row(t) + first, *const dy_row = dy.row(t) + first;
    by_lanes(count, [&](Index i, Index n) {
      const F d = load_some(dy_row + i, n), normed = mul(sub(load_some(row + i, n), set(statistics[2 * t])), set(statistics[2 * t + 1]));
      store_some(dw + first + i, fma(d, normed, load_some(dw + first + i, n)), n);
      store_some(db + first + i, add(load_some(db + first + i, n), d), n);
    });
  }
}

// The rows of dy in columns first .. first + count, in their order: added to db, and a times each to row ids[t] of dtable.
inline void add_bias_backward(Context&, View dy, Index first, Index count, float* db) {
  for (Index t = 0; t < dy.rows; ++t) add_lanes(dy.row(t) + first, db + first, count);
}
inline void gather_backward(Context&, float a, View dy, const std::int32_t* ids, Index first, Index count, MutableView dtable) {
  for (Index t = 0; t < dy.rows; ++t) scale_add_lanes(a, dy.row(t) + first, dtable.row(ids[t]) + first, count);
}
// y = max(y + b, 0)
inline void bias_relu(Context&, const float* b, MutableView y) {
  for (Index t = 0; t < y.rows; ++t) {
    float* const row = y.row(t);
    by_lanes(y.cols, [&](Index i, Index n) { store_some(row + i, max(add(load_some(row + i, n), load_some(b + i, n)), zero()), n); });
  }
}

// y = max(x, 0); y may be x.
inline void relu(Context&, View x, MutableView y) {
  by_lanes(y.size(), [&](Index i, Index n) { store_some(y.data + i, max(load_some(x.data + i, n), zero()), n); });
}
// dx = dy where y > 0, else 0; dx may be dy.
inline void relu_backward(Context&, View y, View dy, MutableView dx) {
  by_lanes(y.size(), [&](Index i, Index n) {
    store_some(dx.data + i, if_less(zero(), load_some(y.data + i, n), load_some(dy.data + i, n), zero()), n);
  });
}

// y = x factor where the number of (key, i) is at least rate, else 0: factor 1 / (1 - rate). y may be x.
inline void dropout_row_of(const float* x, std::uint64_t key, float rate, float* y, Index count) {
  float factors[64];
  for (Index from = 0; from < count; from += 64) {
    const Index left = count - from < 64 ? count - from : 64;
    dropout_factors(key, static_cast<std::uint64_t>(from), rate, (left + 15) / 16 * 16, factors);
    by_lanes(left, [&](Index i, Index n) {
      const F factor = load(factors + i);
      store_some(y + from + i, if_less(zero(), factor, mul(load_some(x + from + i, n), factor), zero()), n);
    });
  }
}
inline void dropout(Context&, View x, const std::uint64_t* keys, float rate, MutableView y) {
  for (Index t = 0; t < x.rows; ++t) dropout_row_of(x.row(t), keys[t], rate, y.row(t), x.cols);
}
// y += x factor, with the same factors
inline void dropout_add_row(const float* x, std::uint64_t key, float rate, float* y, Index count) {
  float factors[64];
  for (Index from = 0; from < count; from += 64) {
    const Index left = count - from < 64 ? count - from : 64;
    dropout_factors(key, static_cast<std::uint64_t>(from), rate, (left + 15) / 16 * 16, factors);
    by_lanes(left, [&](Index i, Index n) { store_some(y + from + i, fma(load_some(x + from + i, n), load(factors + i), load_some(y + from + i, n)), n); });
  }
}
inline void dropout_add(Context&, View x, const std::uint64_t* keys, float rate, MutableView y) {
  for (Index t = 0; t < x.rows; ++t) dropout_add_row(x.row(t), keys[t], rate, y.row(t), x.cols);
}

// probabilities = softmax(x); largest and sum of exp(x - largest) to statistics[0], [1].
inline void softmax_row(const float* x, float* probabilities, float* statistics, Index count) {
  F most = set(-__builtin_inff());
  by_lanes(count, [&](Index i, Index n) { most = max(most, n == 16 ? load(x + i) : keep_first(load_first(x + i, n), n, set(-__builtin_inff()))); });
  const float largest = reduce_max(most);
  F sum = zero();
  by_lanes(count, [&](Index i, Index n) {
    const F e = exponential(sub(load_some(x + i, n), set(largest)));
    store_some(probabilities + i, e, n);
    sum = add(sum, n == 16 ? e : keep_first(e, n, zero()));
  });
  const float total = reduce_add(sum);
  by_lanes(count, [&](Index i, Index n) { store_some(probabilities + i, div(load_some(probabilities + i, n), set(total)), n); });
  if (statistics != nullptr) statistics[0] = largest, statistics[1] = total;
}
inline void softmax(Context&, View x, MutableView y, float* statistics) {
  for (Index t = 0; t < x.rows; ++t) softmax_row(x.row(t), y.row(t), statistics == nullptr ? nullptr : statistics + 2 * t, x.cols);
}

// Kingma & Ba 2014, algorithm 1, and with decay Loshchilov & Hutter 2017: m = b1 m + (1 - b1) g, v = b2 v + (1 - b2) g²,
// p = p (1 - lr decay) - rate m / (sqrt(v) / correction + eps), as PyTorch orders it.
inline void adam(Context&, const AdamStep& a, const float* g, float* p, float* m, float* v, Index count) {
  by_lanes(count, [&](Index i, Index n) {
    const F gradient = mul(load_some(g + i, n), set(a.gradient_scale));
    const F first = fma(set(a.beta1), load_some(m + i, n), mul(set(1.f - a.beta1), gradient));
    const F second = fma(set(a.beta2), load_some(v + i, n), mul(mul(gradient, gradient), set(1.f - a.beta2)));
    const F denominator = add(div(root(second), set(a.root_correction)), set(a.eps));
    const F decayed = mul(load_some(p + i, n), set(a.keep));
    store_some(p + i, fma(set(-a.rate), div(first, denominator), decayed), n);
    store_some(m + i, first, n);
    store_some(v + i, second, n);
  });
}
