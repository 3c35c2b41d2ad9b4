// Activations to int8, by blocks of 32 or by whole rows, over sixteen lanes. Included once for each region.

// 127 / largest; 0, and so every q is 0, where that would overflow (magnitudes below 1e-36).
TFM_LANES float to_bytes(float largest) { return largest > 0x1p-119f ? 127.f / largest : 0.f; }

// A sum of int8 values. Where activations are not finite it may be anything, but an int.
TFM_LANES int whole(float sum) { return sum > -0x1p24f && sum < 0x1p24f ? static_cast<int>(sum) : 0; }

// One row in blocks of 32: q = round(x 127 / absmax), scale = absmax / 127, start = -8 times the block's sum of q, rest = x - scale q
// unless it is null. A value that is no number makes the block's scale one.
TFM_KERNEL Isa quantise_blocks(const float* x, Index cols, signed char* q, float* scales, float* scaled_sums, int* starts, float* rest) {
  for (Index b = 0; b < cols / 32; ++b) {
    const F lo = load(x + 32 * b), hi = load(x + 32 * b + 16);
    const float largest = reduce_max(max(abs(lo), abs(hi)));
    const F inverse = set(to_bytes(largest));
    const I a = to_int(mul(lo, inverse)), c = to_int(mul(hi, inverse));
    store_int8(q + 32 * b, a);
    store_int8(q + 32 * b + 16, c);
    const F nothing = add(sub(lo, lo), sub(hi, hi));  // 0, or not a number where x has one
    const float sum = reduce_add(add(to_float(add(a, c)), nothing));  // exact: far below 2^24
    scales[b] = sum == sum ? largest / 127.f : sum;
    if (rest != nullptr) {
      const F scale = set(-scales[b]);
      store(rest + 32 * b, fma(scale, to_float(a), lo));
      store(rest + 32 * b + 16, fma(scale, to_float(c), hi));
    }
    starts[b] = -8 * whole(sum);
    scaled_sums[b] = scales[b] * sum;
  }
  return this_isa;
}

// One whole row, whose absmax counts as `at_least` if it is less; q is padded with 0 to a multiple of 16.
TFM_KERNEL Isa quantise_whole_row(const float* x, Index cols, float at_least, signed char* q, float* scales, int* start) {
  F largest_lanes = zero(), nothing = zero();
  by_lanes(cols, [&](Index i, Index n) {
    const F lanes = load_some(x + i, n);
    largest_lanes = max(largest_lanes, abs(lanes));
    nothing = add(nothing, sub(lanes, lanes));
  });
  const float in_row = reduce_max(largest_lanes), largest = in_row < at_least ? at_least : in_row;
  const F inverse = set(detail::int8_factor(largest));
  int sum = 0;
  by_lanes(cols, [&](Index i, Index n) {
    const I a = to_int(mul(load_some(x + i, n), inverse));
    store_int8(q + i, a);
    sum += whole(reduce_add(to_float(a)));
  });
  const float poison = reduce_add(nothing);
  *scales = poison == 0.f ? largest / 127.f : poison;
  *start = -8 * sum;
  return this_isa;
}
