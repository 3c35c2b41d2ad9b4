// Dot products of sixteen groups of four int8 weights with four activations in NEON registers. Included in the regions that have
// an instruction for them, and in the one that has not.
struct Bytes {
  int8x16_t q[4];
};
TFM_LANES Bytes load_bytes(const void* p) {
  const I groups = load_groups(p);
  Bytes out;
  for (int i = 0; i < 4; ++i) out.q[i] = vreinterpretq_s8_s32(groups.q[i]);
  return out;
}
// Bits of every byte, moved up by so many places (down where that is negative), under a mask.
template <int Up>
TFM_LANES Bytes moved(Bytes b, int mask) {
  for (int i = 0; i < 4; ++i) {
    if constexpr (Up > 0) b.q[i] = vshlq_n_s8(b.q[i], Up);
    if constexpr (Up < 0) b.q[i] = vreinterpretq_s8_u8(vshrq_n_u8(vreinterpretq_u8_s8(b.q[i]), -Up));
    b.q[i] = vandq_s8(b.q[i], vdupq_n_s8(static_cast<signed char>(mask)));
  }
  return b;
}
TFM_LANES Bytes either(Bytes a, Bytes b) {
  for (int i = 0; i < 4; ++i) a.q[i] = vorrq_s8(a.q[i], b.q[i]);
  return a;
}
TFM_LANES Bytes broadcast4(const signed char* a) {
  int four;
  __builtin_memcpy(&four, a, 4);
  const int8x16_t all = vreinterpretq_s8_s32(vdupq_n_s32(four));
  return {{all, all, all, all}};
}
TFM_LANES Bytes signed_weights(Bytes w) { return w; }
TFM_LANES I start_signed(const int*) { return set_int(0); }
#if defined(TFM_LANES_DOTPROD)
TFM_LANES I dot_signed(I sum, Bytes w, Bytes a) {
  for (int i = 0; i < 4; ++i) sum.q[i] = vdotq_s32(sum.q[i], w.q[i], a.q[i]);
  return sum;
}
#else
// int8 products fit int16; neighbours are added twice: to pairs, then to the fours that belong to one row.
TFM_LANES I dot_signed(I sum, Bytes w, Bytes a) {
  for (int i = 0; i < 4; ++i) {
    const int32x4_t lo = vpaddlq_s16(vmull_s8(vget_low_s8(w.q[i]), vget_low_s8(a.q[i])));
    const int32x4_t hi = vpaddlq_s16(vmull_s8(vget_high_s8(w.q[i]), vget_high_s8(a.q[i])));
    sum.q[i] = vaddq_s32(sum.q[i], vpaddq_s32(lo, hi));
  }
  return sum;
}
#endif
TFM_LANES I dot_unsigned(I sum, Bytes w, Bytes a) { return dot_signed(sum, w, a); }

// to[j][4 i + c][r] = from[i][4 j + r][c], for i, j, r, c below 4: sixteen rows of four times four columns become four times four rows
// of sixteen columns, as dot_signed wants weights.
inline void turn_bytes(const std::byte* const* from, std::byte* to) {
  const uint8x16_t columns = {0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15};
  for (int i = 0; i < 4; ++i)
    for (int j = 0; j < 4; ++j)
      vst1q_s8(reinterpret_cast<signed char*>(to + 64 * j + 16 * i), vqtbl1q_s8(vld1q_s8(reinterpret_cast<const signed char*>(from[i] + 16 * j)), columns));
}

#include "tfm/kernels/cpu/int8_sums.inl"
