// Sixteen lanes in four registers of what every CPU of the architecture has, through xsimd.
#if defined(__aarch64__)
using Arch = xsimd::neon64;
#else
using Arch = xsimd::sse2;
#endif
using Four = xsimd::batch<float, Arch>;
using FourInts = xsimd::batch<int, Arch>;
struct F {
  Four q[4];
};
struct I {
  FourInts q[4];
};
inline constexpr Index tile_tokens = 2, tile_panels = 1, int8_tile_tokens = 1;  // more cost the compiler more than they give
inline constexpr Index one_token_panels = 1;
inline constexpr bool quantises_sixteen = false;
template <class Lanes>
__attribute__((noinline)) Lanes exponential(Lanes x);  // of four registers it is long: inlined everywhere it would cost the compiler a second

template <class Lane>
TFM_LANES F each(Lane lane) {
  return {{lane(0), lane(1), lane(2), lane(3)}};
}
TFM_LANES F set(float x) { return {{Four(x), Four(x), Four(x), Four(x)}}; }
TFM_LANES F zero() { return set(0.f); }
TFM_LANES F load(const float* p) {
  return each([&](int i) { return Four::load_unaligned(p + 4 * i); });
}
TFM_LANES void store(float* p, F a) {
  for (int i = 0; i < 4; ++i) a.q[i].store_unaligned(p + 4 * i);
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

TFM_LANES F add(F a, F b) {
  return each([&](int i) { return a.q[i] + b.q[i]; });
}
TFM_LANES F sub(F a, F b) {
  return each([&](int i) { return a.q[i] - b.q[i]; });
}
// Rounded before anything is added to it, whatever the file's flags would contract.
TFM_LANES Four product_of(Four a, Four b) {
  Four product = a * b;
#if defined(__aarch64__)
  asm("" : "+w"(product.data));
#else
  asm("" : "+x"(product.data));
#endif
  return product;
}
TFM_LANES F mul(F a, F b) {
  return each([&](int i) { return product_of(a.q[i], b.q[i]); });
}
// By the instruction: on AArch64 xsimd divides and takes roots by an estimate and two steps of Newton's, which ends in other bits.
TFM_LANES F div(F a, F b) {
  return each([&](int i) { return Four(a.q[i].data / b.q[i].data); });
}
TFM_LANES F fma(F a, F b, F c) {
#if defined(__aarch64__)
  return each([&](int i) { return xsimd::fma(a.q[i], b.q[i], c.q[i]); });
#else
  return each([&](int i) { return product_of(a.q[i], b.q[i]) + c.q[i]; });
#endif
}
TFM_LANES F max(F a, F b) {
  return each([&](int i) { return xsimd::max(a.q[i], b.q[i]); });
}
TFM_LANES F min(F a, F b) {
  return each([&](int i) { return xsimd::min(a.q[i], b.q[i]); });
}
TFM_LANES F abs(F a) {
  return each([&](int i) { return xsimd::abs(a.q[i]); });
}
TFM_LANES F root(F a) {
#if defined(__aarch64__)
  return each([&](int i) { return Four(vsqrtq_f32(a.q[i])); });
#else
  return each([&](int i) { return xsimd::sqrt(a.q[i]); });
#endif
}
TFM_LANES F if_less(F a, F b, F yes, F no) {
  return each([&](int i) { return xsimd::select(a.q[i] < b.q[i], yes.q[i], no.q[i]); });
}

template <class Lane>
TFM_LANES I each_int(Lane lane) {
  return {{lane(0), lane(1), lane(2), lane(3)}};
}
TFM_LANES I to_int(F a) {
  return each_int([&](int i) { return xsimd::nearbyint_as_int(a.q[i]); });
}
TFM_LANES F to_float(I a) {
  return each([&](int i) { return xsimd::to_float(a.q[i]); });
}
TFM_LANES I set_int(int x) { return {{FourInts(x), FourInts(x), FourInts(x), FourInts(x)}}; }
TFM_LANES I add(I a, I b) {
  return each_int([&](int i) { return a.q[i] + b.q[i]; });
}
TFM_LANES F power_of_two(I n) {
  return each([&](int i) { return xsimd::bitwise_cast<Four>((n.q[i] + FourInts(127)) << 23); });
}
TFM_LANES void store(int* p, I a) {
  for (int i = 0; i < 4; ++i) a.q[i].store_unaligned(p + 4 * i);
}
TFM_LANES I load_ints(const int* p) {
  return each_int([&](int i) { return FourInts::load_unaligned(p + 4 * i); });
}
TFM_LANES void store_int8(signed char* p, I a) {
  int lanes[16];
  store(lanes, a);
  for (int i = 0; i < 16; ++i) p[i] = static_cast<signed char>(lanes[i]);
}
TFM_LANES I load_int8(const signed char* p) {
  int lanes[16];
  for (int i = 0; i < 16; ++i) lanes[i] = p[i];
  return load_ints(lanes);
}

TFM_LANES F load_f16(const void* p) {
  float lanes[16];
  for (int i = 0; i < 16; ++i) lanes[i] = f32_from_f16(detail::read_u16(static_cast<const std::byte*>(p) + 2 * i));
  return load(lanes);
}
TFM_LANES void store_f16(void* p, F a) {
  float lanes[16];
  store(lanes, a);
  for (int i = 0; i < 16; ++i) detail::write_u16(static_cast<std::byte*>(p) + 2 * i, f16_from_f32(lanes[i]));
}
TFM_LANES F bf16_of_2(const void* p, int j) {
  float lanes[16];
  for (int i = 0; i < 16; ++i) lanes[i] = f32_from_bf16(detail::read_u16(static_cast<const std::byte*>(p) + 4 * i + 2 * j));
  return load(lanes);
}
TFM_LANES F even_bf16(const void* p) { return bf16_of_2(p, 0); }
TFM_LANES F odd_bf16(const void* p) { return bf16_of_2(p, 1); }

TFM_LANES F byte_of_4(const void* p, int j) {
  const signed char* bytes = static_cast<const signed char*>(p);
  float lanes[16];
  for (int i = 0; i < 16; ++i) lanes[i] = static_cast<float>(bytes[4 * i + j]);
  return load(lanes);
}
TFM_LANES F nibble_of_8(const void* p, int j) {
  const unsigned char* bytes = static_cast<const unsigned char*>(p);
  float lanes[16];
  for (int i = 0; i < 16; ++i) lanes[i] = static_cast<float>(j < 4 ? bytes[4 * i + j] & 15 : bytes[4 * i + j - 4] >> 4);
  return load(lanes);
}
// Sixty-four bytes: sixteen groups of four. xsimd has no sum of products of bytes.
#if defined(__x86_64__)
struct Bytes {
  __m128i q[4];
};
TFM_LANES Bytes load_bytes(const void* p) {
  const __m128i* const at = static_cast<const __m128i*>(p);
  return {{_mm_loadu_si128(at), _mm_loadu_si128(at + 1), _mm_loadu_si128(at + 2), _mm_loadu_si128(at + 3)}};
}
// Bits of every byte, moved up by so many places (down where that is negative), under a mask.
template <int Up>
TFM_LANES Bytes moved(Bytes b, int mask) {
  for (__m128i& q : b.q) {
    if constexpr (Up > 0) q = _mm_slli_epi16(q, Up);
    if constexpr (Up < 0) q = _mm_srli_epi16(q, -Up);
    q = _mm_and_si128(q, _mm_set1_epi8(static_cast<char>(mask)));
  }
  return b;
}
TFM_LANES Bytes either(Bytes a, const Bytes& b) {
  for (int i = 0; i < 4; ++i) a.q[i] = _mm_or_si128(a.q[i], b.q[i]);
  return a;
}
TFM_LANES Bytes broadcast4(const signed char* a) {
  int four;
  __builtin_memcpy(&four, a, 4);
  const __m128i q = _mm_set1_epi32(four);
  return {{q, q, q, q}};
}
// Bytes become 16-bit numbers, whose products are summed in pairs, and the pairs of a group.
TFM_LANES __m128i dot_quarter(__m128i w, __m128i a) {
  const __m128i first = _mm_madd_epi16(_mm_srai_epi16(_mm_unpacklo_epi8(w, w), 8), _mm_srai_epi16(_mm_unpacklo_epi8(a, a), 8));
  const __m128i second = _mm_madd_epi16(_mm_srai_epi16(_mm_unpackhi_epi8(w, w), 8), _mm_srai_epi16(_mm_unpackhi_epi8(a, a), 8));
  const __m128 f = _mm_castsi128_ps(first), s = _mm_castsi128_ps(second);
  return _mm_add_epi32(_mm_castps_si128(_mm_shuffle_ps(f, s, 0x88)), _mm_castps_si128(_mm_shuffle_ps(f, s, 0xdd)));
}
TFM_LANES I dot_signed(I sum, const Bytes& w, const Bytes& a) {
  return each_int([&](int i) { return sum.q[i] + FourInts(dot_quarter(w.q[i], a.q[i])); });
}
#else
struct Bytes {
  signed char b[64];
};
TFM_LANES Bytes load_bytes(const void* p) {
  Bytes bytes;
  __builtin_memcpy(bytes.b, p, 64);
  return bytes;
}
template <int Up>
TFM_LANES Bytes moved(Bytes b, int mask) {
  for (signed char& x : b.b) {
    const int byte = static_cast<unsigned char>(x) << 8 >> (8 - Up);
    x = static_cast<signed char>(byte & mask);
  }
  return b;
}
TFM_LANES Bytes either(Bytes a, const Bytes& b) {
  for (int i = 0; i < 64; ++i) a.b[i] = static_cast<signed char>(a.b[i] | b.b[i]);
  return a;
}
TFM_LANES Bytes broadcast4(const signed char* a) {
  Bytes bytes;
  for (int i = 0; i < 64; ++i) bytes.b[i] = a[i % 4];
  return bytes;
}
TFM_LANES I dot_signed(I sum, const Bytes& w, const Bytes& a) {
  int lanes[16];
  for (int i = 0; i < 16; ++i) {
    lanes[i] = 0;
    for (int j = 0; j < 4; ++j) lanes[i] += w.b[4 * i + j] * a.b[4 * i + j];
  }
  return add(sum, load_ints(lanes));
}
#endif
TFM_LANES Bytes signed_weights(Bytes w) { return w; }
TFM_LANES I start_signed(const int*) { return set_int(0); }
TFM_LANES I dot_unsigned(I sum, const Bytes& w, const Bytes& a) { return dot_signed(sum, w, a); }

// to[j][4 i + c][r] = from[i][4 j + r][c], for i, j, r, c below 4: sixteen rows of four times four columns become four times four rows
// of sixteen columns, as dot_signed wants weights.
inline void turn_bytes(const std::byte* const* from, std::byte* to) {
  for (int i = 0; i < 4; ++i)
    for (int j = 0; j < 4; ++j)
      for (int r = 0; r < 4; ++r)
        for (int c = 0; c < 4; ++c) to[64 * j + 16 * i + 4 * c + r] = from[i][16 * j + 4 * r + c];
}

// The one tree in which sixteen partial sums become one: lane i + lane i + 8, then 4, 2, 1.
TFM_LANES float reduce_add(F a) {
  float four[4];
  ((a.q[0] + a.q[2]) + (a.q[1] + a.q[3])).store_unaligned(four);
  return (four[0] + four[2]) + (four[1] + four[3]);
}
TFM_LANES float reduce_max(F a) {
  float four[4];
  xsimd::max(xsimd::max(a.q[0], a.q[2]), xsimd::max(a.q[1], a.q[3])).store_unaligned(four);
  float largest = four[0];
  for (const float x : four) largest = x > largest ? x : largest;
  return largest;
}
// Lane i of the result is the largest of sixteen lanes of a[i], or their sum.
TFM_LANES F max_of_each(const F (&a)[16]) {
  float lanes[16];
  for (int i = 0; i < 16; ++i) lanes[i] = reduce_max(a[i]);
  return load(lanes);
}
TFM_LANES I sum_of_each(const I (&a)[16]) {
  int lanes[16] = {}, own[16];
  for (int i = 0; i < 16; ++i) {
    store(own, a[i]);
    for (const int x : own) lanes[i] += x;
  }
  return load_ints(lanes);
}
TFM_LANES float square_root(float x) { return __builtin_sqrtf(x); }
TFM_LANES void hold(F&) {}
TFM_LANES void hold(I&) {}

// to[j to_row + i] = from[i from_row + j] for i, j below 16.
inline void turn(const float* from, Index from_row, float* to, Index to_row) {
  for (Index i = 0; i < 16; ++i)
    for (Index j = 0; j < 16; ++j) to[j * to_row + i] = from[i * from_row + j];
}

#include "tfm/kernels/cpu/int8_sums.inl"
