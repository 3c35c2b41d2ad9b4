#pragma once
// AVX-512's and AVX-VNNI's intrinsics, as far as kernels use them, by SIMDe: on AVX2 and FMA alone. Each rounds where the instruction does. What
// SIMDe 0.7.4 lacks, or does otherwise than the instruction, is below; instructions.cpp holds all of them against the CPU's.
#include <immintrin.h>

#include <cfenv>
#include <cfloat>
#include <climits>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <type_traits>

#include "tfm/kernels/cpu/target.hpp"

#if defined(__AVX512F__)
#error "AVX-512 is to be emulated: compile this file with -mno-avx512f"
#endif

// The halves of a register: said here because clang's target attributes, unlike g++'s pragmas, define no macros.
#define SIMDE_X86_AVX2_NATIVE
#define SIMDE_X86_FMA_NATIVE

TFM_TARGET_BEGIN("avx2,fma,f16c")
#include <simde/x86/avx512/abs.h>
#include <simde/x86/avx512/add.h>
#include <simde/x86/avx512/and.h>
#include <simde/x86/avx512/blend.h>
#include <simde/x86/avx512/cast.h>
#include <simde/x86/avx512/cmp.h>
#include <simde/x86/avx512/div.h>
#include <simde/x86/avx512/dpbusd.h>
#include <simde/x86/avx512/fmadd.h>
#include <simde/x86/avx512/loadu.h>
#include <simde/x86/avx512/madd.h>
#include <simde/x86/avx512/maddubs.h>
#include <simde/x86/avx512/max.h>
#include <simde/x86/avx512/min.h>
#include <simde/x86/avx512/mov_mask.h>
#include <simde/x86/avx512/mul.h>
#include <simde/x86/avx512/or.h>
#include <simde/x86/avx512/set1.h>
#include <simde/x86/avx512/set4.h>
#include <simde/x86/avx512/setzero.h>
#include <simde/x86/avx512/shuffle.h>
#include <simde/x86/avx512/slli.h>
#include <simde/x86/avx512/sllv.h>
#include <simde/x86/avx512/sqrt.h>
#include <simde/x86/avx512/srli.h>
#include <simde/x86/avx512/srlv.h>
#include <simde/x86/avx512/storeu.h>
#include <simde/x86/avx512/sub.h>
#include <simde/x86/avx512/unpackhi.h>
#include <simde/x86/avx512/unpacklo.h>
#include <simde/x86/avx512/xor.h>

