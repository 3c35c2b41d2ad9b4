// Sixteen lanes in two AVX2 registers.
struct F {
  __m256 lo, hi;
};
struct I {
  __m256i lo, hi;
};
inline constexpr Index tile_tokens = 6, tile_panels = 1, int8_tile_tokens = tile_tokens;  // 12 sums, 2 weights, 1 activation of 16 registers
inline constexpr Index one_token_panels = 4;  // memory wants several streams
inline constexpr bool quantises_sixteen = true;  // blocks at a time
template <class Lanes>
TFM_LANES Lanes exponential(Lanes x);

TFM_LANES F zero() { return {_mm256_setzero_ps(), _mm256_setzero_ps()}; }
TFM_LANES F set(float x) { return {_mm256_set1_ps(x), _mm256_set1_ps(x)}; }
TFM_LANES F load(const float* p) { return {_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)}; }
TFM_LANES void store(float* p, F a) {
  _mm256_storeu_ps(p, a.lo);
  _mm256_storeu_ps(p + 8, a.hi);
}
struct Mask {
  __m256i lo, hi;
};
TFM_LANES Mask first(Index n) {
  const __m256i count = _mm256_set1_epi32(static_cast<int>(n)), lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  return {_mm256_cmpgt_epi32(count, lanes), _mm256_cmpgt_epi32(count, _mm256_add_epi32(lanes, _mm256_set1_epi32(8)))};
}
TFM_LANES F load_first(const float* p, Index n) {
  const Mask m = first(n);
  return {_mm256_maskload_ps(p, m.lo), _mm256_maskload_ps(p + 8, m.hi)};
}
TFM_LANES void store_first(float* p, F a, Index n) {
  const Mask m = first(n);
  _mm256_maskstore_ps(p, m.lo, a.lo);
  _mm256_maskstore_ps(p + 8, m.hi, a.hi);
}
TFM_LANES F keep_first(F a, Index n, F otherwise) {
  const Mask m = first(n);
  return {_mm256_blendv_ps(otherwise.lo, a.lo, _mm256_castsi256_ps(m.lo)), _mm256_blendv_ps(otherwise.hi, a.hi, _mm256_castsi256_ps(m.hi))};
}

TFM_LANES F add(F a, F b) { return {_mm256_add_ps(a.lo, b.lo), _mm256_add_ps(a.hi, b.hi)}; }
TFM_LANES F sub(F a, F b) { return {_mm256_sub_ps(a.lo, b.lo), _mm256_sub_ps(a.hi, b.hi)}; }
TFM_LANES F mul(F a, F b) { return {_mm256_mul_ps(a.lo, b.lo), _mm256_mul_ps(a.hi, b.hi)}; }
TFM_LANES F div(F a, F b) { return {_mm256_div_ps(a.lo, b.lo), _mm256_div_ps(a.hi, b.hi)}; }
TFM_LANES F fma(F a, F b, F c) { return {_mm256_fmadd_ps(a.lo, b.lo, c.lo), _mm256_fmadd_ps(a.hi, b.hi, c.hi)}; }
TFM_LANES F max(F a, F b) { return {_mm256_max_ps(a.lo, b.lo), _mm256_max_ps(a.hi, b.hi)}; }
TFM_LANES F min(F a, F b) { return {_mm256_min_ps(a.lo, b.lo), _mm256_min_ps(a.hi, b.hi)}; }
TFM_LANES F abs(F a) {
  const __m256 sign = _mm256_set1_ps(-0.f);
  return {_mm256_andnot_ps(sign, a.lo), _mm256_andnot_ps(sign, a.hi)};
}
TFM_LANES F root(F a) { return {_mm256_sqrt_ps(a.lo), _mm256_sqrt_ps(a.hi)}; }
TFM_LANES F if_less(F a, F b, F yes, F no) {
  return {_mm256_blendv_ps(no.lo, yes.lo, _mm256_cmp_ps(a.lo, b.lo, _CMP_LT_OQ)), _mm256_blendv_ps(no.hi, yes.hi, _mm256_cmp_ps(a.hi, b.hi, _CMP_LT_OQ))};
}

