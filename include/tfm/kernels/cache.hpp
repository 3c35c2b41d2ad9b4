#pragma once
// Keys and values into their places in a cache, whose layout kernels/attention.hpp describes.
#include "tfm/kernels/attention.hpp"

namespace tfm::inline TFM_ABI::kernels {

/// Writes one sequence's keys and values [tokens, kv_heads x head_dim] into their places from `position` on; keys and values are the
/// cache's. It runs on the calling thread: several may write pieces of a sequence at once, best such as begin at multiples of 16. In Q8_0
/// a block in which a number is not finite is NaN throughout.
inline void append_keys_values(Context& context, const AttentionShape& shape, View key, View value, Index position, std::byte* keys, std::byte* values) noexcept {
  table(context).append_rows(context, {key.data, value.data, key.cols, keys, values, shape.key_head_bytes, shape.value_head_bytes, shape.format,
                                       shape.kv_heads, shape.head_dim, position}, key.rows);
}

}  // namespace tfm::inline TFM_ABI::kernels
