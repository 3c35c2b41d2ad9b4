#pragma once
// LlamaAttention: causal self-attention with rotary positions or none, grouped queries, biases, norms of q and k, a window,
// capped scores, and a cache.
#include <algorithm>
#include <cmath>
#include <span>

#include "tfm/kernels/attention_rows.hpp"
#include "tfm/kernels/elementwise.hpp"
#include "tfm/layers/biased_linear.hpp"
#include "tfm/layers/decoder_options.hpp"
#include "tfm/layers/kv_cache.hpp"
#include "tfm/layers/rms_norm.hpp"

namespace tfm::inline TFM_ABI {

/// x, y [tokens, dim]. P names the four projections' types.
template <class P>
struct LlamaAttention {
  typename P::q_proj q_proj;
  typename P::k_proj k_proj;
  typename P::v_proj v_proj;
  typename P::o_proj o_proj;
  RmsNorm q_norm, k_norm;  ///< of each head, or of all together, before they are turned; without a weight: none
  float eps = 1e-5f;       ///< of these norms
  float scale = 0;         ///< of scores; 0: 1 / sqrt(head size)
  float cap = 0;           ///< scores are cap tanh(score / cap); 0: as they are
  Index window = 0;        ///< positions that a token sees, its own among them; 0: all before it
  bool turns = true;       ///< q and k have rotary positions
  Index head_dim = 0;      ///< 0: the angles are those of whole heads

  /// Before the weights are there.
  void set_sizes(Index dim, Index heads, Index kv_heads, Index head_size, const DecoderOptions& options = {}) noexcept {
    head_dim = head_size;
    q_proj.set_size(heads * head_dim, dim, heads);
    k_proj.set_size(kv_heads * head_dim, dim, kv_heads);
    v_proj.set_size(kv_heads * head_dim, dim);
    o_proj.set_size(dim, heads * head_dim);
    set_bias(q_proj, options.qkv_bias), set_bias(k_proj, options.qkv_bias), set_bias(v_proj, options.qkv_bias);
    set_bias(o_proj, options.o_bias);
    const bool whole = options.qk_norm == QkNorm::whole;
    if (options.qk_norm != QkNorm::none) q_norm.dim = whole ? heads * head_dim : head_dim, k_norm.dim = whole ? kv_heads * head_dim : head_dim;
    scale = options.attention_scale, cap = options.attention_cap;
  }

  static constexpr Index scratch_bytes(Index tokens, Index sequences, Index dim, Index heads, Index kv_heads, Index head_size, Index rank, Index threads,
                                       Format cache, Index positions) noexcept {
    const Index inner = std::max({kernels::attention_scratch_bytes(cache, heads, kv_heads, head_size, sequences, positions, threads), projection_scratch_bytes(tokens, dim, rank, threads, 3),
                                  projection_scratch_bytes(tokens, heads * head_size, rank, threads)});
    return 2 * Arena::bytes_for(tokens * heads * head_size) + 2 * Arena::bytes_for(tokens * kv_heads * head_size) +
           Arena::bytes_for(sequences, sizeof(kernels::AttentionSequence)) + inner;
  }

