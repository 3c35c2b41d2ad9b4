#pragma once
// The plain loops that filling a cache equals, to the last bit.
#include <algorithm>
#include <cstring>

#include "tfm/kernels/cache.hpp"

namespace tfm::inline TFM_ABI::kernels::plain {

/// One head's key and value in blocks of cache_block, the last filled up with 0, rounded as a weight's (ggml's Q8_0).
inline void append_q8_0(Index head_dim, Index value_row, const float* key, const float* value, Index r, std::byte* keys, std::byte* values) noexcept {
  std::byte* const value_levels = values + panel_header_bytes(Format::q8_0, head_dim) + r * value_row;
  for (Index from = 0; from < head_dim; from += cache_block) {
    const Index n = std::min(cache_block, head_dim - from), scale_at = from + 2 * r;  // 16 scales of 2 bytes a block
    const auto quantise = [&](const float* row, std::byte* block) {
      float numbers[cache_block] = {};
      std::memcpy(numbers, row + from, to_size(n) * sizeof(float));
      FormatTraits<Format::q8_0>::quantise_block(numbers, block);
    };
    std::byte k[FormatTraits<Format::q8_0>::block_bytes], v[FormatTraits<Format::q8_0>::block_bytes];
    quantise(key, k), quantise(value, v);
    std::memcpy(keys + scale_at, k, 2);
    std::memcpy(values + scale_at, v, 2);
    for (Index d = 0; d < n; d += 4) std::memcpy(keys + FormatTraits<Format::q8_0>::level_offset(head_dim, r, from / cache_block, d), k + 2 + d, 4);
    std::memcpy(value_levels + from, v + 2, to_size(n));
  }
}

/// kernels::append_keys_values() for one token: key, value [kv_heads x head_dim]. What fills a row of F32 or F16
/// values up is 0.
inline void append_key_value(const AttentionShape& shape, const float* key, const float* value, Index position, std::byte* keys, std::byte* values) noexcept {
  const Index n = shape.head_dim, panel = position / 16, r = position % 16;
  const auto put = [&](std::byte* to, Index at, float number) {
    if (cached_bytes(shape.format) == 2) tfm::detail::write_u16(to + 2 * at, f16_from_f32(number));
    else std::memcpy(to + 4 * at, &number, 4);
  };
  for (Index h = 0; h < shape.kv_heads; ++h) {
    std::byte* const key_panel = keys + h * shape.key_head_bytes + panel * key_panel_bytes(shape.format, n);
    std::byte* const value_panel = values + h * shape.value_head_bytes + panel * value_panel_bytes(shape.format, n);
    if (is_quantised(shape.format)) {
      append_q8_0(n, shape.value_row(), key + h * n, value + h * n, r, key_panel, value_panel);
      continue;
    }
    for (Index d = 0; d < n; ++d) put(key_panel, 16 * d + r, key[h * n + d]);
    for (Index d = 0; d < shape.value_row(); ++d) put(value_panel, r * shape.value_row() + d, d < n ? value[h * n + d] : 0.f);
  }
}

}  // namespace tfm::inline TFM_ABI::kernels::plain
