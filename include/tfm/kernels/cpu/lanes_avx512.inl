// Sixteen lanes in one AVX-512 register. Included inside its region.
struct F {
  __m512 v;
};
struct I {
  __m512i v;
};
inline constexpr Index tile_tokens = 6, tile_panels = 4, int8_tile_tokens = tile_tokens;  // 24 sums, 4 weights, 1 activation of 32 registers
inline constexpr Index one_token_panels = 4;  // memory wants several streams
inline constexpr bool quantises_sixteen = true;  // blocks at a time
template <class Lanes>
TFM_LANES Lanes exponential(Lanes x);

TFM_LANES F zero() { return {_mm512_setzero_ps()}; }
TFM_LANES F set(float x) { return {_mm512_set1_ps(x)}; }
TFM_LANES F load(const float* p) { return {_mm512_loadu_ps(p)}; }
TFM_LANES void store(float* p, F a) { _mm512_storeu_ps(p, a.v); }
TFM_LANES __mmask16 first(Index n) { return static_cast<__mmask16>((1u << n) - 1u); }
TFM_LANES F load_first(const float* p, Index n) { return {_mm512_maskz_loadu_ps(first(n), p)}; }
TFM_LANES void store_first(float* p, F a, Index n) { _mm512_mask_storeu_ps(p, first(n), a.v); }
TFM_LANES F keep_first(F a, Index n, F otherwise) { return {_mm512_mask_blend_ps(first(n), otherwise.v, a.v)}; }

TFM_LANES F add(F a, F b) { return {_mm512_add_ps(a.v, b.v)}; }
TFM_LANES F sub(F a, F b) { return {_mm512_sub_ps(a.v, b.v)}; }
TFM_LANES F mul(F a, F b) { return {_mm512_mul_ps(a.v, b.v)}; }
TFM_LANES F div(F a, F b) { return {_mm512_div_ps(a.v, b.v)}; }
TFM_LANES F fma(F a, F b, F c) { return {_mm512_fmadd_ps(a.v, b.v, c.v)}; }
TFM_LANES F max(F a, F b) { return {_mm512_max_ps(a.v, b.v)}; }
TFM_LANES F min(F a, F b) { return {_mm512_min_ps(a.v, b.v)}; }
TFM_LANES F abs(F a) { return {_mm512_abs_ps(a.v)}; }
TFM_LANES F root(F a) { return {_mm512_sqrt_ps(a.v)}; }
TFM_LANES F if_less(F a, F b, F yes, F no) {
  return {_mm512_mask_blend_ps(_mm512_cmp_ps_mask(a.v, b.v, _CMP_LT_OQ), no.v, yes.v)};
}

TFM_LANES I to_int(F a) { return {_mm512_cvtps_epi32(a.v)}; }
TFM_LANES F to_float(I a) { return {_mm512_cvtepi32_ps(a.v)}; }
TFM_LANES F power_of_two(I n) { return {_mm512_castsi512_ps(_mm512_slli_epi32(_mm512_add_epi32(n.v, _mm512_set1_epi32(127)), 23))}; }
TFM_LANES I set_int(int x) { return {_mm512_set1_epi32(x)}; }
TFM_LANES I add(I a, I b) { return {_mm512_add_epi32(a.v, b.v)}; }
TFM_LANES void store_int8(signed char* p, I a) { _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm512_cvtepi32_epi8(a.v)); }
TFM_LANES I load_int8(const signed char* p) { return {_mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)))}; }
TFM_LANES void store(int* p, I a) { _mm512_storeu_si512(p, a.v); }

TFM_LANES F load_f16(const void* p) { return {_mm512_cvtph_ps(_mm256_loadu_si256(static_cast<const __m256i*>(p)))}; }
TFM_LANES void store_f16(void* p, F a) { _mm256_storeu_si256(static_cast<__m256i*>(p), _mm512_cvtps_ph(a.v, _MM_FROUND_TO_NEAREST_INT)); }
// Sixteen pairs of bfloat16: the even, and the odd ones.
TFM_LANES F even_bf16(const void* p) { return {_mm512_castsi512_ps(_mm512_slli_epi32(_mm512_loadu_si512(p), 16))}; }
TFM_LANES F odd_bf16(const void* p) { return {_mm512_castsi512_ps(_mm512_and_si512(_mm512_loadu_si512(p), _mm512_set1_epi32(-65536)))}; }
// Byte j of each of sixteen groups of four.
TFM_LANES F byte_of_4(const void* p, int j) {
  const __m512i up = _mm512_sllv_epi32(_mm512_loadu_si512(p), _mm512_set1_epi32(24 - 8 * j));
  return {_mm512_cvtepi32_ps(_mm512_srai_epi32(up, 24))};
}

