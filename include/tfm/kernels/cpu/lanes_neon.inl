// Sixteen lanes in four NEON registers of aarch64.
struct F {
  float32x4_t q[4];
};
struct I {
  int32x4_t q[4];
};
inline constexpr Index tile_tokens = 4, tile_panels = 1, int8_tile_tokens = tile_tokens;  // 16 sums, 4 weights, 1 activation of 32 registers
inline constexpr Index one_token_panels = 4;  // memory wants several streams
inline constexpr bool quantises_sixteen = true;  // blocks at a time
template <class Lanes>
TFM_LANES Lanes exponential(Lanes x);

TFM_LANES F zero() { return {{vdupq_n_f32(0), vdupq_n_f32(0), vdupq_n_f32(0), vdupq_n_f32(0)}}; }
TFM_LANES F set(float x) { return {{vdupq_n_f32(x), vdupq_n_f32(x), vdupq_n_f32(x), vdupq_n_f32(x)}}; }
TFM_LANES F load(const float* p) { return {{vld1q_f32(p), vld1q_f32(p + 4), vld1q_f32(p + 8), vld1q_f32(p + 12)}}; }
TFM_LANES void store(float* p, F a) {
  vst1q_f32(p, a.q[0]);
  vst1q_f32(p + 4, a.q[1]);
  vst1q_f32(p + 8, a.q[2]);
  vst1q_f32(p + 12, a.q[3]);
}
TFM_LANES F load_first(const float* p, Index n) {
  float lanes[16] = {};
  for (Index i = 0; i < n; ++i) lanes[i] = p[i];
  return load(lanes);
}
TFM_LANES void store_first(float* p, F a, Index n) {
  float lanes[16];
  store(lanes, a);
  for (Index i = 0; i < n; ++i) p[i] = lanes[i];
}
TFM_LANES F keep_first(F a, Index n, F otherwise) {
  float lanes[16];
  store(lanes, otherwise);
  store_first(lanes, a, n);
  return load(lanes);
}

// One instruction on each quarter.
#define TFM_QUARTERS(type, f, ...) \
  return type { { f(0, __VA_ARGS__), f(1, __VA_ARGS__), f(2, __VA_ARGS__), f(3, __VA_ARGS__) } }
