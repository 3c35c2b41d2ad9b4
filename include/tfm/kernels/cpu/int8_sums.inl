// Integer sums of T tokens with P panels, as an instruction set's dot products want them.
template <int T, int P>
struct IntSums {
  static constexpr int groups = 1;  // of four activations that one step takes
  I sum[T][P];

  // All lanes of `from` are equal.
  TFM_LANES void start(int t, int p, I from) { sum[t][p] = from; }
  // Adds w[group][panel] times the activations from `a` on, of which one token's are `row` after those of the one before.
  template <bool Signed>
  TFM_LANES void add(const Bytes (&w)[groups][P], const signed char* a, Index row) {
    TFM_UNROLL
    for (int t = 0; t < T; ++t) {
      const Bytes x = broadcast4(a + t * row);
      TFM_UNROLL
      for (int p = 0; p < P; ++p) {
        sum[t][p] = Signed ? dot_signed(sum[t][p], w[0][p], x) : dot_unsigned(sum[t][p], w[0][p], x);
        hold(sum[t][p]);
      }
    }
  }
  TFM_LANES I of(int t, int p) const { return sum[t][p]; }
};
