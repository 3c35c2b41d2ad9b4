#pragma once
// Attention over plain rows of keys and values, and its gradient: what training and encoders use. Causal, or with a number of
// visible keys for each query, or the last keys of these alone; dropout on the weights; no tokens x tokens matrix.
#include <span>

#include "tfm/kernels/dispatch.hpp"

namespace tfm::inline TFM_ABI::kernels {

/// Sizes that all sequences of a call share.
struct RowsShape {
  Index heads{}, kv_heads{}, head_dim{};
  float scale = 1;
  float cap = 0;     ///< as in AttentionShape
  Index window = 0;  ///< likewise; of causal sequences

  constexpr Index group() const noexcept { return heads / kv_heads; }
};

/// One sequence: q, out [tokens, heads x head_dim]; k, v [keys, kv_heads x head_dim].
struct RowsSequence {
  View q, k, v;
  MutableView out;
  const Index* visible{};       ///< [tokens]: how many keys each query sees, -1 for all alike (d2l's row without a valid key); null: causal
  float* softmax{};             ///< or null: [heads, tokens, 2], what backward needs
  std::uint64_t dropout_key{};
  float dropout = 0;            ///< rate; which weights is a function of the key, head, query and key alone
  float* weights{};             ///< or null: [heads, tokens, keys], before dropout
};

/// The gradient's side of it: dq += …, dk += …, dv += …
struct RowsGradient {
  View dout;
  MutableView dq, dk, dv;
};

namespace prepare {

inline AttentionHead head_of(const RowsShape& shape, const RowsSequence& s, Index kv_head) noexcept {
  const Index group = shape.group(), head = kv_head * group, tokens = s.q.rows, keys = s.k.rows;
  return {.keys = nullptr, .values = nullptr, .format = Format::f32, .head_dim = shape.head_dim, .value_row = round_up(shape.head_dim, 16),
          .q = s.q.data + head * shape.head_dim, .q_row = s.q.cols, .out = s.out.data + head * shape.head_dim, .out_row = s.out.cols,
          .group = group, .position = 0, .window = shape.window, .scale = shape.scale, .cap = shape.cap,
          .weights = s.weights == nullptr ? nullptr : s.weights + head * tokens * keys, .weights_tokens = tokens, .weights_row = keys,
          .visible = s.visible, .key_count = keys, .softmax = s.softmax == nullptr ? nullptr : s.softmax + 2 * head * tokens,
          .dropout_key = s.dropout_key, .dropout = s.dropout, .first_head = head};
}
inline Index most_keys(std::span<const RowsSequence> sequences) noexcept {
  Index most = 0;
  for (const auto& s : sequences) most = std::max(most, s.k.rows);
  return most;
}

// Runs body(sequence, kv_head, worker), a few of them a chunk where they are short.
template <class Body>
inline void by_heads(Context& context, const RowsShape& shape, std::span<const RowsSequence> sequences, Body body) {
  const Index heads = static_cast<Index>(sequences.size()) * shape.kv_heads;
  Index work = 0;
  for (const auto& s : sequences) work += s.q.rows * (s.k.rows * shape.head_dim * 2 + 512);  // softmax and packing are half of short ones
  const Index each = chunk_items(context, heads, shape.group() * work / std::max<Index>(static_cast<Index>(sequences.size()), 1), 1);
  context.run(ceil_div(heads, each), [&](Index chunk, int worker) {
    for (Index i = chunk * each; i < std::min(heads, (chunk + 1) * each); ++i) body(to_size(i / shape.kv_heads), i % shape.kv_heads, worker);
  });
}

}  // namespace prepare

/// out = softmax(q kᵀ scale) v for every sequence and head.    Vaswani et al. 2017, equation 1
inline void attention_rows(Context& context, const RowsShape& shape, std::span<const RowsSequence> sequences) noexcept {
  const Arena::Frame frame(context.scratch);
  const Index floats = attention_rows_floats(shape.head_dim, prepare::most_keys(sequences));
  float* const scratch = context.scratch.take<float>(context.threads->count() * floats);
  for (const auto& s : sequences)
    if (s.weights != nullptr) fill(context, {s.weights, shape.heads * s.q.rows, s.k.rows}, 0);
  prepare::by_heads(context, shape, sequences, [&](std::size_t i, Index kv_head, int worker) {
    const RowsSequence& s = sequences[i];
    const Index at = kv_head * shape.head_dim;
    const AttentionHead head = prepare::head_of(shape, s, kv_head);
    table(context).attention_rows(context, head, s.q.rows, s.k.data + at, s.v.data + at, s.k.cols, scratch + worker * floats);
  });
}

/// Adds the gradients of attention_rows, whose out and softmax are those of the forward call.
inline void attention_rows_backward(Context& context, const RowsShape& shape, std::span<const RowsSequence> sequences,
                                    std::span<const RowsGradient> gradients) noexcept {
  const Arena::Frame frame(context.scratch);
  const Index floats = attention_backward_floats(shape.head_dim, prepare::most_keys(sequences));
  float* const scratch = context.scratch.take<float>(context.threads->count() * floats);
  prepare::by_heads(context, shape, sequences, [&](std::size_t i, Index kv_head, int worker) {
    const RowsSequence& s = sequences[i];
    const RowsGradient& g = gradients[i];
    const Index q_at = kv_head * shape.group() * shape.head_dim, kv_at = kv_head * shape.head_dim;
    const AttentionBackward task{prepare::head_of(shape, s, kv_head), s.q.rows, s.k.data + kv_at, s.v.data + kv_at, s.k.cols,
                                 g.dout.data + q_at, g.dq.data + q_at, g.dk.data + kv_at, g.dv.data + kv_at};
    training_table(context).attention_backward(context, task, scratch + worker * floats);
  });
}

}  // namespace tfm::inline TFM_ABI::kernels