#define TFM_TWO(i, op, a, b) op(a.q[i], b.q[i])
#define TFM_ONE(i, op, a) op(a.q[i])
TFM_LANES F add(F a, F b) { TFM_QUARTERS(F, TFM_TWO, vaddq_f32, a, b); }
TFM_LANES F sub(F a, F b) { TFM_QUARTERS(F, TFM_TWO, vsubq_f32, a, b); }
TFM_LANES F mul(F a, F b) { TFM_QUARTERS(F, TFM_TWO, vmulq_f32, a, b); }
TFM_LANES F div(F a, F b) { TFM_QUARTERS(F, TFM_TWO, vdivq_f32, a, b); }
TFM_LANES F max(F a, F b) { TFM_QUARTERS(F, TFM_TWO, vmaxq_f32, a, b); }
TFM_LANES F min(F a, F b) { TFM_QUARTERS(F, TFM_TWO, vminq_f32, a, b); }
TFM_LANES F abs(F a) { TFM_QUARTERS(F, TFM_ONE, vabsq_f32, a); }
TFM_LANES F root(F a) { TFM_QUARTERS(F, TFM_ONE, vsqrtq_f32, a); }
TFM_LANES I add(I a, I b) { TFM_QUARTERS(I, TFM_TWO, vaddq_s32, a, b); }
TFM_LANES I to_int(F a) { TFM_QUARTERS(I, TFM_ONE, vcvtnq_s32_f32, a); }
TFM_LANES F to_float(I a) { TFM_QUARTERS(F, TFM_ONE, vcvtq_f32_s32, a); }
#undef TFM_ONE
#undef TFM_TWO
#undef TFM_QUARTERS
TFM_LANES F fma(F a, F b, F c) {
  return {{vfmaq_f32(c.q[0], a.q[0], b.q[0]), vfmaq_f32(c.q[1], a.q[1], b.q[1]), vfmaq_f32(c.q[2], a.q[2], b.q[2]), vfmaq_f32(c.q[3], a.q[3], b.q[3])}};
}
TFM_LANES F if_less(F a, F b, F yes, F no) {
  F out;
  for (int i = 0; i < 4; ++i) out.q[i] = vbslq_f32(vcltq_f32(a.q[i], b.q[i]), yes.q[i], no.q[i]);
  return out;
}
TFM_LANES I set_int(int x) { return {{vdupq_n_s32(x), vdupq_n_s32(x), vdupq_n_s32(x), vdupq_n_s32(x)}}; }
TFM_LANES F power_of_two(I n) {
  F out;
  for (int i = 0; i < 4; ++i) out.q[i] = vreinterpretq_f32_s32(vshlq_n_s32(vaddq_s32(n.q[i], vdupq_n_s32(127)), 23));
  return out;
}
TFM_LANES void store(int* p, I a) {
  for (int i = 0; i < 4; ++i) vst1q_s32(p + 4 * i, a.q[i]);
}
TFM_LANES void store_int8(signed char* p, I a) {
  const int16x8_t lo = vcombine_s16(vmovn_s32(a.q[0]), vmovn_s32(a.q[1])), hi = vcombine_s16(vmovn_s32(a.q[2]), vmovn_s32(a.q[3]));
  vst1q_s8(p, vcombine_s8(vmovn_s16(lo), vmovn_s16(hi)));
}
TFM_LANES I load_int8(const signed char* p) {
  const int8x16_t bytes = vld1q_s8(p);
  const int16x8_t lo = vmovl_s8(vget_low_s8(bytes)), hi = vmovl_s8(vget_high_s8(bytes));
  return {{vmovl_s16(vget_low_s16(lo)), vmovl_s16(vget_high_s16(lo)), vmovl_s16(vget_low_s16(hi)), vmovl_s16(vget_high_s16(hi))}};
}

TFM_LANES F load_f16(const void* p) {
  const std::byte* const from = static_cast<const std::byte*>(p);
  F out;
  for (int i = 0; i < 4; ++i) {
    uint16x4_t half;
    __builtin_memcpy(&half, from + 8 * i, 8);
    out.q[i] = vcvt_f32_f16(vreinterpret_f16_u16(half));
  }
  return out;
}
TFM_LANES void store_f16(void* p, F a) {
  std::byte* const to = static_cast<std::byte*>(p);
  for (int i = 0; i < 4; ++i) {
    const uint16x4_t half = vreinterpret_u16_f16(vcvt_f16_f32(a.q[i]));
    __builtin_memcpy(to + 8 * i, &half, 8);
  }
}
// Sixty-four bytes: sixteen groups of four.
TFM_LANES I load_groups(const void* p) {
  const std::byte* const from = static_cast<const std::byte*>(p);
  I out;
  for (int i = 0; i < 4; ++i) out.q[i] = vreinterpretq_s32_s8(vld1q_s8(reinterpret_cast<const signed char*>(from + 16 * i)));
  return out;
}
TFM_LANES F even_bf16(const void* p) {
  const I b = load_groups(p);
  F out;
  for (int i = 0; i < 4; ++i) out.q[i] = vreinterpretq_f32_s32(vshlq_n_s32(b.q[i], 16));
  return out;
}
TFM_LANES F odd_bf16(const void* p) {
  const I b = load_groups(p);
  F out;
  for (int i = 0; i < 4; ++i) out.q[i] = vreinterpretq_f32_s32(vandq_s32(b.q[i], vdupq_n_s32(-65536)));
  return out;
}
TFM_LANES F byte_of_4(const void* p, int j) {
  I b = load_groups(p);
  for (int i = 0; i < 4; ++i) b.q[i] = vshrq_n_s32(vshlq_s32(b.q[i], vdupq_n_s32(24 - 8 * j)), 24);
  return to_float(b);
}

