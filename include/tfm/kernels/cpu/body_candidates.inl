// What a sampler looks at of logits. Included once for each region.

inline LargestLogit largest_of(const float* x, Index count) {
  const F infinity = set(__builtin_inff());
  F most = set(-__builtin_inff()), wrong = zero();
  by_lanes(count, [&](Index i, Index n) {
    const F logit = n == 16 ? load(x + i) : keep_first(load_first(x + i, n), n, set(-__builtin_inff()));
    const F usable = if_less(logit, infinity, zero(), set(1.f));  // of a NaN, too, 1
    wrong = add(wrong, usable);
    most = max(most, logit);
  });
  const float largest = reduce_max(most);
  if (reduce_add(wrong) != 0.f || !(largest > -__builtin_inff())) return {-1, largest};
  Index first = 0;
  while (x[first] != largest) ++first;
  return {static_cast<std::int32_t>(first), largest};
}
inline void largest_logits(Context&, View logits, LargestLogit* largest) {
  for (Index t = 0; t < logits.rows; ++t) largest[t] = largest_of(logits.row(t), logits.cols);
}
// The room of the k-th largest is `values` itself: what is selected afterwards comes from x.
inline void top_k(Context&, View logits, Index k, std::int32_t* ids, float* values, Index* count) {
  const float* const x = logits.data;
  const float least = kth_largest(x, logits.cols, k, values);
  *count = 0;
  for (Index i = 0; i < logits.cols; i += 16) {
    const Index n = logits.cols - i < 16 ? logits.cols - i : 16;
    if (n == 16 && reduce_max(load(x + i)) < least) continue;
    for (Index j = i; j < i + n; ++j) {
      if (x[j] < least || x[j] == -__builtin_inff()) continue;
      ids[*count] = static_cast<std::int32_t>(j), values[*count] = x[j];
      ++*count;
    }
  }
}
