#pragma once
// MultiHeadAttention: queries attend to keys and values of other sizes, from the same sequence or another.
// Vaswani et al. 2017, section 3.2.2
#include <algorithm>
#include <cmath>
#include <span>
#include <string>

#include "tfm/core/error.hpp"
#include "tfm/kernels/attention_rows.hpp"
#include "tfm/layers/biased_linear.hpp"
#include "tfm/layers/dropout.hpp"
#include "tfm/layers/kv_cache.hpp"
#include "tfm/layers/saved.hpp"

namespace tfm::inline TFM_ABI {

/// Which keys a query sees. Without anything: all of its sequence that are valid in the keys' Batch.
struct AttentionMask {
  /// Those up to its own place; for queries and keys of one Batch.
  bool causal = false;
  /// [sequences] or [tokens of the queries]: the first so many, in place of Batch::valid; 0: none is valid.
  std::span<const Index> valid_lens{};
};

/// Numbers of features.
struct AttentionSizes {
  Index queries{}, keys{}, values{}, hidden{}, heads{};
  bool bias = false;
};

/// y = W_o concat(softmax(q kᵀ / sqrt(head size)) v) with q = W_q queries, k = W_k keys, v = W_v values, head by head.
/// A query without a valid key attends to all keys alike, as d2l's. P names the projections' types (q_proj, k_proj,
/// v_proj, o_proj).
template <class P>
struct MultiHeadAttention {
  BiasedLinear<typename P::q_proj> W_q;
  BiasedLinear<typename P::k_proj> W_k;
  BiasedLinear<typename P::v_proj> W_v;
  BiasedLinear<typename P::o_proj> W_o;
  Index heads = 1;
  Dropout dropout;  ///< of the attention weights

  MultiHeadAttention() = default;
  /// Errors: ShapeError if `heads` does not divide `hidden`.
  explicit MultiHeadAttention(const AttentionSizes& sizes, float rate = 0)
      : W_q(sizes.queries, sizes.hidden, sizes.bias), W_k(sizes.keys, sizes.hidden, sizes.bias),
        W_v(sizes.values, sizes.hidden, sizes.bias), W_o(sizes.hidden, sizes.hidden, sizes.bias),
        heads(sizes.heads), dropout{rate} {
    if (heads < 1 || sizes.hidden % heads != 0)
      raise(ShapeError("tfm: attention's width must be a multiple of its heads, found " + std::to_string(sizes.hidden) +
                       " and " + std::to_string(heads)));
  }

  struct Saved {
    typename P::q_proj::Saved W_q;
    typename P::k_proj::Saved W_k;
    typename P::v_proj::Saved W_v;
    typename P::o_proj::Saved W_o;
    MutableView q, k, v, out;        ///< [tokens, hidden]
    const Index* visible = nullptr;  ///< [tokens], or null: causal
    float* softmax = nullptr;        ///< [tokens, heads, 2] of each sequence
  };

  /// queries [tokens, query size], y [tokens, hidden]; keys, values [tokens of keys_of, ..]: sequence s of one Batch
  /// attends to sequence s of the other. For self-attention give the same view three times: one product then makes q, k
  /// and v. `weights`: or null; [sequence] pointers to [heads, queries, keys], before dropout.
  void forward(Context& context, const Batch& queries_of, const Batch& keys_of, const AttentionMask& mask, View queries,
               View keys, View values, MutableView y, Saved* saved = nullptr,
               float* const* weights = nullptr) const noexcept {
    const Arena::Frame frame(context.scratch);
    Arena& home = saved != nullptr ? context.kept : context.scratch;
    const Index hidden = W_q.base_weight().rows();
    Saved unsaved;
    Saved& rows = saved != nullptr ? *saved : unsaved;
    rows.q = home.matrix(queries.rows, hidden), rows.out = home.matrix(queries.rows, hidden);
    rows.k = home.matrix(keys.rows, hidden), rows.v = home.matrix(keys.rows, hidden);
    rows.visible = visible_keys(home, queries_of, keys_of, mask);
    if (saved != nullptr) rows.softmax = home.template take<float>(2 * heads * queries.rows);

    const Output q{W_q, rows.q, part(saved, &Saved::W_q)};
    const Output k{W_k, rows.k, part(saved, &Saved::W_k)};
    const Output v{W_v, rows.v, part(saved, &Saved::W_v)};
    if (queries.data == keys.data && keys.data == values.data) {
      forward_together(context, queries_of, queries, q, k, v);
    } else if (keys.data == values.data) {
      forward_together(context, queries_of, queries, q);
      forward_together(context, keys_of, keys, k, v);
    } else {
      forward_together(context, queries_of, queries, q);
      forward_together(context, keys_of, keys, k);
      forward_together(context, keys_of, values, v);
    }
    const kernels::RowsSequence* const sequences = rows_of(context, queries_of, keys_of, rows, weights);
    kernels::attention_rows(context, rows_shape(hidden), {sequences, to_size(queries_of.sequences())});
    W_o.forward(context, queries_of, rows.out, y, part(saved, &Saved::W_o));
  }

