// Activations to int8, by blocks of activation_block or by whole rows, over sixteen lanes. Included once for each region.

// 127 / largest; 0, and so every q is 0, where that would overflow (magnitudes below 1e-36).
TFM_LANES float to_bytes(float largest) { return largest > 0x1p-119f ? 127.f / largest : 0.f; }

// A sum of int8 values. Where activations are not finite it may be anything, but an int.
TFM_LANES int whole(float sum) { return sum > -0x1p24f && sum < 0x1p24f ? static_cast<int>(sum) : 0; }

// One block: q = round(x 127 / absmax), scale = absmax / 127, start = -8 times the sum of q, half_start that of its first half, rest =
// x - scale q unless it is null. A value that is no number makes the block's scale one.
inline void quantise_block(const float* x, signed char* q, float* scale, float* scaled_sum, int* start, int* half_start, float* rest) {
  const F lo = load(x), hi = load(x + 16);
  const float largest = reduce_max(max(abs(lo), abs(hi)));
  const F inverse = set(to_bytes(largest));
  const I a = to_int(mul(lo, inverse)), c = to_int(mul(hi, inverse));
  store_int8(q, a);
  store_int8(q + 16, c);
  const F nothing = add(sub(lo, lo), sub(hi, hi));  // 0, or not a number where x has one
  const float sum = reduce_add(add(to_float(add(a, c)), nothing));  // exact: far below 2^24
  *scale = sum == sum ? largest / 127.f : sum;
  if (rest != nullptr) {
    const F down = set(-*scale);
    store(rest, fma(down, to_float(a), lo));
    store(rest + 16, fma(down, to_float(c), hi));
  }
  *start = -8 * whole(sum);
  *half_start = -8 * whole(reduce_add(to_float(a)));
  *scaled_sum = *scale * sum;
}
// The same of sixteen blocks, of which each is a lane where its numbers have become one. False, and nothing is done, where a number of
// theirs is not finite.
inline bool quantise_sixteen(const float* x, signed char* q, float* scales, float* scaled_sums, int* starts, int* half_starts, float* rest) {
  F most[16], nothing[2] = {zero(), zero()};
  TFM_UNROLL
  for (int b = 0; b < 16; ++b) {
    const F lo = load(x + activation_block * b), hi = load(x + activation_block * b + 16);
    nothing[0] = fma(lo, zero(), nothing[0]), nothing[1] = fma(hi, zero(), nothing[1]);
    most[b] = max(abs(lo), abs(hi));
  }
  if (reduce_add(add(nothing[0], nothing[1])) != 0.f) return false;
  const F largest = max_of_each(most), scale = div(largest, set(127.f));
  alignas(64) float inverses[16];
  store(inverses, if_less(set(0x1p-119f), largest, div(set(127.f), largest), zero()));
  store(scales, scale);
  I sums[16], firsts[16];
  TFM_UNROLL
  for (int b = 0; b < 16; ++b) {
    const F lo = load(x + activation_block * b), hi = load(x + activation_block * b + 16), inverse = set(inverses[b]);
    const I a = to_int(mul(lo, inverse)), c = to_int(mul(hi, inverse));
    store_int8(q + activation_block * b, a);
    store_int8(q + activation_block * b + 16, c);
    sums[b] = add(a, c), firsts[b] = a;
    if (rest != nullptr) {
      const F down = set(-scales[b]);
      store(rest + activation_block * b, fma(down, to_float(a), lo));
      store(rest + activation_block * b + 16, fma(down, to_float(c), hi));
    }
  }
  const F sum = to_float(sum_of_each(sums));
  store(starts, to_int(mul(sum, set(-8.f))));
  store(half_starts, to_int(mul(to_float(sum_of_each(firsts)), set(-8.f))));
  store(scaled_sums, mul(scale, sum));
  return true;
}

// One row in blocks.
inline void quantise_row(const float* x, Index cols, signed char* q, float* scales, float* scaled_sums, int* starts, int* half_starts, float* rest) {
  const Index blocks = cols / activation_block;
  const auto left = [&](Index b) { return rest == nullptr ? nullptr : rest + activation_block * b; };
  for (Index b = 0, end; b < blocks; b = end) {
    const bool sixteen = quantises_sixteen && b + 16 <= blocks;
    const auto run = [&](auto quantise, Index i) {
      return quantise(x + activation_block * i, q + activation_block * i, scales + i, scaled_sums + i, starts + i, half_starts + i, left(i));
    };
    end = sixteen ? b + 16 : blocks;
    if (sixteen && run(quantise_sixteen, b)) continue;
    for (Index i = b; i < end; ++i) run(quantise_block, i);
  }
}
inline void quantise_blocks(Context&, View x, signed char* q, float* scales, float* scaled_sums, int* starts, int* half_starts, float* rest) {
  const Index blocks = x.cols / activation_block;
  for (Index t = 0; t < x.rows; ++t)
    quantise_row(x.row(t), x.cols, q + t * x.cols, scales + t * blocks, scaled_sums + t * blocks, starts + t * blocks, half_starts + t * blocks,
                 rest == nullptr ? nullptr : rest + t * x.cols);
}

