#pragma once
// Attention over cached keys and values: grouped queries, causal; no tokens x tokens matrix.
// softmax(q kᵀ scale) v    Vaswani et al. 2017, equation 1; grouped queries: Ainslie et al. 2023
#include <span>

#include "tfm/kernels/dispatch.hpp"

namespace tfm::inline TFM_ABI::kernels {

/// Sizes that all sequences of a call share, and the layout of keys and values: per key/value head
/// keys [position / 16][head_dim][16] and values [position][value_row], in F32 or F16.
struct AttentionShape {
  Index heads{}, kv_heads{}, head_dim{};
  Format format = Format::f32;
  Index key_head_bytes{}, value_head_bytes{};  ///< from one key/value head to the next
  float scale = 1;

  constexpr Index value_row() const noexcept { return round_up(head_dim, 16); }
};

/// One sequence: q, out [tokens, heads x head_dim]; token t stands at position + t and sees all keys up to its own.
struct AttentionSequence {
  View q;
  MutableView out;
  const std::byte *keys{}, *values{};
  Index position{};
  float* weights{};  ///< or null: [heads, tokens, position + tokens], what each query gives to each key
};

constexpr Index attention_scratch_bytes(Index head_dim, Index threads) noexcept {
  return Arena::bytes_for(threads * attention_floats(head_dim));
}

/// out = softmax(q kᵀ scale) v for every sequence, in one parallel region.
inline void attention(Context& context, const AttentionShape& shape, std::span<const AttentionSequence> sequences) noexcept {
  const Arena::Frame frame(context.scratch);
  const Index group = shape.heads / shape.kv_heads, head_dim = shape.head_dim, value_row = shape.value_row();
  const Index floats = attention_floats(head_dim);
  float* const scratch = context.scratch.take<float>(context.threads->count() * floats);
  constexpr Index each = 16;  // tokens of a chunk
  Index chunks = 0;
  for (const auto& s : sequences) {
    chunks += ceil_div(s.q.rows, each) * shape.kv_heads;
    if (s.weights != nullptr) fill({s.weights, shape.heads * s.q.rows, s.position + s.q.rows}, 0);
  }
  context.run(chunks, [&](Index chunk, int worker) {
    const AttentionSequence* s = sequences.data();
    for (; chunk >= ceil_div(s->q.rows, each) * shape.kv_heads; ++s) chunk -= ceil_div(s->q.rows, each) * shape.kv_heads;
    const Index kv_head = chunk % shape.kv_heads, first = chunk / shape.kv_heads * each, head = kv_head * group;
    const Index tokens = s->q.rows, all = s->position + tokens;
    float* const weights = s->weights == nullptr ? nullptr : s->weights + head * tokens * all;
    float* const own = scratch + worker * floats;
    report(context, TFM_ON(context.isa, attention_chunk({s->keys + kv_head * shape.key_head_bytes, s->values + kv_head * shape.value_head_bytes,
                                                         shape.format == Format::f16, head_dim, value_row, s->q.data + head * head_dim, s->q.cols,
                                                         s->out.data + head * head_dim, s->out.cols, group, s->position, shape.scale, weights, tokens, all},
                                                        first, std::min(each, tokens - first), own)));
  });
}

/// Writes one token's keys and values [kv_heads x head_dim] into their places for `position`.
inline void append_key_value(const AttentionShape& shape, const float* key, const float* value, Index position, std::byte* keys, std::byte* values) noexcept {
  const Index n = shape.head_dim, key_at = position / 16 * n * 16 + position % 16, value_at = position * shape.value_row();
  for (Index h = 0; h < shape.kv_heads; ++h, key += n, value += n) {
    std::byte* const k = keys + h * shape.key_head_bytes;
    std::byte* const v = values + h * shape.value_head_bytes;
    if (shape.format == Format::f16) {
      for (Index d = 0; d < n; ++d) detail::write_u16(k + 2 * (key_at + 16 * d), f16_from_f32(key[d]));
      for (Index d = 0; d < n; ++d) detail::write_u16(v + 2 * (value_at + d), f16_from_f32(value[d]));
    } else {
      for (Index d = 0; d < n; ++d) std::memcpy(k + 4 * (key_at + 16 * d), key + d, 4);
      std::memcpy(v + 4 * value_at, value, to_size(4 * n));
    }
  }
}

}  // namespace tfm::inline TFM_ABI::kernels