  /// Appends the batch's keys and values at layer `layer` of the cache, each sequence at its position, and attends to all
  /// up to each token's own, or the window that ends there. cosine, sine [tokens, turned values of a head / 2]. `weights`: or null; [sequence] pointers to [heads, tokens, position + tokens].
  void forward(Context& context, const Batch& batch, Index layer, KvCache& cache, View cosine, View sine, View x, MutableView y,
               float* const* weights = nullptr) const noexcept {
    const Arena::Frame frame(context.scratch);
    const CacheShape& sizes = cache.shape();
    const Index head_size = sizes.head_dim, q_width = q_proj.base_weight().rows(), kv_width = sizes.kv_heads * head_size;
    const MutableView q = context.scratch.matrix(x.rows, q_width), out = context.scratch.matrix(x.rows, q_width);
    const MutableView k = context.scratch.matrix(x.rows, kv_width), v = context.scratch.matrix(x.rows, kv_width);
    // Half of all that int8 activations cost a model's perplexity comes of the values: docs/decisions/0007-digits.md.
    forward_together(context, batch, x, Output{q_proj, q}, Output{k_proj, k}, Output{v_proj, v, nullptr, Digits::two});
    if (q_norm.there()) q_norm.forward(context, norm_rows(q, q_norm), eps, norm_rows(q, q_norm)), k_norm.forward(context, norm_rows(k, k_norm), eps, norm_rows(k, k_norm));
    if (turns) kernels::rotate(context, q, cosine, sine, 1, head_size), kernels::rotate(context, k, cosine, sine, 1, head_size);

    const kernels::AttentionShape shape{q_width / head_size, sizes.kv_heads, head_size, sizes.format, sizes.key_head_bytes(), sizes.value_head_bytes(),
                                        score_scale(head_size), cap, window};
    auto* const sequences = context.scratch.template take<kernels::AttentionSequence>(batch.sequences());
    for (Index s = 0; s < batch.sequences(); ++s) {
      const Index first = batch.first(s), n = batch.length(s), slot = batch.slot_of(s), position = batch.position_of(s);
      std::byte *const keys = cache.keys(layer, slot), *const values = cache.values(layer, slot);
      const Index before = position % 16;  // of the cache's panel in which the tokens begin; a chunk is a panel
      context.run(ceil_div(before + n, 16), [&](Index chunk, int) {
        const Index t = std::max<Index>(0, 16 * chunk - before), count = std::min(n, 16 * (chunk + 1) - before) - t;
        kernels::append_keys_values(context, shape, k.slice(first + t, count), v.slice(first + t, count), position + t, keys, values);
      });
      sequences[s] = {q.slice(first, n), out.slice(first, n), keys, values, position, weights != nullptr ? weights[s] : nullptr};
    }
    kernels::attention(context, shape, {sequences, to_size(batch.sequences())});
    o_proj.forward(context, batch, out, y);
  }

  struct Saved {
    typename P::q_proj::Saved q_proj;
    typename P::k_proj::Saved k_proj;
    typename P::v_proj::Saved v_proj;
    typename P::o_proj::Saved o_proj;
    MutableView q, k, v, out;  ///< [tokens, heads x head_dim], q and k normalised and turned
    RmsNorm::Saved q_norm, k_norm;
    float* softmax = nullptr;  ///< [tokens, heads, 2] of each sequence
  };

  /// Without a cache, for training: each sequence sees itself alone. Padding before
  /// a sequence's first token neither sees nor is seen: its attention is 0, as in transformers.
  void forward(Context& context, const Batch& batch, View cosine, View sine, View x, MutableView y, Saved& saved) const noexcept {
    const Arena::Frame frame(context.scratch);
    const Index q_width = q_proj.base_weight().rows(), kv_width = k_proj.base_weight().rows();
    saved.q = context.kept.matrix(x.rows, q_width), saved.out = context.kept.matrix(x.rows, q_width);
    saved.k = context.kept.matrix(x.rows, kv_width), saved.v = context.kept.matrix(x.rows, kv_width);
    saved.softmax = context.kept.template take<float>(2 * x.rows * rows_shape(cosine).heads);
    const bool normed = q_norm.there();
    const MutableView q = normed ? context.kept.matrix(x.rows, q_width) : saved.q, k = normed ? context.kept.matrix(x.rows, kv_width) : saved.k;
    forward_together(context, batch, x, Output{q_proj, q, &saved.q_proj}, Output{k_proj, k, &saved.k_proj},
                     Output{v_proj, saved.v, &saved.v_proj, Digits::two});
    if (normed) {
      q_norm.forward(context, norm_rows(q, q_norm), eps, norm_rows(saved.q, q_norm), &saved.q_norm);
      k_norm.forward(context, norm_rows(k, k_norm), eps, norm_rows(saved.k, k_norm), &saved.k_norm);
    }
    if (turns) kernels::rotate(context, saved.q, cosine, sine, 1, head_dim), kernels::rotate(context, saved.k, cosine, sine, 1, head_dim);
    for (Index s = 0; s < batch.sequences(); ++s) kernels::fill(context, saved.out.slice(batch.first(s), batch.padding(s)), 0);
    kernels::attention_rows(context, rows_shape(cosine), {rows_of(context, batch, saved, cosine), to_size(batch.sequences())});
    o_proj.forward(context, batch, saved.out, y, &saved.o_proj);
  }