TFM_LANES I to_int(F a) { return {_mm256_cvtps_epi32(a.lo), _mm256_cvtps_epi32(a.hi)}; }
TFM_LANES F to_float(I a) { return {_mm256_cvtepi32_ps(a.lo), _mm256_cvtepi32_ps(a.hi)}; }
TFM_LANES I set_int(int x) { return {_mm256_set1_epi32(x), _mm256_set1_epi32(x)}; }
TFM_LANES I add(I a, I b) { return {_mm256_add_epi32(a.lo, b.lo), _mm256_add_epi32(a.hi, b.hi)}; }
TFM_LANES F power_of_two(I n) {
  const I up = add(n, set_int(127));
  return {_mm256_castsi256_ps(_mm256_slli_epi32(up.lo, 23)), _mm256_castsi256_ps(_mm256_slli_epi32(up.hi, 23))};
}
TFM_LANES void store_int8(signed char* p, I a) {
  const __m256i words = _mm256_permute4x64_epi64(_mm256_packs_epi32(a.lo, a.hi), 0xd8);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm_packs_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1)));
}
TFM_LANES I load_int8(const signed char* p) {
  const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  return {_mm256_cvtepi8_epi32(bytes), _mm256_cvtepi8_epi32(_mm_srli_si128(bytes, 8))};
}
TFM_LANES void store(int* p, I a) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), a.lo);
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p + 8), a.hi);
}

TFM_LANES F load_f16(const void* p) {
  const __m128i* half = static_cast<const __m128i*>(p);
  return {_mm256_cvtph_ps(_mm_loadu_si128(half)), _mm256_cvtph_ps(_mm_loadu_si128(half + 1))};
}
TFM_LANES void store_f16(void* p, F a) {
  __m128i* half = static_cast<__m128i*>(p);
  _mm_storeu_si128(half, _mm256_cvtps_ph(a.lo, _MM_FROUND_TO_NEAREST_INT));
  _mm_storeu_si128(half + 1, _mm256_cvtps_ph(a.hi, _MM_FROUND_TO_NEAREST_INT));
}
// Sixty-four bytes: sixteen groups of four.
TFM_LANES I load_groups(const void* p) {
  const __m256i* half = static_cast<const __m256i*>(p);
  return {_mm256_loadu_si256(half), _mm256_loadu_si256(half + 1)};
}
TFM_LANES F even_bf16(const void* p) {
  const I b = load_groups(p);
  return {_mm256_castsi256_ps(_mm256_slli_epi32(b.lo, 16)), _mm256_castsi256_ps(_mm256_slli_epi32(b.hi, 16))};
}
TFM_LANES F odd_bf16(const void* p) {
  const I b = load_groups(p);
  const __m256i high = _mm256_set1_epi32(-65536);
  return {_mm256_castsi256_ps(_mm256_and_si256(b.lo, high)), _mm256_castsi256_ps(_mm256_and_si256(b.hi, high))};
}
TFM_LANES F byte_of_4(const void* p, int j) {
  const I b = load_groups(p);
  const __m256i up = _mm256_set1_epi32(24 - 8 * j);
  return to_float({_mm256_srai_epi32(_mm256_sllv_epi32(b.lo, up), 24), _mm256_srai_epi32(_mm256_sllv_epi32(b.hi, up), 24)});
}

