// Dot products of int8 as FEAT_DotProd has them, and those of several tokens as FEAT_I8MM has them.
#include "tfm/kernels/cpu/lanes_neon_dotprod.inl"

// Two rows of eight weights times two tokens of eight activations are four sums: two rows, and of each two tokens.
template <int T, int P>
  requires(T % 2 == 0)
struct IntSums<T, P> {
  static constexpr int groups = 2;
  int32x4_t sum[T / 2][P][8];

  TFM_LANES void start(int t, int p, I from) {
    for (int i = 0; i < 8; ++i) sum[t / 2][p][i] = t % 2 == 0 ? from.q[0] : vtrn1q_s32(sum[t / 2][p][i], from.q[0]);
  }
  template <bool>
  TFM_LANES void add(const Bytes (&w)[groups][P], const signed char* a, Index row) {
    int8x16_t x[T / 2];
    TFM_UNROLL
    for (int t = 0; t < T / 2; ++t) x[t] = vcombine_s8(vld1_s8(a + 2 * t * row), vld1_s8(a + (2 * t + 1) * row));
    TFM_UNROLL
    for (int p = 0; p < P; ++p) {
      TFM_UNROLL
      for (int i = 0; i < 8; ++i) {
        const int32x4_t even = vreinterpretq_s32_s8(w[0][p].q[i / 2]), odd = vreinterpretq_s32_s8(w[1][p].q[i / 2]);
        const int8x16_t rows = vreinterpretq_s8_s32(i % 2 == 0 ? vzip1q_s32(even, odd) : vzip2q_s32(even, odd));
        TFM_UNROLL
        for (int t = 0; t < T / 2; ++t) {
          sum[t][p][i] = vmmlaq_s32(sum[t][p][i], rows, x[t]);
          asm("" : "+w"(sum[t][p][i]));
        }
      }
    }
  }
  TFM_LANES I of(int t, int p) const {
    const int32x4_t* const two = sum[t / 2][p];
    I out;
    for (int i = 0; i < 4; ++i) out.q[i] = t % 2 == 0 ? vuzp1q_s32(two[2 * i], two[2 * i + 1]) : vuzp2q_s32(two[2 * i], two[2 * i + 1]);
    return out;
  }
};
