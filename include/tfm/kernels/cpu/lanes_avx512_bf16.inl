// Dot products of bfloat16, and rounding to it, as AVX-512 BF16 has them.
//
// One instruction adds a pair's products to a sum: it treats subnormals as 0, and adds the odd product, then the even
// one, each fused (Intel, Architecture Instruction Set Extensions, VDPBF16PS).

TFM_LANES F dot_pair(F sum, __m512i w, __m512i x) {
  asm("" : "+v"(x));  // clang 16 cannot select a broadcast operand here
  return {_mm512_dpbf16_ps(sum.v, (__m512bh)w, (__m512bh)x)};
}
// Sixteen floats as bfloat16 in the low halves of sixteen lanes, as bf16_from_f32() rounds: to nearest even, NaN stays NaN.
TFM_LANES __m512i round_bf16(F a) {
  const __m512i bits = _mm512_castps_si512(a.v), high = _mm512_srli_epi32(bits, 16);
  const __m512i half = _mm512_add_epi32(_mm512_set1_epi32(0x7fff), _mm512_and_si512(high, _mm512_set1_epi32(1)));
  const __m512i rounded = _mm512_srli_epi32(_mm512_add_epi32(bits, half), 16);
  return _mm512_mask_or_epi32(rounded, _mm512_cmp_ps_mask(a.v, a.v, _CMP_UNORD_Q), high, _mm512_set1_epi32(0x40));
}
