// Probes of one instruction set's limits, over the same lanes as the kernels. Included once for each region.

// 12 or 24 independent chains of multiply-adds: 2 x 16 operations each.
inline double multiply_add(Index rounds) {
  constexpr int chains = tile_panels > 1 ? 24 : 6;
  F sum[chains];
  TFM_UNROLL
  for (int i = 0; i < chains; ++i) sum[i] = set(static_cast<float>(i));
  const F a = set(0.999f), b = set(0.001f);
  for (Index r = 0; r < rounds; ++r) {
    TFM_UNROLL
    for (int i = 0; i < chains; ++i) {
      sum[i] = fma(sum[i], a, b);
      hold(sum[i]);
    }
  }
  F total = zero();
  TFM_UNROLL
  for (int i = 0; i < chains; ++i) total = add(total, sum[i]);
  sink = reduce_add(total);
  return static_cast<double>(rounds) * chains * 32;
}

// Exact signed int8 dot products, the best loop of this instruction set: 64 products and 64 sums each.
inline double dot_int8(Index rounds) {
  constexpr int chains = tile_panels > 1 ? 16 : 4;
  alignas(64) signed char bytes[64 + 4 * chains];
  for (std::size_t i = 0; i < sizeof bytes; ++i) bytes[i] = static_cast<signed char>(i * 7);
  I sum[chains];
  TFM_UNROLL
  for (int i = 0; i < chains; ++i) sum[i] = set_int(i);
  const Bytes a = broadcast4(bytes + 64);
  for (Index r = 0; r < rounds; ++r) {
    const Bytes w = signed_weights(load_bytes(bytes));
    TFM_UNROLL
    for (int i = 0; i < chains; ++i) {
      sum[i] = dot_signed(sum[i], w, a);
      hold(sum[i]);
    }
  }
  I total = set_int(0);
  TFM_UNROLL
  for (int i = 0; i < chains; ++i) total = add(total, sum[i]);
  sink = reduce_add(to_float(total));
  return static_cast<double>(rounds) * chains * 128;
}

// Reads `size` bytes in four streams.
inline double read_streams(const float* from, Index size) {
  const Index quarter = size / 4 / 4;
  F sum[4] = {zero(), zero(), zero(), zero()};
  for (Index i = 0; i + 16 <= quarter; i += 16) {
    TFM_UNROLL
    for (int s = 0; s < 4; ++s) {
      sum[s] = max(sum[s], load(from + s * quarter + i));
      hold(sum[s]);
    }
  }
  sink = reduce_add(add(add(sum[0], sum[1]), add(sum[2], sum[3])));
  return static_cast<double>(size);
}
