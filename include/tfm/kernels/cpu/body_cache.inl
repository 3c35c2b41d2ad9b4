// Keys and values into a cache of F32 or F16, over sixteen lanes: whole panels of positions where there are. Included once for each
// region.

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

TFM_KERNEL Isa append_rows(const CacheRows& a, Index tokens) {
  if (a.format == Format::f16) cache_tokens<CachedF16>(a, tokens);
  else cache_tokens<CachedF32>(a, tokens);
  return this_isa;
}
