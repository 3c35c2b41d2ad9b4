// Cross-entropy, sums of squares and plain gradient descent over sixteen lanes. Included once for each region.

// Of one row, statistics: the largest, Σ exp(x - largest), Σ (x - largest); and, if dx is not null, dx = weight (softmax(x) - uniform).
// dx may be x. A NaN in x is in the last sum, which no comparison hides.
inline void cross_entropy(Context&, View row, float weight, float uniform, float* dx, float* statistics) {
  const float* const x = row.data;
  const Index count = row.cols;
  F most = set(-__builtin_inff());
  by_lanes(count, [&](Index i, Index n) { most = max(most, n == 16 ? load(x + i) : keep_first(load_first(x + i, n), n, set(-__builtin_inff()))); });
  const float largest = reduce_max(most);
  F sum = zero(), below = zero();
  by_lanes(count, [&](Index i, Index n) {
    const F d = sub(load_some(x + i, n), set(largest)), e = exponential(d);
    if (dx != nullptr) store_some(dx + i, e, n);
    sum = add(sum, n == 16 ? e : keep_first(e, n, zero()));
    below = add(below, n == 16 ? d : keep_first(d, n, zero()));
  });
  statistics[0] = largest;
  statistics[1] = reduce_add(sum);
  statistics[2] = reduce_add(below);
  if (dx == nullptr) return;
  const F total = set(statistics[1]);
  by_lanes(count, [&](Index i, Index n) { store_some(dx + i, mul(sub(div(load_some(dx + i, n), total), set(uniform)), set(weight)), n); });
}

// *sum = Σ x²
inline void sum_of_squares(Context&, const float* x, Index count, float* sum) {
  *sum = sum_of_products(x, x, count);
}

// Sutskever et al. 2013, as PyTorch orders it: d = g + decay p, m = momentum m + d, p -= rate m; Nesterov's p -= rate (d + momentum m).
inline void sgd(Context&, const SgdStep& a, const float* g, float* p, float* m, Index count) {
  by_lanes(count, [&](Index i, Index n) {
    const F weight = load_some(p + i, n), d = fma(set(a.decay), weight, mul(load_some(g + i, n), set(a.gradient_scale)));
    const F velocity = fma(set(a.momentum), load_some(m + i, n), d);
    const F direction = a.nesterov ? fma(set(a.momentum), velocity, d) : velocity;
    store_some(p + i, fma(set(-a.rate), direction, weight), n);
    store_some(m + i, velocity, n);
  });
}
