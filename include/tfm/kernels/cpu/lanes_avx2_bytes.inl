// Dot products of sixteen groups of four int8 weights with four activations in pairs of AVX2 registers. Included in the region
// that has AVX-VNNI, and in the one that has not.
struct Bytes {
  __m256i lo, hi;
};
TFM_LANES Bytes load_bytes(const void* p) {
  const I groups = load_groups(p);
  return {groups.lo, groups.hi};
}
// Bits of every byte, moved up by so many places (down where that is negative), under a mask.
template <int Up>
TFM_LANES __m256i moved_half(__m256i b, int mask) {
  if constexpr (Up > 0) b = _mm256_slli_epi16(b, Up);
  if constexpr (Up < 0) b = _mm256_srli_epi16(b, -Up);
  return _mm256_and_si256(b, _mm256_set1_epi8(static_cast<char>(mask)));
}
template <int Up>
TFM_LANES Bytes moved(Bytes b, int mask) { return {moved_half<Up>(b.lo, mask), moved_half<Up>(b.hi, mask)}; }
TFM_LANES Bytes either(Bytes a, Bytes b) { return {_mm256_or_si256(a.lo, b.lo), _mm256_or_si256(a.hi, b.hi)}; }
TFM_LANES Bytes broadcast4(const signed char* a) {
  int four;
  __builtin_memcpy(&four, a, 4);
  return {_mm256_set1_epi32(four), _mm256_set1_epi32(four)};
}
#if defined(TFM_LANES_VNNI)
// vpdpbusd multiplies unsigned by signed: weights are moved up by 128, and the sum begins at -128 times the activations', 16 times the block's start.
TFM_LANES __m256i signed_half(__m256i w) { return _mm256_xor_si256(w, _mm256_set1_epi8(static_cast<char>(0x80))); }
TFM_LANES Bytes signed_weights(Bytes w) { return {signed_half(w.lo), signed_half(w.hi)}; }
TFM_LANES I start_signed(const int* start) {
  const __m256i all = _mm256_slli_epi32(_mm256_set1_epi32(*start), 4);
  return {all, all};
}
TFM_LANES I dot_signed(I sum, Bytes w, Bytes a) { return {_mm256_dpbusd_avx_epi32(sum.lo, w.lo, a.lo), _mm256_dpbusd_avx_epi32(sum.hi, w.hi, a.hi)}; }
TFM_LANES I dot_unsigned(I sum, Bytes w, Bytes a) { return dot_signed(sum, w, a); }
#else
// maddubs wants unsigned by signed: |w| and a with w's sign; 2 x 128 x 127 fits int16, so nothing saturates.
TFM_LANES __m256i signed_half(__m256i w) { return w; }
TFM_LANES Bytes signed_weights(Bytes w) { return w; }
TFM_LANES I start_signed(const int*) { return set_int(0); }
TFM_LANES __m256i dot_half(__m256i sum, __m256i w, __m256i a) {
  return _mm256_add_epi32(sum, _mm256_madd_epi16(_mm256_maddubs_epi16(w, a), _mm256_set1_epi16(1)));
}
TFM_LANES I dot_unsigned(I sum, Bytes w, Bytes a) { return {dot_half(sum.lo, w.lo, a.lo), dot_half(sum.hi, w.hi, a.hi)}; }
TFM_LANES I dot_signed(I sum, Bytes w, Bytes a) {
  return {dot_half(sum.lo, _mm256_abs_epi8(w.lo), _mm256_sign_epi8(a.lo, w.lo)), dot_half(sum.hi, _mm256_abs_epi8(w.hi), _mm256_sign_epi8(a.hi, w.hi))};
}
#endif

// to[j][4 i + c][r] = from[i][4 j + r][c], for i, j, r, c below 4: sixteen rows of four times four columns become four times four rows
// of sixteen columns, as dot_signed wants weights.
inline void turn_bytes(const std::byte* const* from, std::byte* to) {
  const __m256i columns = _mm256_broadcastsi128_si256(_mm_setr_epi32(0x0c080400, 0x0d090501, 0x0e0a0602, 0x0f0b0703));
  TFM_UNROLL
  for (int half = 0; half < 2; ++half) {
    const auto turned = [&](int i) {  // 128 bits are four rows
      return _mm256_shuffle_epi8(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from[i] + 32 * half)), columns);
    };
    const auto put = [&](int part, __m256i bytes) { _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + 128 * half + 32 * part), signed_half(bytes)); };
    const __m256i a = turned(0), b = turned(1), c = turned(2), d = turned(3);
    put(0, _mm256_permute2x128_si256(a, b, 0x20));
    put(1, _mm256_permute2x128_si256(c, d, 0x20));
    put(2, _mm256_permute2x128_si256(a, b, 0x31));
    put(3, _mm256_permute2x128_si256(c, d, 0x31));
  }
}

#include "tfm/kernels/cpu/int8_sums.inl"