namespace tfm_test::emulated {

TFM_LANES __m256 half(__m512 a, int i) { return simde__m512_to_private(a).m256[i]; }
TFM_LANES __m256i half(__m512i a, int i) { return simde__m512i_to_private(a).m256i[i]; }
TFM_LANES __m512 both(__m256 low, __m256 high) {
  simde__m512_private r;
  r.m256[0] = low, r.m256[1] = high;
  return simde__m512_from_private(r);
}
TFM_LANES __m512i both(__m256i low, __m256i high) {
  simde__m512i_private r;
  r.m256i[0] = low, r.m256i[1] = high;
  return simde__m512i_from_private(r);
}
// All bits of lane i where bit i of the mask is set.
TFM_LANES __m256i lanes(unsigned mask, int half) {
  const __m256i bit = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
  return _mm256_cmpeq_epi32(_mm256_and_si256(_mm256_set1_epi32(static_cast<int>(mask >> (8 * half))), bit), bit);
}

// SIMDe asks whether a < 0, and leaves the sign of -0 and of NaN.
TFM_LANES __m512 abs_ps(__m512 a) {
  const __m256 sign = _mm256_set1_ps(-0.f);
  return both(_mm256_andnot_ps(sign, half(a, 0)), _mm256_andnot_ps(sign, half(a, 1)));
}

// The odd product, then the even one, each fused, to nearest, with subnormals in and out as 0: whatever MXCSR says outside. (0 in
// place of small results alone would miss those that are below the smallest normal number until they are rounded as subnormals.)
TFM_LANES __m256 dot_pairs(__m256 sum, __m256i a, __m256i b) {
  const __m256i high = _mm256_set1_epi32(-65536);
  const unsigned flush = 0x9fc0;
  unsigned was;
  __asm__(
      "vstmxcsr %[was]\n\tvldmxcsr %[flush]\n\t"
      "vfmadd231ps %[odd_a], %[odd_b], %[sum]\n\tvfmadd231ps %[even_a], %[even_b], %[sum]\n\t"
      "vldmxcsr %[was]"
      : [sum] "+&x"(sum), [was] "=&m"(was)
      : [flush] "m"(flush), [odd_a] "x"(_mm256_and_si256(a, high)), [odd_b] "x"(_mm256_and_si256(b, high)),
        [even_a] "x"(_mm256_slli_epi32(a, 16)), [even_b] "x"(_mm256_slli_epi32(b, 16)));
  return sum;
}
// SIMDe adds the pair's rounded products, and keeps subnormals.
TFM_LANES __m512 dpbf16_ps(__m512 sum, __m512bh a, __m512bh b) {
  const __m512i x = (__m512i)a, y = (__m512i)b;
  return both(dot_pairs(half(sum, 0), half(x, 0), half(y, 0)), dot_pairs(half(sum, 1), half(x, 1), half(y, 1)));
}

// These SIMDe 0.7.4 lacks.
TFM_LANES __m512 maskz_loadu_ps(__mmask16 mask, const float* p) {
  return both(_mm256_maskload_ps(p, lanes(mask, 0)), _mm256_maskload_ps(p + 8, lanes(mask, 1)));
}
TFM_LANES void mask_storeu_ps(float* p, __mmask16 mask, __m512 a) {
  _mm256_maskstore_ps(p, lanes(mask, 0), half(a, 0));
  _mm256_maskstore_ps(p + 8, lanes(mask, 1), half(a, 1));
}
TFM_LANES __m256 extractf32x8_ps(__m512 a, int i) { return half(a, i); }
TFM_LANES __m512i cvtps_epi32(__m512 a) { return both(_mm256_cvtps_epi32(half(a, 0)), _mm256_cvtps_epi32(half(a, 1))); }
TFM_LANES __m512 cvtepi32_ps(__m512i a) { return both(_mm256_cvtepi32_ps(half(a, 0)), _mm256_cvtepi32_ps(half(a, 1))); }
TFM_LANES __m512i cvtepi8_epi32(__m128i a) { return both(_mm256_cvtepi8_epi32(a), _mm256_cvtepi8_epi32(_mm_srli_si128(a, 8))); }
TFM_LANES __m512i srai_epi32(__m512i a, unsigned n) {
  return both(_mm256_srai_epi32(half(a, 0), static_cast<int>(n)), _mm256_srai_epi32(half(a, 1), static_cast<int>(n)));
}
TFM_LANES __m512 cvtph_ps(__m256i a) { return both(_mm256_cvtph_ps(_mm256_castsi256_si128(a)), _mm256_cvtph_ps(_mm256_extracti128_si256(a, 1))); }
TFM_LANES __m256i joined(__m128i low, __m128i high) { return _mm256_inserti128_si256(_mm256_castsi128_si256(low), high, 1); }
template <int rounding>
TFM_LANES __m256i cvtps_ph(__m512 a) {
  return joined(_mm256_cvtps_ph(half(a, 0), rounding), _mm256_cvtps_ph(half(a, 1), rounding));
}
// The low bits of each lane; nothing saturates.
TFM_LANES __m128i low_halves(__m256i a) {
  const __m256i packed = _mm256_packus_epi32(_mm256_and_si256(a, _mm256_set1_epi32(0xffff)), _mm256_setzero_si256());
  return _mm256_castsi256_si128(_mm256_permute4x64_epi64(packed, 0x08));
}
TFM_LANES __m256i cvtepi32_epi16(__m512i a) { return joined(low_halves(half(a, 0)), low_halves(half(a, 1))); }
TFM_LANES __m128i cvtepi32_epi8(__m512i a) {
  const __m128i byte = _mm_set1_epi16(0xff);
  return _mm_packus_epi16(_mm_and_si128(low_halves(half(a, 0)), byte), _mm_and_si128(low_halves(half(a, 1)), byte));
}
TFM_LANES float reduce_max_ps(__m512 a) {
  const __m256 eight = _mm256_max_ps(half(a, 0), half(a, 1));
  const __m128 four = _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1)), two = _mm_max_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_max_ss(two, _mm_shuffle_ps(two, two, 1)));
}

}  // namespace tfm_test::emulated
TFM_TARGET_END