  /// dx += …
  void backward(Context& context, const Batch& batch, View cosine, View sine, View dy, const Saved& saved, MutableView dx,
                const Gradients& gradients) const noexcept {
    const Arena::Frame frame(context.scratch);
    const auto like = [&](View v) {
      const MutableView zeros = context.scratch.matrix(v.rows, v.cols);
      kernels::fill(context, zeros, 0);
      return zeros;
    };
    const MutableView dout = like(saved.out), dq = like(saved.q), dk = like(saved.k), dv = like(saved.v);
    o_proj.backward(context, batch, dy, saved.o_proj, dout, gradients);
    const auto sequences = to_size(batch.sequences());
    auto* const changes = context.scratch.template take<kernels::RowsGradient>(batch.sequences());
    for (Index s = 0; s < batch.sequences(); ++s) {
      const Index padding = batch.padding(s), first = batch.first(s) + padding, n = batch.length(s) - padding;
      changes[s] = {dout.slice(first, n), dq.slice(first, n), dk.slice(first, n), dv.slice(first, n)};
    }
    kernels::attention_rows_backward(context, rows_shape(cosine), {rows_of(context, batch, saved, cosine), sequences}, {changes, sequences});
    if (turns) kernels::rotate(context, dq, cosine, sine, -1, head_dim), kernels::rotate(context, dk, cosine, sine, -1, head_dim);
    q_proj.backward(context, batch, before_norm(context, q_norm, dq, saved.q_norm, gradients), saved.q_proj, dx, gradients);
    k_proj.backward(context, batch, before_norm(context, k_norm, dk, saved.k_norm, gradients), saved.k_proj, dx, gradients);
    v_proj.backward(context, batch, dv, saved.v_proj, dx, gradients);
  }

  void visit(auto&& f) { visit_parts(*this, f); }
  void visit(auto&& f) const { visit_parts(*this, f); }

 private:
  kernels::RowsShape rows_shape(View angles) const noexcept {
    const Index head_size = head_dim != 0 ? head_dim : 2 * angles.cols;
    return {q_proj.base_weight().rows() / head_size, k_proj.base_weight().rows() / head_size, head_size, score_scale(head_size), cap, window};
  }
  float score_scale(Index head_size) const noexcept { return scale != 0 ? scale : 1.f / std::sqrt(static_cast<float>(head_size)); }
  // q or k as the rows that its norm is over: heads, or tokens.
  static MutableView norm_rows(MutableView x, const RmsNorm& norm) noexcept { return {x.data, x.size() / norm.weight.cols(), norm.weight.cols()}; }
  // From the gradient of what the norm gave to that of what it was given, in scratch.
  static View before_norm(Context& context, const RmsNorm& norm, MutableView d, const RmsNorm::Saved& saved, const Gradients& gradients) noexcept {
    if (!norm.there()) return d;
    const MutableView before = context.scratch.matrix(d.rows, d.cols);
    kernels::fill(context, before, 0);
    norm.backward(context, norm_rows(d, norm), saved, norm_rows(before, norm), gradients);
    return before;
  }
  const kernels::RowsSequence* rows_of(Context& context, const Batch& batch, const Saved& saved, View angles) const {
    const Index heads = rows_shape(angles).heads;
    auto* const sequences = context.scratch.take<kernels::RowsSequence>(batch.sequences());
    for (Index s = 0; s < batch.sequences(); ++s) {
      const Index padding = batch.padding(s), first = batch.first(s) + padding, n = batch.length(s) - padding;
      sequences[s] = {.q = saved.q.slice(first, n), .k = saved.k.slice(first, n), .v = saved.v.slice(first, n), .out = saved.out.slice(first, n),
                      .softmax = saved.softmax + 2 * heads * first};
    }
    return sequences;
  }

  static void visit_parts(auto& self, auto& f) {
    f("q_proj", self.q_proj);
    f("k_proj", self.k_proj);
    f("v_proj", self.v_proj);
    f("o_proj", self.o_proj);
    if (self.q_norm.there()) f("q_norm", self.q_norm), f("k_norm", self.k_norm);
  }
};

}  // namespace tfm::inline TFM_ABI