  /// dqueries, dkeys, dvalues += …; they may be the same.
  void backward(Context& context, const Batch& queries_of, const Batch& keys_of, View dy, const Saved& saved,
                MutableView dqueries, MutableView dkeys, MutableView dvalues,
                const Gradients& gradients) const noexcept {
    const Arena::Frame frame(context.scratch);
    const Index hidden = saved.q.cols;
    const MutableView dout = context.scratch.matrix(saved.q.rows, hidden),
                      dq = context.scratch.matrix(saved.q.rows, hidden);
    const MutableView dk = context.scratch.matrix(saved.k.rows, hidden),
                      dv = context.scratch.matrix(saved.k.rows, hidden);
    for (const MutableView d : {dout, dq, dk, dv}) kernels::fill(context, d, 0);
    W_o.backward(context, queries_of, dy, saved.W_o, dout, gradients);

    const kernels::RowsSequence* const sequences = rows_of(context, queries_of, keys_of, saved, nullptr);
    auto* const changes = context.scratch.template take<kernels::RowsGradient>(queries_of.sequences());
    for (Index s = 0; s < queries_of.sequences(); ++s) {
      const Index first = queries_of.first(s), n = queries_of.length(s), key = keys_of.first(s),
                  keys = keys_of.length(s);
      changes[s] = {dout.slice(first, n), dq.slice(first, n), dk.slice(key, keys), dv.slice(key, keys)};
    }
    kernels::attention_rows_backward(context, rows_shape(hidden), {sequences, to_size(queries_of.sequences())},
                                     {changes, to_size(queries_of.sequences())});
    W_q.backward(context, queries_of, dq, saved.W_q, dqueries, gradients);
    W_k.backward(context, keys_of, dk, saved.W_k, dkeys, gradients);
    W_v.backward(context, keys_of, dv, saved.W_v, dvalues, gradients);
  }

  /// Projects keys and values once and puts those that are valid into layer `layer` of the cache, each sequence into
  /// its slot from its position on: what look_up then attends to.
  void remember(Context& context, const Batch& keys_of, View keys, View values, Index layer,
                KvCache& cache) const noexcept {
    const Arena::Frame frame(context.scratch);
    const MutableView k = context.scratch.matrix(keys.rows, W_k.base_weight().rows()),
                      v = context.scratch.matrix(keys.rows, k.cols);
    if (keys.data == values.data) {
      forward_together(context, keys_of, keys, Output{W_k, k}, Output{W_v, v});
    } else {
      forward_together(context, keys_of, keys, Output{W_k, k});
      forward_together(context, keys_of, values, Output{W_v, v});
    }
    append(context, keys_of, k, v, layer, cache);
  }
  /// Queries over a cache: token t of a sequence sees its slot's keys up to position_of(s) + t.
  void look_up(Context& context, const Batch& batch, View queries, Index layer, const KvCache& cache, MutableView y,
               float* const* weights = nullptr) const noexcept {
    const Arena::Frame frame(context.scratch);
    const MutableView q = context.scratch.matrix(queries.rows, W_q.base_weight().rows());
    forward_together(context, batch, queries, Output{W_q, q});
    attend(context, batch, q, layer, cache, y, weights);
  }
  /// Causal self-attention of the tokens that continue each sequence: their keys and values are appended, then looked
  /// up.
  void forward_cached(Context& context, const Batch& batch, View x, Index layer, KvCache& cache, MutableView y,
                      float* const* weights = nullptr) const noexcept {
    const Arena::Frame frame(context.scratch);
    const Index hidden = W_q.base_weight().rows();
    const MutableView q = context.scratch.matrix(x.rows, hidden), k = context.scratch.matrix(x.rows, hidden),
                      v = context.scratch.matrix(x.rows, hidden);
    forward_together(context, batch, x, Output{W_q, q}, Output{W_k, k}, Output{W_v, v});
    append(context, batch, k, v, layer, cache);
    attend(context, batch, q, layer, cache, y, weights);
  }