// From here on the names are the emulated ones. (SIMDe's own aliases are incomplete, and one takes arguments that the intrinsic does
// not.) What is forgotten here does not compile: the compiler's intrinsics want AVX-512. Some of them are macros already.
#define _mm512_abs_epi8 simde_mm512_abs_epi8
#define _mm512_add_epi32 simde_mm512_add_epi32
#define _mm512_add_ps simde_mm512_add_ps
#define _mm512_and_si512 simde_mm512_and_si512
#define _mm512_castpd_ps simde_mm512_castpd_ps
#define _mm512_castps512_ps256 simde_mm512_castps512_ps256
#define _mm512_castps_pd simde_mm512_castps_pd
#define _mm512_castps_si512 simde_mm512_castps_si512
#define _mm512_castsi512_ps simde_mm512_castsi512_ps
#undef _mm512_cmp_ps_mask
#define _mm512_cmp_ps_mask simde_mm512_cmp_ps_mask
#define _mm512_div_ps simde_mm512_div_ps
#define _mm512_dpbusd_epi32 simde_mm512_dpbusd_epi32
#define _mm256_dpbusd_avx_epi32 simde_mm256_dpbusd_epi32
#define _mm512_fmadd_ps simde_mm512_fmadd_ps
#define _mm512_loadu_ps simde_mm512_loadu_ps
#define _mm512_loadu_si512 simde_mm512_loadu_si512
#define _mm512_madd_epi16 simde_mm512_madd_epi16
#define _mm512_maddubs_epi16 simde_mm512_maddubs_epi16
#define _mm512_mask_blend_ps simde_mm512_mask_blend_ps
#define _mm512_mask_or_epi32 simde_mm512_mask_or_epi32
#define _mm512_mask_sub_epi8 simde_mm512_mask_sub_epi8
#define _mm512_max_ps simde_mm512_max_ps
#define _mm512_min_ps simde_mm512_min_ps
#define _mm512_movepi8_mask simde_mm512_movepi8_mask
#define _mm512_mul_ps simde_mm512_mul_ps
#define _mm512_or_si512 simde_mm512_or_si512
#define _mm512_set1_epi16 simde_mm512_set1_epi16
#define _mm512_set1_epi32 simde_mm512_set1_epi32
#define _mm512_set1_epi8 simde_mm512_set1_epi8
#define _mm512_set1_ps simde_mm512_set1_ps
#define _mm512_set4_epi32 simde_mm512_set4_epi32
#define _mm512_setzero_ps simde_mm512_setzero_ps
#define _mm512_setzero_si512 simde_mm512_setzero_si512
#define _mm512_shuffle_epi8 simde_mm512_shuffle_epi8
#undef _mm512_shuffle_i32x4
#define _mm512_shuffle_i32x4 simde_mm512_shuffle_i32x4
#undef _mm512_shuffle_f32x4
#define _mm512_shuffle_f32x4 simde_mm512_shuffle_f32x4
#undef _mm512_slli_epi16
#define _mm512_slli_epi16 simde_mm512_slli_epi16
#undef _mm512_slli_epi32
#define _mm512_slli_epi32 simde_mm512_slli_epi32
#define _mm512_sllv_epi32 simde_mm512_sllv_epi32
#define _mm512_sqrt_ps simde_mm512_sqrt_ps
#undef _mm512_srli_epi16
#define _mm512_srli_epi16 simde_mm512_srli_epi16
#undef _mm512_srli_epi32
#define _mm512_srli_epi32 simde_mm512_srli_epi32
#define _mm512_srlv_epi32 simde_mm512_srlv_epi32
#define _mm512_storeu_ps simde_mm512_storeu_ps
#define _mm512_storeu_si512 simde_mm512_storeu_si512
#define _mm512_sub_ps simde_mm512_sub_ps
#define _mm512_unpackhi_pd simde_mm512_unpackhi_pd
#define _mm512_unpackhi_ps simde_mm512_unpackhi_ps
#define _mm512_unpacklo_pd simde_mm512_unpacklo_pd
#define _mm512_unpacklo_ps simde_mm512_unpacklo_ps
#define _mm512_xor_si512 simde_mm512_xor_si512
#define _mm512_abs_ps ::tfm_test::emulated::abs_ps
#define _mm512_dpbf16_ps ::tfm_test::emulated::dpbf16_ps
#define _mm512_maskz_loadu_ps ::tfm_test::emulated::maskz_loadu_ps
#define _mm512_mask_storeu_ps ::tfm_test::emulated::mask_storeu_ps
#define _mm512_cvtps_epi32 ::tfm_test::emulated::cvtps_epi32
#define _mm512_cvtepi32_ps ::tfm_test::emulated::cvtepi32_ps
#define _mm512_cvtepi8_epi32 ::tfm_test::emulated::cvtepi8_epi32
#undef _mm512_srai_epi32
#define _mm512_srai_epi32 ::tfm_test::emulated::srai_epi32
#define _mm512_cvtph_ps ::tfm_test::emulated::cvtph_ps
#undef _mm512_cvtps_ph
#define _mm512_cvtps_ph(a, rounding) ::tfm_test::emulated::cvtps_ph<rounding>(a)
#define _mm512_cvtepi32_epi16 ::tfm_test::emulated::cvtepi32_epi16
#define _mm512_cvtepi32_epi8 ::tfm_test::emulated::cvtepi32_epi8
#define _mm512_reduce_max_ps ::tfm_test::emulated::reduce_max_ps
#undef _mm512_extractf32x8_ps
#define _mm512_extractf32x8_ps ::tfm_test::emulated::extractf32x8_ps
