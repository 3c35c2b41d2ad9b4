// Dot products of sixteen groups of four int8 weights with four activations in AVX-512 registers. Included in the region
// that has VNNI, and in the one that has not.
struct Bytes {
  __m512i v;
};
TFM_LANES Bytes load_bytes(const void* p) { return {_mm512_loadu_si512(p)}; }
// Bits of every byte, moved up by so many places (down where that is negative), under a mask.
template <int Up>
TFM_LANES Bytes moved(Bytes b, int mask) {
  if constexpr (Up > 0) b.v = _mm512_slli_epi16(b.v, Up);
  if constexpr (Up < 0) b.v = _mm512_srli_epi16(b.v, -Up);
  return {_mm512_and_si512(b.v, _mm512_set1_epi8(static_cast<char>(mask)))};
}
TFM_LANES Bytes either(Bytes a, Bytes b) { return {_mm512_or_si512(a.v, b.v)}; }
TFM_LANES Bytes broadcast4(const signed char* a) {
  int four;
  __builtin_memcpy(&four, a, 4);
  return {_mm512_set1_epi32(four)};
}
#if defined(TFM_LANES_VNNI)
// vpdpbusd multiplies unsigned by signed: weights are moved up by 128, and the sum begins at -128 times the activations', 16 times the block's start.
TFM_LANES Bytes signed_weights(Bytes w) { return {_mm512_xor_si512(w.v, _mm512_set1_epi8(static_cast<char>(0x80)))}; }
TFM_LANES I start_signed(const int* start) { return {_mm512_slli_epi32(_mm512_set1_epi32(*start), 4)}; }
TFM_LANES I dot_signed(I sum, Bytes w, Bytes a) { return {_mm512_dpbusd_epi32(sum.v, w.v, a.v)}; }
TFM_LANES I dot_unsigned(I sum, Bytes w, Bytes a) { return {_mm512_dpbusd_epi32(sum.v, w.v, a.v)}; }
#else
// maddubs wants unsigned by signed: |w| and a with w's sign; 2 x 128 x 127 fits int16, so nothing saturates.
TFM_LANES Bytes signed_weights(Bytes w) { return w; }
TFM_LANES I start_signed(const int*) { return set_int(0); }
TFM_LANES I dot_unsigned(I sum, Bytes w, Bytes a) {
  return {_mm512_add_epi32(sum.v, _mm512_madd_epi16(_mm512_maddubs_epi16(w.v, a.v), _mm512_set1_epi16(1)))};
}
TFM_LANES I dot_signed(I sum, Bytes w, Bytes a) {
  const __m512i turned = _mm512_mask_sub_epi8(a.v, _mm512_movepi8_mask(w.v), _mm512_setzero_si512(), a.v);
  return dot_unsigned(sum, {_mm512_abs_epi8(w.v)}, {turned});
}
#endif

// to[j][4 i + c][r] = from[i][4 j + r][c], for i, j, r, c below 4: sixteen rows of four times four columns become four times four rows
// of sixteen columns, as dot_signed wants weights.
inline void turn_bytes(const std::byte* const* from, std::byte* to) {
  const __m512i columns = _mm512_set4_epi32(0x0f0b0703, 0x0e0a0602, 0x0d090501, 0x0c080400);
  const auto turned = [&](int i) { return _mm512_shuffle_epi8(_mm512_loadu_si512(from[i]), columns); };  // 128 bits are four rows
  const auto put = [&](int j, __m512i bytes) { _mm512_storeu_si512(to + 64 * j, signed_weights({bytes}).v); };
  const __m512i a = turned(0), b = turned(1), c = turned(2), d = turned(3);
  const __m512i even_ab = _mm512_shuffle_i32x4(a, b, 0x88), odd_ab = _mm512_shuffle_i32x4(a, b, 0xdd);
  const __m512i even_cd = _mm512_shuffle_i32x4(c, d, 0x88), odd_cd = _mm512_shuffle_i32x4(c, d, 0xdd);
  put(0, _mm512_shuffle_i32x4(even_ab, even_cd, 0x88));
  put(1, _mm512_shuffle_i32x4(odd_ab, odd_cd, 0x88));
  put(2, _mm512_shuffle_i32x4(even_ab, even_cd, 0xdd));
  put(3, _mm512_shuffle_i32x4(odd_ab, odd_cd, 0xdd));
}

#include "tfm/kernels/cpu/int8_sums.inl"