  void visit(auto&& f) { visit_parts(*this, f); }
  void visit(auto&& f) const { visit_parts(*this, f); }

 private:
  static void visit_parts(auto& self, auto& f) {
    f("dropout", self.dropout);
    f("W_q", self.W_q);
    f("W_k", self.W_k);
    f("W_v", self.W_v);
    f("W_o", self.W_o);
  }

  float scale(Index hidden) const noexcept { return 1.f / std::sqrt(static_cast<float>(hidden / heads)); }
  kernels::RowsShape rows_shape(Index hidden) const noexcept { return {heads, heads, hidden / heads, scale(hidden)}; }

  // How many keys each query sees, in the kernel's words.
  static const Index* visible_keys(Arena& home, const Batch& queries_of, const Batch& keys_of,
                                   const AttentionMask& mask) {
    if (mask.causal && mask.valid_lens.empty()) return nullptr;
    const bool by_query = static_cast<Index>(mask.valid_lens.size()) == queries_of.tokens();
    Index* const visible = home.template take<Index>(queries_of.tokens());
    for (Index s = 0; s < queries_of.sequences(); ++s) {
      const Index all = mask.valid_lens.empty() ? keys_of.valid_length(s) : keys_of.length(s);
      for (Index t = queries_of.first(s); t < queries_of.first(s) + queries_of.length(s); ++t) {
        Index n = all;
        if (!mask.valid_lens.empty()) n = std::min(n, mask.valid_lens[to_size(by_query ? t : s)]);
        if (mask.causal) n = std::min(n, t - queries_of.first(s) + 1);
        visible[t] = n > 0 ? n : -1;
      }
    }
    return visible;
  }

  const kernels::RowsSequence* rows_of(Context& context, const Batch& queries_of, const Batch& keys_of,
                                       const Saved& rows, float* const* weights) const {
    auto* const sequences = context.scratch.take<kernels::RowsSequence>(queries_of.sequences());
    for (Index s = 0; s < queries_of.sequences(); ++s) {
      const Index first = queries_of.first(s), n = queries_of.length(s), key = keys_of.first(s),
                  keys = keys_of.length(s);
      sequences[s] = {.q = rows.q.slice(first, n),
                      .k = rows.k.slice(key, keys),
                      .v = rows.v.slice(key, keys),
                      .out = rows.out.slice(first, n),
                      .visible = rows.visible == nullptr ? nullptr : rows.visible + first,
                      .softmax = rows.softmax == nullptr ? nullptr : rows.softmax + 2 * heads * first,
                      .dropout_key = dropout.key(context, queries_of, s).seed,
                      .dropout = dropout.on(context) ? dropout.rate : 0,
                      .weights = weights != nullptr ? weights[s] : nullptr};
    }
    return sequences;
  }

  kernels::AttentionShape cached_shape(const KvCache& cache) const noexcept {
    const CacheShape& sizes = cache.shape();
    return {heads,
            heads,
            sizes.head_dim,
            sizes.format,
            sizes.key_head_bytes(),
            sizes.value_head_bytes(),
            scale(heads * sizes.head_dim)};
  }
  void append(Context& context, const Batch& batch, View k, View v, Index layer, KvCache& cache) const noexcept {
    const kernels::AttentionShape shape = cached_shape(cache);
    context.run(batch.sequences(), [&](Index s, int) {
      const Index first = batch.first(s), n = batch.valid_length(s), slot = batch.slot_of(s);
      kernels::append_keys_values(context, shape, k.slice(first, n), v.slice(first, n), batch.position_of(s),
                                  cache.keys(layer, slot), cache.values(layer, slot));
    });
  }
  void attend(Context& context, const Batch& batch, View q, Index layer, const KvCache& cache, MutableView y,
              float* const* weights) const noexcept {
    const MutableView out = context.scratch.matrix(q.rows, q.cols);
    auto* const sequences = context.scratch.take<kernels::AttentionSequence>(batch.sequences());
    for (Index s = 0; s < batch.sequences(); ++s) {
      const Index first = batch.first(s), n = batch.length(s), slot = batch.slot_of(s);
      sequences[s] = {q.slice(first, n),         out.slice(first, n),  cache.keys(layer, slot),
                      cache.values(layer, slot), batch.position_of(s), weights != nullptr ? weights[s] : nullptr};
    }
    kernels::attention(context, cached_shape(cache), {sequences, to_size(batch.sequences())});
    W_o.forward(context, batch, out, y);
  }
};

}  // namespace tfm::inline TFM_ABI
