// The probe of the one instruction that this region adds: 24 independent chains of 2 x 32 operations each.
inline double dot_bf16(Index rounds) {
  constexpr int chains = 24;
  F sum[chains];
  TFM_UNROLL
  for (int i = 0; i < chains; ++i) sum[i] = set(static_cast<float>(i));
  const __m512i w = _mm512_set1_epi32(0x3f803f80), x = _mm512_set1_epi32(0x3c003c00);  // pairs of 1 and of 2^-7
  for (Index r = 0; r < rounds; ++r) {
    TFM_UNROLL
    for (int i = 0; i < chains; ++i) {
      sum[i] = dot_pair(sum[i], w, x);
      hold(sum[i]);
    }
  }
  F total = zero();
  TFM_UNROLL
  for (int i = 0; i < chains; ++i) total = add(total, sum[i]);
  sink = reduce_add(total);
  return static_cast<double>(rounds) * chains * 64;
}
