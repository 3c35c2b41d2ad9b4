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

// Exact signed int8 dot products, the best loop of this instruction set: 64 products and 64 sums each. Every sum has a pair of
// weights and activations of its own, and the weights change with the round: there is nothing that a compiler could share.
inline double dot_int8(Index rounds) {
  constexpr int side = tile_panels > 1 ? 4 : 2;
  alignas(64) signed char bytes[64 * (side + 1) + 4 * side];
  for (std::size_t i = 0; i < sizeof bytes; ++i) bytes[i] = static_cast<signed char>(i * 7);
  I sum[side][side];
  Bytes a[side];
  TFM_UNROLL
  for (int i = 0; i < side; ++i) {
    a[i] = broadcast4(bytes + 64 * (side + 1) + 4 * i);
    TFM_UNROLL
    for (int k = 0; k < side; ++k) sum[i][k] = set_int(i);
  }
  for (Index r = 0; r < rounds; ++r) {
    TFM_UNROLL
    for (int k = 0; k < side; ++k) {
      const Bytes w = signed_weights(load_bytes(bytes + 64 * (k + (r & 1))));
      TFM_UNROLL
      for (int i = 0; i < side; ++i) {
        sum[i][k] = dot_signed(sum[i][k], w, a[i]);
        hold(sum[i][k]);
      }
    }
  }
  I total = set_int(0);
  TFM_UNROLL
  for (int i = 0; i < side; ++i) {
    TFM_UNROLL
    for (int k = 0; k < side; ++k) total = add(total, sum[i][k]);
  }
  sink = reduce_add(to_float(total));
  return static_cast<double>(rounds) * side * side * 128;
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
