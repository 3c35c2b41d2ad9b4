// Every intrinsic of AVX-512 and AVX-VNNI that kernels use, on raw bits: included where the names are the compiler's, and where they are emulated.
inline __m512 f(const unsigned* p) { return _mm512_loadu_ps(reinterpret_cast<const float*>(p)); }
inline __m512i i(const unsigned* p) { return _mm512_loadu_si512(p); }
inline void put(unsigned* y, __m512 a) { _mm512_storeu_ps(reinterpret_cast<float*>(y), a); }
inline void put(unsigned* y, __m512i a) { _mm512_storeu_si512(y, a); }
inline void put(unsigned* y, __m512d a) { put(y, _mm512_castpd_ps(a)); }
inline void put(unsigned* y, __m256 a) { _mm256_storeu_ps(reinterpret_cast<float*>(y), a); }
inline void put(unsigned* y, __m256i a) { _mm256_storeu_si256(reinterpret_cast<__m256i*>(y), a); }
inline void put(unsigned* y, __m128i a) { _mm_storeu_si128(reinterpret_cast<__m128i*>(y), a); }
inline void put(unsigned* y, float a) { __builtin_memcpy(y, &a, 4); }
inline void put(unsigned* y, unsigned long long a) { __builtin_memcpy(y, &a, 8); }

#define INSTRUCTION(name, result) \
  inline void name([[maybe_unused]] const Operands& x, unsigned* y) { put(y, result); }
#define A f(x.a)
#define B f(x.b)
#define C f(x.c)
#define I i(x.a)
#define J i(x.b)
#define K i(x.c)
#define MASK static_cast<__mmask16>(x.c[0])
INSTRUCTION(setzero_ps, _mm512_setzero_ps())
INSTRUCTION(setzero_si512, _mm512_setzero_si512())
INSTRUCTION(set1_ps, _mm512_set1_ps(x.number))
INSTRUCTION(set1_epi32, _mm512_set1_epi32(static_cast<int>(x.a[0])))
INSTRUCTION(set1_epi16, _mm512_set1_epi16(static_cast<short>(x.a[0])))
INSTRUCTION(set1_epi8, _mm512_set1_epi8(static_cast<char>(x.a[0])))
INSTRUCTION(add_ps, _mm512_add_ps(A, B))
INSTRUCTION(sub_ps, _mm512_sub_ps(A, B))
INSTRUCTION(mul_ps, _mm512_mul_ps(A, B))
INSTRUCTION(div_ps, _mm512_div_ps(A, B))
INSTRUCTION(fmadd_ps, _mm512_fmadd_ps(A, B, C))
INSTRUCTION(max_ps, _mm512_max_ps(A, B))
INSTRUCTION(min_ps, _mm512_min_ps(A, B))
INSTRUCTION(abs_ps, _mm512_abs_ps(A))
INSTRUCTION(sqrt_ps, _mm512_sqrt_ps(A))
INSTRUCTION(dpbf16_ps, _mm512_dpbf16_ps(A, (__m512bh)J, (__m512bh)K))
INSTRUCTION(cmp_less, static_cast<unsigned long long>(_mm512_cmp_ps_mask(A, B, _CMP_LT_OQ)))
INSTRUCTION(cmp_unordered, static_cast<unsigned long long>(_mm512_cmp_ps_mask(A, B, _CMP_UNORD_Q)))
INSTRUCTION(mask_blend_ps, _mm512_mask_blend_ps(MASK, A, B))
INSTRUCTION(maskz_loadu_ps, _mm512_maskz_loadu_ps(MASK, reinterpret_cast<const float*>(x.a)))
inline void mask_storeu_ps(const Operands& x, unsigned* y) { _mm512_mask_storeu_ps(reinterpret_cast<float*>(y), MASK, A); }
INSTRUCTION(reduce_max_ps, _mm512_reduce_max_ps(_mm512_cvtepi32_ps(I)))
INSTRUCTION(extractf32x8_ps, _mm512_extractf32x8_ps(A, 1))
INSTRUCTION(castps512_ps256, _mm512_castps512_ps256(A))
INSTRUCTION(unpacklo_ps, _mm512_unpacklo_ps(A, B))
INSTRUCTION(unpackhi_ps, _mm512_unpackhi_ps(A, B))
INSTRUCTION(unpacklo_pd, _mm512_unpacklo_pd(_mm512_castps_pd(A), _mm512_castps_pd(B)))
INSTRUCTION(unpackhi_pd, _mm512_unpackhi_pd(_mm512_castps_pd(A), _mm512_castps_pd(B)))
INSTRUCTION(shuffle_even, _mm512_shuffle_f32x4(A, B, 0x88))
INSTRUCTION(shuffle_odd, _mm512_shuffle_f32x4(A, B, 0xdd))
INSTRUCTION(set4_epi32, _mm512_set4_epi32(static_cast<int>(x.a[3]), static_cast<int>(x.a[2]), static_cast<int>(x.a[1]), static_cast<int>(x.a[0])))
INSTRUCTION(shuffle_i32x4_even, _mm512_shuffle_i32x4(I, J, 0x88))
INSTRUCTION(shuffle_i32x4_odd, _mm512_shuffle_i32x4(I, J, 0xdd))
INSTRUCTION(shuffle_epi8, _mm512_shuffle_epi8(I, J))
INSTRUCTION(cvtps_epi32, _mm512_cvtps_epi32(A))
INSTRUCTION(cvtepi32_ps, _mm512_cvtepi32_ps(I))
INSTRUCTION(cvtepi8_epi32, _mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(x.a))))
INSTRUCTION(cvtepi32_epi8, _mm512_cvtepi32_epi8(I))
INSTRUCTION(cvtepi32_epi16, _mm512_cvtepi32_epi16(I))
INSTRUCTION(cvtph_ps, _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(x.a))))
INSTRUCTION(cvtps_ph, _mm512_cvtps_ph(A, _MM_FROUND_TO_NEAREST_INT))
INSTRUCTION(add_epi32, _mm512_add_epi32(I, J))
INSTRUCTION(and_si512, _mm512_and_si512(I, J))
INSTRUCTION(or_si512, _mm512_or_si512(I, J))
INSTRUCTION(xor_si512, _mm512_xor_si512(I, J))
INSTRUCTION(mask_or_epi32, _mm512_mask_or_epi32(I, MASK, J, _mm512_set1_epi32(0x40)))
INSTRUCTION(slli_epi32, _mm512_slli_epi32(I, 23))
INSTRUCTION(srli_epi32, _mm512_srli_epi32(I, 16))
INSTRUCTION(srai_epi32, _mm512_srai_epi32(I, 24))
INSTRUCTION(slli_epi16, _mm512_slli_epi16(I, 2))
INSTRUCTION(srli_epi16, _mm512_srli_epi16(I, 4))
INSTRUCTION(sllv_epi32, _mm512_sllv_epi32(I, _mm512_and_si512(J, _mm512_set1_epi32(63))))
INSTRUCTION(srlv_epi32, _mm512_srlv_epi32(I, _mm512_and_si512(J, _mm512_set1_epi32(63))))
INSTRUCTION(abs_epi8, _mm512_abs_epi8(I))
INSTRUCTION(movepi8_mask, static_cast<unsigned long long>(_mm512_movepi8_mask(I)))
INSTRUCTION(mask_sub_epi8, _mm512_mask_sub_epi8(I, _mm512_movepi8_mask(J), _mm512_setzero_si512(), I))
INSTRUCTION(madd_epi16, _mm512_madd_epi16(I, J))
INSTRUCTION(maddubs_epi16, _mm512_maddubs_epi16(I, J))
INSTRUCTION(dpbusd_epi32, _mm512_dpbusd_epi32(I, J, K))
inline __m256i narrow(const unsigned* p) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)); }
INSTRUCTION(dpbusd_avx_epi32, _mm256_dpbusd_avx_epi32(narrow(x.a), narrow(x.b), narrow(x.c)))
#undef INSTRUCTION
#undef A
#undef B
#undef C
#undef I
#undef J
#undef K
#undef MASK

