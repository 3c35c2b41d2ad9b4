#pragma once
// The plain loop that filling a cache of F32 or F16 equals, to the last bit.
#include "tfm/kernels/cache.hpp"

namespace tfm::inline TFM_ABI::kernels::plain {

/// kernels::append_keys_values() for one token: key, value [kv_heads x head_dim]. What fills a row of values up is 0.
inline void append_key_value(const AttentionShape& shape, const float* key, const float* value, Index position, std::byte* keys, std::byte* values) noexcept {
  const Index n = shape.head_dim, panel = position / 16, r = position % 16;
  const auto put = [&](std::byte* to, Index at, float number) {
    if (shape.format == Format::f16) tfm::detail::write_u16(to + 2 * at, f16_from_f32(number));
    else std::memcpy(to + 4 * at, &number, 4);
  };
  for (Index h = 0; h < shape.kv_heads; ++h) {
    std::byte* const key_panel = keys + h * shape.key_head_bytes + panel * key_panel_bytes(shape.format, n);
    std::byte* const value_panel = values + h * shape.value_head_bytes + panel * value_panel_bytes(shape.format, n);
    for (Index d = 0; d < n; ++d) put(key_panel, 16 * d + r, key[h * n + d]);
    for (Index d = 0; d < shape.value_row(); ++d) put(value_panel, r * shape.value_row() + d, d < n ? value[h * n + d] : 0.f);
  }
}

}  // namespace tfm::inline TFM_ABI::kernels::plain
