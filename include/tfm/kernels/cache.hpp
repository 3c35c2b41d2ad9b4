#pragma once
// Keys and values into their places in a cache, whose layout kernels/attention.hpp describes.
#include <algorithm>
#include <cstring>

#include "tfm/kernels/attention.hpp"

namespace tfm::inline TFM_ABI::kernels {

namespace prepare {

// One head's key and value in blocks of 32, the last filled up with 0, rounded as a weight's (ggml's Q8_0).
inline void append_q8_0(Index head_dim, Index value_row, const float* key, const float* value, Index r, std::byte* keys, std::byte* values) noexcept {
  std::byte* const value_levels = values + panel_header_bytes(Format::q8_0, head_dim) + r * value_row;
  for (Index from = 0; from < head_dim; from += 32) {
    const Index n = std::min<Index>(32, head_dim - from), scale_at = from + 2 * r;  // 16 scales of 2 bytes a block
    const auto quantise = [&](const float* row, std::byte* block) {
      float numbers[32] = {};
      std::memcpy(numbers, row + from, to_size(n) * sizeof(float));
      detail::quantise_q8_0(numbers, block);
    };
    std::byte k[34], v[34];
    quantise(key, k), quantise(value, v);
    std::memcpy(keys + scale_at, k, 2);
    std::memcpy(values + scale_at, v, 2);
    for (Index d = 0; d < n; d += 4) std::memcpy(keys + detail::value_offset(Format::q8_0, head_dim, r, from + d), k + 2 + d, 4);
    std::memcpy(value_levels + from, v + 2, to_size(n));
  }
}

}  // namespace prepare

/// Writes one sequence's keys and values [tokens, kv_heads x head_dim] into their places from `position` on; keys and values are the
/// cache's. It runs on the calling thread: several may write pieces of a sequence at once, best such as begin at multiples of 16. In Q8_0
/// a block in which a number is not finite is NaN throughout.
inline void append_keys_values(Context& context, const AttentionShape& shape, View key, View value, Index position, std::byte* keys, std::byte* values) noexcept {
  const Index n = shape.head_dim;
  if (shape.format != Format::q8_0)
    return report(context, TFM_ON(context.isa, append_rows({key.data, value.data, key.cols, keys, values, shape.key_head_bytes, shape.value_head_bytes,
                                                            shape.format, shape.kv_heads, n, position}, key.rows)));
  for (Index t = 0; t < key.rows; ++t) {
    const Index panel = (position + t) / 16, r = (position + t) % 16;
    for (Index h = 0; h < shape.kv_heads; ++h)
      prepare::append_q8_0(n, shape.value_row(), key.row(t) + h * n, value.row(t) + h * n, r,
                           keys + h * shape.key_head_bytes + panel * key_panel_bytes(shape.format, n),
                           values + h * shape.value_head_bytes + panel * value_panel_bytes(shape.format, n));
  }
}

}  // namespace tfm::inline TFM_ABI::kernels