// The one tree in which sixteen partial sums become one: lane i + lane i + 8, then 4, 2, 1.
TFM_LANES float reduce_add(F a) {
  const float32x4_t four = vaddq_f32(vaddq_f32(a.q[0], a.q[2]), vaddq_f32(a.q[1], a.q[3]));
  const float32x2_t two = vadd_f32(vget_low_f32(four), vget_high_f32(four));
  return vget_lane_f32(two, 0) + vget_lane_f32(two, 1);
}
TFM_LANES float reduce_max(F a) { return vmaxvq_f32(vmaxq_f32(vmaxq_f32(a.q[0], a.q[2]), vmaxq_f32(a.q[1], a.q[3]))); }
// Lane i of the result is the largest of sixteen lanes of a[i], or their sum.
TFM_LANES F max_of_each(const F (&a)[16]) {
  const auto quarters = [&](int i) { return vmaxq_f32(vmaxq_f32(a[i].q[0], a[i].q[1]), vmaxq_f32(a[i].q[2], a[i].q[3])); };
  F out;
  for (int i = 0; i < 4; ++i) out.q[i] = vpmaxq_f32(vpmaxq_f32(quarters(4 * i), quarters(4 * i + 1)), vpmaxq_f32(quarters(4 * i + 2), quarters(4 * i + 3)));
  return out;
}
TFM_LANES I sum_of_each(const I (&a)[16]) {
  const auto quarters = [&](int i) { return vaddq_s32(vaddq_s32(a[i].q[0], a[i].q[1]), vaddq_s32(a[i].q[2], a[i].q[3])); };
  I out;
  for (int i = 0; i < 4; ++i) out.q[i] = vpaddq_s32(vpaddq_s32(quarters(4 * i), quarters(4 * i + 1)), vpaddq_s32(quarters(4 * i + 2), quarters(4 * i + 3)));
  return out;
}
TFM_LANES float square_root(float x) { return __builtin_sqrtf(x); }
TFM_LANES void hold(F& a) { asm("" : "+w"(a.q[0]), "+w"(a.q[1]), "+w"(a.q[2]), "+w"(a.q[3])); }
TFM_LANES void hold(I& a) { asm("" : "+w"(a.q[0]), "+w"(a.q[1]), "+w"(a.q[2]), "+w"(a.q[3])); }

// to[j to_row + i] = from[i from_row + j] for i, j below 16.
inline void turn(const float* from, Index from_row, float* to, Index to_row) {
  for (Index i = 0; i < 16; i += 4)
    for (Index j = 0; j < 16; j += 4) {
      const auto row = [&](Index r) { return vld1q_f32(from + (i + r) * from_row + j); };
      const auto pairs = [&](float32x4_t a) { return vreinterpretq_f64_f32(a); };
      const auto put = [&](Index r, float64x2_t a) { vst1q_f32(to + (j + r) * to_row + i, vreinterpretq_f32_f64(a)); };
      const float32x4_t a = row(0), b = row(1), c = row(2), d = row(3);
      const float64x2_t even_ab = pairs(vtrn1q_f32(a, b)), odd_ab = pairs(vtrn2q_f32(a, b));
      const float64x2_t even_cd = pairs(vtrn1q_f32(c, d)), odd_cd = pairs(vtrn2q_f32(c, d));
      put(0, vtrn1q_f64(even_ab, even_cd)), put(1, vtrn1q_f64(odd_ab, odd_cd));
      put(2, vtrn2q_f64(even_ab, even_cd)), put(3, vtrn2q_f64(odd_ab, odd_cd));
    }
}

#include "tfm/kernels/cpu/lanes_neon_bytes.inl"
