// Keys and values into a cache, over sixteen lanes: of F32 and F16 whole panels of positions where there are. Included once for each region.

// Sixteen numbers as a cache has them.
struct CachedF32 {
  static constexpr Index bytes = 4;
  static TFM_LANES void put(std::byte* p, F a) { store(reinterpret_cast<float*>(p), a); }
};
struct CachedF16 {
  static constexpr Index bytes = 2;
  static TFM_LANES void put(std::byte* p, F a) { store_f16(p, a); }
};

// One head's keys of sixteen positions that begin a panel, turned.
template <class Cached>
inline void cache_key_panel(const float* key, Index row, Index head_dim, std::byte* to) {
  by_lanes(head_dim, [&](Index d, Index n) {
    alignas(64) float own[16 * 16], turned[16 * 16];
    const bool whole = n == 16;
    if (!whole)
      for (Index r = 0; r < 16; ++r) store(own + 16 * r, load_first(key + r * row + d, n));
    turn(whole ? key + d : own, whole ? row : 16, turned, 16);
    for (Index i = 0; i < n; ++i) Cached::put(to + 16 * (d + i) * Cached::bytes, load(turned + 16 * i));
  });
}
// One head's key of position r of a panel.
template <class Cached>
inline void cache_key(const float* key, Index head_dim, Index r, std::byte* to) {
  by_lanes(head_dim, [&](Index d, Index n) {
    alignas(64) std::byte lanes[64];
    Cached::put(lanes, load_some(key + d, n));
    for (Index i = 0; i < n; ++i) __builtin_memcpy(to + (16 * (d + i) + r) * Cached::bytes, lanes + i * Cached::bytes, Cached::bytes);
  });
}
template <class Cached>
inline void cache_tokens(const CacheRows& a, Index tokens) {
  const Index key_panel = key_panel_bytes(a.format, a.head_dim), value_panel = value_panel_bytes(a.format, a.head_dim);
  for (Index t = 0; t < tokens;) {
    const Index panel = (a.position + t) / 16, r = (a.position + t) % 16, count = r == 0 && t + 16 <= tokens ? 16 : 1;
    for (Index h = 0; h < a.kv_heads; ++h) {
      const float *const key = a.key + t * a.row + h * a.head_dim, *const value = a.value + t * a.row + h * a.head_dim;
      std::byte* const keys = a.keys + h * a.key_head_bytes + panel * key_panel;
      std::byte* const values = a.values + h * a.value_head_bytes + panel * value_panel;
      if (count == 16) cache_key_panel<Cached>(key, a.row, a.head_dim, keys);
      else cache_key<Cached>(key, a.head_dim, r, keys);
      for (Index i = 0; i < count; ++i)
        by_lanes(a.head_dim, [&](Index d, Index n) {
          Cached::put(values + ((r + i) * round_up(a.head_dim, 16) + d) * Cached::bytes, load_some(value + i * a.row + d, n));
        });
    }
    t += count;
  }
}

// n <= cache_block numbers, filled up with 0, as one block's levels, and the scale's bits: ggml's Q8_0, which rounds halves away from 0.
inline std::uint16_t quantise_for_cache(const float* x, Index n, signed char* levels) {
  const F halves[2] = {load_some(x, n < 16 ? n : 16), n > 16 ? load_some(x + 16, n - 16) : zero()};
  if (reduce_add(add(sub(halves[0], halves[0]), sub(halves[1], halves[1]))) != 0.f) {  // a number is not finite
    float numbers[cache_block];
    std::byte block[FormatTraits<Format::q8_0>::block_bytes];
    store(numbers, halves[0]), store(numbers + 16, halves[1]);
    FormatTraits<Format::q8_0>::quantise_block(numbers, block);
    __builtin_memcpy(levels, block + 2, cache_block);
    return detail::read_u16(block);
  }
  const float scale = reduce_max(max(abs(halves[0]), abs(halves[1]))) / 127.f;
  const F inverse = set(detail::reciprocal(scale));
  for (int i = 0; i < 2; ++i) {
    F level = mul(halves[i], inverse);
    hold(level);  // not contracted with what is subtracted
    const F size = abs(level), even = to_float(to_int(size));
    const F away = if_less(sub(size, even), set(0.5f), even, add(even, set(1.f)));
    store_int8(levels + 16 * i, to_int(if_less(level, zero(), sub(zero(), away), away)));
  }
  return f16_from_f32(scale);
}
inline void cache_q8_0_tokens(const CacheRows& a, Index tokens) {
  const Index n = a.head_dim, header = panel_header_bytes(Format::q8_0, n);
  for (Index t = 0; t < tokens; ++t) {
    const Index panel = (a.position + t) / 16, r = (a.position + t) % 16;
    for (Index h = 0; h < a.kv_heads; ++h) {
      const float *const key = a.key + t * a.row + h * n, *const value = a.value + t * a.row + h * n;
      std::byte* const keys = a.keys + h * a.key_head_bytes + panel * key_panel_bytes(Format::q8_0, n);
      std::byte* const values = a.values + h * a.value_head_bytes + panel * value_panel_bytes(Format::q8_0, n);
      for (Index d = 0; d < n; d += cache_block) {
        const Index count = n - d < cache_block ? n - d : cache_block;
        signed char levels[cache_block];
        detail::write_u16(keys + d + 2 * r, quantise_for_cache(key + d, count, levels));  // 16 scales of 2 bytes a block
        for (Index i = 0; i < count; i += 4) __builtin_memcpy(keys + header + ((d + i) / 4 * 16 + r) * 4, levels + i, 4);
        detail::write_u16(values + d + 2 * r, quantise_for_cache(value + d, count, levels));
        __builtin_memcpy(values + header + r * round_up(n, 16) + d, levels, static_cast<std::size_t>(count));
      }
    }
  }
}

inline void append_rows(Context&, const CacheRows& a, Index tokens) {
  if (is_quantised(a.format)) cache_q8_0_tokens(a, tokens);
  else if (cached_bytes(a.format) == 2) cache_tokens<CachedF16>(a, tokens);
  else cache_tokens<CachedF32>(a, tokens);
}