#define RUNS(name) {#name, name}
inline const Instruction instructions[] = {
    RUNS(setzero_ps), RUNS(setzero_si512), RUNS(set1_ps), RUNS(set1_epi32), RUNS(set1_epi16), RUNS(set1_epi8), RUNS(add_ps), RUNS(sub_ps),
    RUNS(mul_ps), RUNS(div_ps), RUNS(fmadd_ps), RUNS(max_ps), RUNS(min_ps), RUNS(abs_ps), RUNS(sqrt_ps), RUNS(dpbf16_ps), RUNS(cmp_less),
    RUNS(cmp_unordered), RUNS(mask_blend_ps), RUNS(maskz_loadu_ps), RUNS(mask_storeu_ps), RUNS(reduce_max_ps),
    RUNS(extractf32x8_ps), RUNS(castps512_ps256), RUNS(unpacklo_ps), RUNS(unpackhi_ps), RUNS(unpacklo_pd), RUNS(unpackhi_pd), RUNS(shuffle_even),
    RUNS(shuffle_odd), RUNS(set4_epi32), RUNS(shuffle_i32x4_even), RUNS(shuffle_i32x4_odd), RUNS(shuffle_epi8),
    RUNS(cvtps_epi32), RUNS(cvtepi32_ps), RUNS(cvtepi8_epi32), RUNS(cvtepi32_epi8), RUNS(cvtepi32_epi16), RUNS(cvtph_ps),
    RUNS(cvtps_ph), RUNS(add_epi32), RUNS(and_si512), RUNS(or_si512), RUNS(xor_si512), RUNS(mask_or_epi32), RUNS(slli_epi32), RUNS(srli_epi32),
    RUNS(srai_epi32), RUNS(slli_epi16), RUNS(srli_epi16), RUNS(sllv_epi32), RUNS(srlv_epi32), RUNS(abs_epi8), RUNS(movepi8_mask), RUNS(mask_sub_epi8),
    RUNS(madd_epi16), RUNS(maddubs_epi16), RUNS(dpbusd_epi32), RUNS(dpbusd_avx_epi32)};
#undef RUNS