// The one tree in which sixteen partial sums become one: lane i + lane i + 8, then 4, 2, 1.
TFM_LANES float reduce_add(F a) {
  const __m256 eight = _mm256_add_ps(_mm512_castps512_ps256(a.v), _mm512_extractf32x8_ps(a.v, 1));
  const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps(two, two, 1)));
}
TFM_LANES float reduce_max(F a) { return _mm512_reduce_max_ps(a.v); }
// Lane i of the result is what the sixteen lanes of a[i] come to by Both: their largest, or their sum.
struct Largest {
  static TFM_LANES __m512 of(__m512 a, __m512 b) { return _mm512_max_ps(a, b); }
};
struct IntSum {
  static TFM_LANES __m512 of(__m512 a, __m512 b) { return _mm512_castsi512_ps(_mm512_add_epi32(_mm512_castps_si512(a), _mm512_castps_si512(b))); }
};
template <class Both>
TFM_LANES __m512 across(__m512 a, __m512 b) {
  return Both::of(_mm512_shuffle_f32x4(a, b, 0x88), _mm512_shuffle_f32x4(a, b, 0xdd));
}
template <class Both>
TFM_LANES __m512 reduce_each(const __m512* a) {
  __m512 fours[4];  // 128-bit lane L: of a[4 i] .. a[4 i + 3] the lanes 4 L .. 4 L + 3
  TFM_UNROLL
  for (int i = 0; i < 4; ++i, a += 4) {
    const __m512d low = _mm512_castps_pd(Both::of(_mm512_unpacklo_ps(a[0], a[1]), _mm512_unpackhi_ps(a[0], a[1])));
    const __m512d high = _mm512_castps_pd(Both::of(_mm512_unpacklo_ps(a[2], a[3]), _mm512_unpackhi_ps(a[2], a[3])));
    fours[i] = Both::of(_mm512_castpd_ps(_mm512_unpacklo_pd(low, high)), _mm512_castpd_ps(_mm512_unpackhi_pd(low, high)));
  }
  return across<Both>(across<Both>(fours[0], fours[1]), across<Both>(fours[2], fours[3]));
}
TFM_LANES F max_of_each(const F (&a)[16]) {
  __m512 v[16];
  TFM_UNROLL
  for (int i = 0; i < 16; ++i) v[i] = a[i].v;
  return {reduce_each<Largest>(v)};
}
TFM_LANES I sum_of_each(const I (&a)[16]) {
  __m512 v[16];
  TFM_UNROLL
  for (int i = 0; i < 16; ++i) v[i] = _mm512_castsi512_ps(a[i].v);
  return {_mm512_castps_si512(reduce_each<IntSum>(v))};
}
TFM_LANES float square_root(float x) { return _mm_cvtss_f32(_mm_sqrt_ss(_mm_set_ss(x))); }
// Keeps a sum in its register: g++ 12 otherwise moves arrays of sums to memory and back.
TFM_LANES void hold(F& a) { asm("" : "+v"(a.v)); }
TFM_LANES void hold(I& a) { asm("" : "+v"(a.v)); }

// to[j to_row + i] = from[i from_row + j] for i, j below 16.
inline void turn(const float* from, Index from_row, float* to, Index to_row) {
  __m512 m[4][4];  // [group of four rows][q]: 128-bit lane L holds column 4 L + q of the group
  TFM_UNROLL
  for (Index i = 0; i < 4; ++i) {
    const auto row = [&](Index r) { return _mm512_loadu_ps(from + (4 * i + r) * from_row); };
    const auto pairs = [&](__m512 a) { return _mm512_castps_pd(a); };
    const __m512 a = row(0), b = row(1), c = row(2), d = row(3);
    const __m512d low_ab = pairs(_mm512_unpacklo_ps(a, b)), high_ab = pairs(_mm512_unpackhi_ps(a, b));
    const __m512d low_cd = pairs(_mm512_unpacklo_ps(c, d)), high_cd = pairs(_mm512_unpackhi_ps(c, d));
    m[i][0] = _mm512_castpd_ps(_mm512_unpacklo_pd(low_ab, low_cd));
    m[i][1] = _mm512_castpd_ps(_mm512_unpackhi_pd(low_ab, low_cd));
    m[i][2] = _mm512_castpd_ps(_mm512_unpacklo_pd(high_ab, high_cd));
    m[i][3] = _mm512_castpd_ps(_mm512_unpackhi_pd(high_ab, high_cd));
  }
  TFM_UNROLL
  for (Index q = 0; q < 4; ++q) {
    const __m512 even_low = _mm512_shuffle_f32x4(m[0][q], m[1][q], 0x88), even_high = _mm512_shuffle_f32x4(m[2][q], m[3][q], 0x88);
    const __m512 odd_low = _mm512_shuffle_f32x4(m[0][q], m[1][q], 0xdd), odd_high = _mm512_shuffle_f32x4(m[2][q], m[3][q], 0xdd);
    _mm512_storeu_ps(to + q * to_row, _mm512_shuffle_f32x4(even_low, even_high, 0x88));
    _mm512_storeu_ps(to + (4 + q) * to_row, _mm512_shuffle_f32x4(odd_low, odd_high, 0x88));
    _mm512_storeu_ps(to + (8 + q) * to_row, _mm512_shuffle_f32x4(even_low, even_high, 0xdd));
    _mm512_storeu_ps(to + (12 + q) * to_row, _mm512_shuffle_f32x4(odd_low, odd_high, 0xdd));
  }
}

#include "tfm/kernels/cpu/lanes_avx512_bytes.inl"
