// Layer normalisation, biases, ReLU, dropout, softmax cross-entropy and the optimizers' updates, over sixteen lanes. Included once
// for each region.

// y = (x - mean) / sqrt(variance + eps) w + b; statistics[0] = mean, [1] = 1 / sqrt(variance + eps), if not null.
TFM_KERNEL Isa layer_norm_row(const float* x, const float* w, const float* b, float eps, float* y, float* statistics, Index count) {
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
  return this_isa;
}
// With n = (x - mean) r and h = dy w: dx += r (h - mean(h) - n mean(h n)).
TFM_KERNEL Isa layer_norm_backward_row(const float* x, const float* w, const float* statistics, const float* dy, float* dx, Index count) {
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
  return this_isa;
}
// dw += dy n, db += dy over `rows` rows that are `stride` apart, in their order.
TFM_KERNEL Isa layer_norm_backward_columns(const float* x, const float* statistics, const float* dy, Index stride, Index rows, float* dw, float* db, Index count) {
  for (Index t = 0; t < rows; ++t, x += stride, dy += stride)
    by_lanes(count, [&](Index i, Index n) {
      const F d = load_some(dy + i, n), normed = mul(sub(load_some(x + i, n), set(statistics[2 * t])), set(statistics[2 * t + 1]));
      store_some(dw + i, fma(d, normed, load_some(dw + i, n)), n);
      store_some(db + i, add(load_some(db + i, n), d), n);
    });
  return this_isa;
}

// y += each of `rows` rows of x that are `stride` apart, in their order.
TFM_KERNEL Isa add_rows(const float* x, Index stride, Index rows, float* y, Index count) {
  for (Index t = 0; t < rows; ++t) add_into(x + t * stride, y, count);
  return this_isa;
}
// y = max(y + b, 0)
TFM_KERNEL Isa bias_relu(const float* b, float* y, Index count) {
  by_lanes(count, [&](Index i, Index n) { store_some(y + i, max(add(load_some(y + i, n), load_some(b + i, n)), zero()), n); });
  return this_isa;
}

// y = max(x, 0); y may be x.
TFM_KERNEL Isa relu(const float* x, float* y, Index count) {
  by_lanes(count, [&](Index i, Index n) { store_some(y + i, max(load_some(x + i, n), zero()), n); });
  return this_isa;
}
// dx = dy where y > 0, else 0; dx may be dy.
TFM_KERNEL Isa relu_backward(const float* y, const float* dy, float* dx, Index count) {
  by_lanes(count, [&](Index i, Index n) { store_some(dx + i, if_less(zero(), load_some(y + i, n), load_some(dy + i, n), zero()), n); });
  return this_isa;
}

// y = x factor where the number of (key, i) is at least rate, else 0: factor 1 / (1 - rate). y may be x.
TFM_KERNEL Isa dropout_elements(const float* x, std::uint64_t key, float rate, float* y, Index count) {
  float factors[64];
  for (Index from = 0; from < count; from += 64) {
    const Index left = count - from < 64 ? count - from : 64;
    dropout_factors(key, static_cast<std::uint64_t>(from), rate, (left + 15) / 16 * 16, factors);
    by_lanes(left, [&](Index i, Index n) {
      const F factor = load(factors + i);
      store_some(y + from + i, if_less(zero(), factor, mul(load_some(x + from + i, n), factor), zero()), n);
    });
  }
  return this_isa;
}
// y += x factor, with the factors of dropout_elements
TFM_KERNEL Isa dropout_add(const float* x, std::uint64_t key, float rate, float* y, Index count) {
  float factors[64];
  for (Index from = 0; from < count; from += 64) {
    const Index left = count - from < 64 ? count - from : 64;
    dropout_factors(key, static_cast<std::uint64_t>(from), rate, (left + 15) / 16 * 16, factors);
    by_lanes(left, [&](Index i, Index n) { store_some(y + from + i, fma(load_some(x + from + i, n), load(factors + i), load_some(y + from + i, n)), n); });
  }
  return this_isa;
}

// probabilities = softmax(x); largest and sum of exp(x - largest) to statistics[0], [1].
TFM_KERNEL Isa softmax_row(const float* x, float* probabilities, float* statistics, Index count) {
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
  return this_isa;
}

// Kingma & Ba 2014, algorithm 1, and with decay Loshchilov & Hutter 2017: m = b1 m + (1 - b1) g, v = b2 v + (1 - b2) g²,
// p = p (1 - lr decay) - rate m / (sqrt(v) / correction + eps), as PyTorch orders it.
TFM_KERNEL Isa adam_update(const AdamStep& a, const float* g, float* p, float* m, float* v, Index count) {
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
  return this_isa;
}