// The largest magnitude of `count` numbers, which lanes(i, n) loads; poison is 0, or no number where one of them is not finite.
struct Magnitude {
  float largest, poison;
};
template <class Lanes>
inline Magnitude magnitude_of(Index count, Lanes lanes) {
  F largest = zero(), nothing = zero();
  by_lanes(count, [&](Index i, Index n) {
    const F x = lanes(i, n);
    largest = max(largest, abs(x));
    nothing = add(nothing, sub(x, x));
  });
  return {reduce_max(largest), reduce_add(nothing)};
}
// q = round(x factor) of the same numbers, padded with 0 to a multiple of 16; gives -8 times their sum, exact up to 130,000 of them.
template <class Lanes>
inline int round_to_bytes(Index count, float factor, signed char* q, Lanes lanes) {
  const F factors = set(factor);
  I sums = set_int(0);
  by_lanes(count, [&](Index i, Index n) {
    const I levels = to_int(mul(lanes(i, n), factors));
    store_int8(q + i, levels);
    sums = add(sums, levels);
  });
  return -8 * whole(reduce_add(to_float(sums)));
}

// One whole row, whose absmax counts as `at_least` if it is less; q is padded with 0 to a multiple of 16.
inline void quantise_whole_row(Context&, View x, float at_least, signed char* q, float* scale, int* start) {
  const auto lanes = [x](Index i, Index n) { return load_some(x.data + i, n); };
  const Magnitude row = magnitude_of(x.cols, lanes);
  const float largest = row.largest < at_least ? at_least : row.largest;
  *scale = row.poison == 0.f ? largest / 127.f : row.poison;
  *start = round_to_bytes(x.cols, detail::int8_factor(largest), q, lanes);
}

// Marks the columns of a row that are outliers by themselves, rounded to binary16 first where `half`: bit k % 64 of word k / 64. *count:
// how many. Most words have none, which is seen by lanes.
inline void mark_outliers_row(const float* x, Index cols, float threshold, bool half, std::uint64_t* marks, int* count) {
  *count = 0;
  for (Index from = 0; from < cols; from += 64, ++marks) {
    const Index columns = cols - from < 64 ? cols - from : 64;
    F found = zero();
    by_lanes(columns, [&](Index i, Index n) {
      F value = load_some(x + from + i, n);
      if (half) {
        alignas(64) std::byte rounded[sixteen_halves];
        store_f16(rounded, value);
        value = load_f16(rounded);
      }
      found = add(found, if_less(abs(value), set(threshold), zero(), set(1.f)));  // what is no number counts here
    });
    *marks = 0;
    if (reduce_add(found) == 0.f) continue;
    for (Index k = 0; k < columns; ++k) {
      const float own = x[from + k], value = half ? f32_from_f16(f16_from_f32(own)) : own;
      if (!(value >= threshold || value <= -threshold) || value - value != 0.f) continue;
      *marks |= std::uint64_t{1} << k;
      ++*count;
    }
  }
}
inline void mark_outliers(Context&, View x, float threshold, bool half, std::uint64_t* marks, int* counts) {
  const Index words = (x.cols + 63) / 64;
  for (Index t = 0; t < x.rows; ++t) mark_outliers_row(x.row(t), x.cols, threshold, half, marks + t * words, counts + t);
}

// One row of a gradient: dy times the weights' scales, in groups of gradient_group: q = round(x 127 / absmax), scale = absmax / 127,
// start = -8 times the group's sum of q; q is padded with 0 to a multiple of 16. A value that is no number makes the group's scale one.
inline void quantise_gradient_row(const float* dy, const float* weight_scales, Index rows, signed char* q, float* scales, int* starts) {
  for (Index from = 0; from < rows; from += gradient_group, ++scales, ++starts) {
    const Index count = rows - from < gradient_group ? rows - from : gradient_group;
    const auto scaled = [&](Index i, Index n) { return mul(load_some(dy + from + i, n), load_some(weight_scales + from + i, n)); };
    const Magnitude group = magnitude_of(count, scaled);
    *scales = group.poison == 0.f ? group.largest / 127.f : group.poison;
    *starts = round_to_bytes(count, to_bytes(group.largest), q + from, scaled);
  }
}
inline void quantise_gradient(Context&, View dy, const float* weight_scales, signed char* q, Index q_row, float* scales, int* starts) {
  const Index groups = (dy.cols + gradient_group - 1) / gradient_group;
  for (Index t = 0; t < dy.rows; ++t) quantise_gradient_row(dy.row(t), weight_scales, dy.cols, q + t * q_row, scales + t * groups, starts + t * groups);
}
