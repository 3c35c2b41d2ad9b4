#pragma once
// Attention over cached keys and values: grouped queries, causal; no tokens x tokens matrix.
// softmax(q kᵀ scale) v    Vaswani et al. 2017, equation 1; grouped queries: Ainslie et al. 2023; windows: Beltagy et al. 2020, arXiv:2004.05150
#include <algorithm>
#include <span>

#include "tfm/kernels/dispatch.hpp"

namespace tfm::inline TFM_ABI::kernels {

/// Sizes that all sequences of a call share, and the layout of keys and values, per key/value head:
///
///   F32, F16  keys [position / 16][head_dim][16], values [position][value_row]
///   Q8_0      of every sixteen positions, for keys and for values: [block][16 scales f16], padded to a multiple of 64 bytes, then int8
///             keys [head_dim / 4, rounded up][16][4] and values [16][value_row]
///
/// So keys are a weight's panels (numeric/panels.hpp) whose rows are positions. A block is 32 numbers of a head, the last one of fewer
/// where head_dim is no multiple of 32. What stands behind the last position of a panel nobody looks at.
struct AttentionShape {
  Index heads{}, kv_heads{}, head_dim{};
  Format format = Format::f32;  ///< F32, F16 or Q8_0
  Index key_head_bytes{}, value_head_bytes{};  ///< from one key/value head to the next
  float scale = 1;
  float cap = 0;     ///< 0, or scores are cap tanh(score / cap)    Gemma team 2024, arXiv:2408.00118
  Index window = 0;  ///< keys that a token sees at most, its own among them; 0: all before it

  constexpr Index value_row() const noexcept { return round_up(head_dim, 16); }
};

/// One sequence: q, out [tokens, heads x head_dim]; token t stands at position + t and sees all keys up to its own, or the last of
/// them.
struct AttentionSequence {
  View q;
  MutableView out;
  const std::byte *keys{}, *values{};
  Index position{};
  float* weights{};  ///< or null: [heads, tokens, position + tokens], what each query gives to each key
};

namespace prepare {

// The first piece of keys that a token at `position` sees, and how many it sees something of.
constexpr Index first_piece(Index position, Index window) noexcept { return window == 0 || position < window ? 0 : (position + 1 - window) / piece_keys; }
constexpr Index count_pieces(Index position, Index window) noexcept { return position / piece_keys + 1 - first_piece(position, window); }
// Where a call has fewer heads than threads could share evenly, one token's pieces of keys are handed out, too.
constexpr bool shares_pieces(Index heads_of_all, Index threads) noexcept { return threads > 1 && heads_of_all < 8 * threads; }

}  // namespace prepare

/// Bytes of scratch that attention() takes at most over `sequences` sequences of `context` positions.
constexpr Index attention_scratch_bytes(Format format, Index heads, Index kv_heads, Index head_dim, Index sequences, Index context, Index threads) noexcept {
  const Index most = std::min(sequences, prepare::shares_pieces(kv_heads, threads) ? ceil_div(8 * threads, kv_heads) : 0);
  return Arena::bytes_for(threads * attention_floats(format, head_dim)) + Arena::bytes_for(most * heads * ceil_div(context, piece_keys) * part_floats(head_dim));
}

/// out = softmax(q kᵀ scale) v for every sequence, in one parallel region; or in two, where pieces of a sequence's keys are shared out.
inline void attention(Context& context, const AttentionShape& shape, std::span<const AttentionSequence> sequences) noexcept {
  const Arena::Frame frame(context.scratch);
  const Index group = shape.heads / shape.kv_heads, head_dim = shape.head_dim, threads = context.threads->count();
  const Index heads_of_all = static_cast<Index>(sequences.size()) * shape.kv_heads, floats = attention_floats(shape.format, head_dim);
  float* const scratch = context.scratch.take<float>(threads * floats);
  constexpr Index each = 16;  // tokens of a chunk
  const bool shares = prepare::shares_pieces(heads_of_all, threads);
  const auto pieces_of = [&](const AttentionSequence& s) { return shares && s.q.rows == 1 && s.weights == nullptr ? prepare::count_pieces(s.position, shape.window) : 1; };
  Index all_pieces = 0;
  for (const auto& s : sequences) {
    all_pieces += pieces_of(s);
    if (s.weights != nullptr) fill(context, {s.weights, shape.heads * s.q.rows, s.position + s.q.rows}, 0);
  }
  const bool joins = all_pieces > static_cast<Index>(sequences.size());
  const Index in_a_chunk = std::max<Index>(1, all_pieces * shape.kv_heads / (8 * threads)), part = group * part_floats(head_dim);
  float* const parts = context.scratch.take<float>(joins ? all_pieces * shape.kv_heads * part : 0);

  const auto head_of = [&](const AttentionSequence& s, Index kv_head) {
    const Index tokens = s.q.rows, all = s.position + tokens, head = kv_head * group;
    return AttentionHead{s.keys + kv_head * shape.key_head_bytes, s.values + kv_head * shape.value_head_bytes, shape.format, head_dim, shape.value_row(),
                         s.q.data + head * head_dim, s.q.cols, s.out.data + head * head_dim, s.out.cols, group, s.position, shape.window, shape.scale, shape.cap,
                         s.weights == nullptr ? nullptr : s.weights + head * tokens * all, tokens, all};
  };
  const auto chunks_of = [&](const AttentionSequence& s) { return (pieces_of(s) > 1 ? ceil_div(pieces_of(s), in_a_chunk) : ceil_div(s.q.rows, each)) * shape.kv_heads; };
  Index chunks = 0;
  for (const auto& s : sequences) chunks += chunks_of(s);
  context.run(chunks, [&](Index chunk, int worker) {
    const AttentionSequence* s = sequences.data();
    float *own = scratch + worker * floats, *known = parts;
    for (; chunk >= chunks_of(*s); ++s) chunk -= chunks_of(*s), known += pieces_of(*s) * shape.kv_heads * part;
    const Index kv_head = chunk % shape.kv_heads, nth = chunk / shape.kv_heads, pieces = pieces_of(*s);
    const AttentionHead head = head_of(*s, kv_head);
    if (pieces > 1) {
      const Index first = nth * in_a_chunk, count = std::min(in_a_chunk, pieces - first);
      table(context).attention_pieces(context, head, first, count, known + kv_head * pieces * part, own);
    } else {
      table(context).attention_chunk(context, head, nth * each, std::min(each, s->q.rows - nth * each), own);
    }
  });
  if (!joins) return;
  context.run(heads_of_all, [&](Index i, int) {
    const AttentionSequence* s = sequences.data();
    float* known = parts;
    for (; i >= shape.kv_heads; ++s) i -= shape.kv_heads, known += pieces_of(*s) * shape.kv_heads * part;
    const Index pieces = pieces_of(*s);
    if (pieces > 1) table(context).attention_joined(context, head_of(*s, i), pieces, known + i * pieces * part);
  });
}

}  // namespace tfm::inline TFM_ABI::kernels