// The one tree in which sixteen partial sums become one: lane i + lane i + 8, then 4, 2, 1.
TFM_LANES float reduce_add(F a) {
  const __m256 eight = _mm256_add_ps(a.lo, a.hi);
  const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps(two, two, 1)));
}
TFM_LANES float reduce_max(F a) {
  const __m256 eight = _mm256_max_ps(a.lo, a.hi);
  const __m128 four = _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  const __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_max_ss(two, _mm_shuffle_ps(two, two, 1)));
}
// Lane i of the result is what the lanes of a[i] come to by Both: their largest, or their sum.
struct Largest {
  static TFM_LANES __m256 of(__m256 a, __m256 b) { return _mm256_max_ps(a, b); }
};
struct IntSum {
  static TFM_LANES __m256 of(__m256 a, __m256 b) { return _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(a), _mm256_castps_si256(b))); }
};
template <class Both>
TFM_LANES __m256 reduce_each(const __m256* a) {
  __m256 fours[2];  // 128-bit lane L: of a[4 i] .. a[4 i + 3] the lanes 4 L .. 4 L + 3
  TFM_UNROLL
  for (int i = 0; i < 2; ++i, a += 4) {
    const __m256d low = _mm256_castps_pd(Both::of(_mm256_unpacklo_ps(a[0], a[1]), _mm256_unpackhi_ps(a[0], a[1])));
    const __m256d high = _mm256_castps_pd(Both::of(_mm256_unpacklo_ps(a[2], a[3]), _mm256_unpackhi_ps(a[2], a[3])));
    fours[i] = Both::of(_mm256_castpd_ps(_mm256_unpacklo_pd(low, high)), _mm256_castpd_ps(_mm256_unpackhi_pd(low, high)));
  }
  return Both::of(_mm256_permute2f128_ps(fours[0], fours[1], 0x20), _mm256_permute2f128_ps(fours[0], fours[1], 0x31));
}
TFM_LANES F max_of_each(const F (&a)[16]) {
  __m256 v[16];
  TFM_UNROLL
  for (int i = 0; i < 16; ++i) v[i] = Largest::of(a[i].lo, a[i].hi);
  return {reduce_each<Largest>(v), reduce_each<Largest>(v + 8)};
}
TFM_LANES I sum_of_each(const I (&a)[16]) {
  __m256 v[16];
  TFM_UNROLL
  for (int i = 0; i < 16; ++i) v[i] = IntSum::of(_mm256_castsi256_ps(a[i].lo), _mm256_castsi256_ps(a[i].hi));
  return {_mm256_castps_si256(reduce_each<IntSum>(v)), _mm256_castps_si256(reduce_each<IntSum>(v + 8))};
}
TFM_LANES float square_root(float x) { return _mm_cvtss_f32(_mm_sqrt_ss(_mm_set_ss(x))); }
// Keeps a sum in its registers: g++ 12 otherwise moves arrays of sums to memory and back.
TFM_LANES void hold(F& a) { asm("" : "+x"(a.lo), "+x"(a.hi)); }
TFM_LANES void hold(I& a) { asm("" : "+x"(a.lo), "+x"(a.hi)); }

// to[j to_row + i] = from[i from_row + j] for i, j below 16.
inline void turn(const float* from, Index from_row, float* to, Index to_row) {
  for (Index block = 0; block < 4; ++block) {
    const Index rows = block / 2 * 8, cols = block % 2 * 8;
    __m256 m[2][4];  // [group of four rows][q]: 128-bit lane L holds column 4 L + q of the group
    TFM_UNROLL
    for (Index i = 0; i < 2; ++i) {
      const auto row = [&](Index r) { return _mm256_loadu_ps(from + (rows + 4 * i + r) * from_row + cols); };
      const auto pairs = [&](__m256 a) { return _mm256_castps_pd(a); };
      const __m256 a = row(0), b = row(1), c = row(2), d = row(3);
      const __m256d low_ab = pairs(_mm256_unpacklo_ps(a, b)), high_ab = pairs(_mm256_unpackhi_ps(a, b));
      const __m256d low_cd = pairs(_mm256_unpacklo_ps(c, d)), high_cd = pairs(_mm256_unpackhi_ps(c, d));
      m[i][0] = _mm256_castpd_ps(_mm256_unpacklo_pd(low_ab, low_cd));
      m[i][1] = _mm256_castpd_ps(_mm256_unpackhi_pd(low_ab, low_cd));
      m[i][2] = _mm256_castpd_ps(_mm256_unpacklo_pd(high_ab, high_cd));
      m[i][3] = _mm256_castpd_ps(_mm256_unpackhi_pd(high_ab, high_cd));
    }
    TFM_UNROLL
    for (Index q = 0; q < 4; ++q) {
      _mm256_storeu_ps(to + (cols + q) * to_row + rows, _mm256_permute2f128_ps(m[0][q], m[1][q], 0x20));
      _mm256_storeu_ps(to + (cols + 4 + q) * to_row + rows, _mm256_permute2f128_ps(m[0][q], m[1][q], 0x31));
    }
  }
}

#include "tfm/kernels/cpu/lanes_avx2_bytes.inl"
