#pragma once
// TransformerDecoder: from the target's ids so far, and the memory, to logits of the next.    Vaswani et al. 2017,
// section 3.1
#include <cmath>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "tfm/layers/embedding.hpp"
#include "tfm/layers/positional_encoding.hpp"
#include "tfm/models/decoder_block.hpp"
#include "tfm/models/projections.hpp"
#include "tfm/models/transformer_shapes.hpp"
#include "tfm/models/transformer_watch.hpp"

namespace tfm::inline TFM_ABI {

/// S is a shape, P the projections' types.
template <EncoderDecoderShape S, class P>
struct TransformerDecoder {
  using Block = DecoderBlock<P, S::norm>;
  using Dense = BiasedLinear<Linear<typename P::output_weight>>;
  Embedding<typename P::output_weight> embedding;
  PositionalEncoding pos_encoding;
  std::vector<Block> blks;
  LayerNorm norm;  ///< after the last block, where blocks normalise before
  Dense dense;     ///< to the vocabulary

  TransformerDecoder() = default;
  explicit TransformerDecoder(const S& shape)
      : pos_encoding(shape.context, shape.dim, shape.dropout),
        norm(S::norm == Norm::pre ? shape.dim : 0, shape.norm_eps), dense(shape.dim, shape.target_vocab) {
    if constexpr (std::is_same_v<decltype(embedding.weight), F32>)
      embedding.weight = F32(shape.target_vocab, shape.dim);
    for (Index i = 0; i < shape.layers; ++i) blks.emplace_back(shape);
  }

  struct Saved {
    std::vector<typename Block::Saved> blks;
    LayerNorm::Saved norm;
    typename Dense::Saved dense;
  };

  /// logits [tokens, target_vocab] of all tokens; memory [tokens of source, dim]. May throw what a watcher throws.
  void forward(Context& context, const Batch& batch, std::span<const std::int32_t> ids, const Batch& source,
               View memory, MutableView logits, Saved* saved = nullptr, const TransformerWatch* watch = nullptr) const {
    const Arena::Frame frame(context.scratch);
    if (saved != nullptr) saved->blks.resize(blks.size());
    Arena& home = saved != nullptr ? context.kept : context.scratch;
    MutableView x = embed(context, batch, ids, memory.cols, home);
    WatchedWeights own(watch != nullptr ? &watch->decoder_self : nullptr),
        cross(watch != nullptr ? &watch->decoder_cross : nullptr);
    for (std::size_t i = 0; i < blks.size(); ++i) {
      const MutableView z = saved != nullptr ? home.matrix(x.rows, x.cols) : x;
      blks[i].forward(context, batch, source, x, memory, z, saved != nullptr ? &saved->blks[i] : nullptr,
                      own.places(blks[i].attention1.heads, batch, [&](Index s) { return batch.length(s); }),
                      cross.places(blks[i].attention2.heads, batch, [&](Index s) { return source.length(s); }));
      own.tell(static_cast<Index>(i)), cross.tell(static_cast<Index>(i));
      x = z;
    }
    to_logits(context, batch, x, logits, saved, home);
  }

  /// One further token of each sequence: logits [sequences, target_vocab]. `batch` names slots and positions in
  /// own_keys; `source` one query a sequence, the slot of its memory's keys and the position of the last of them.
  void step(Context& context, const Batch& batch, std::span<const std::int32_t> ids, const Batch& source,
            KvCache& own_keys, const KvCache& memory_keys, MutableView logits,
            const TransformerWatch* watch = nullptr) const {
    const Arena::Frame frame(context.scratch);
    const MutableView x = embed(context, batch, ids, pos_encoding.table.view().cols, context.scratch);
    WatchedWeights own(watch != nullptr ? &watch->decoder_self : nullptr),
        cross(watch != nullptr ? &watch->decoder_cross : nullptr);
    for (std::size_t i = 0; i < blks.size(); ++i) {
      const Index layer = static_cast<Index>(i);
      blks[i].forward_cached(
          context, batch, source, x, layer, own_keys, memory_keys, x,
          own.places(blks[i].attention1.heads, batch, [&](Index s) { return batch.position_of(s) + 1; }),
          cross.places(blks[i].attention2.heads, batch, [&](Index s) { return source.position_of(s) + 1; }));
      own.tell(layer), cross.tell(layer);
    }
    to_logits(context, batch, x, logits, nullptr, context.scratch);
  }
  /// Projects the memory's keys and values for every layer, once.
  void remember(Context& context, const Batch& source, View memory, KvCache& memory_keys) const noexcept {
    for (std::size_t i = 0; i < blks.size(); ++i)
      blks[i].attention2.remember(context, source, memory, memory, static_cast<Index>(i), memory_keys);
  }

  /// Adds to the gradients what dlogits says of every weight here; dmemory += …
  void backward(Context& context, const Batch& batch, std::span<const std::int32_t> ids, const Batch& source,
                View dlogits, const Saved& saved, MutableView dmemory, const Gradients& gradients) const {
    const Arena::Frame frame(context.scratch);
    MutableView dz = context.scratch.matrix(dlogits.rows, dmemory.cols),
                dx = context.scratch.matrix(dlogits.rows, dmemory.cols);
    kernels::fill(context, dz, 0);
    dense.backward(context, batch, dlogits, saved.dense, dz, gradients);
    if constexpr (S::norm == Norm::pre) {
      kernels::fill(context, dx, 0);
      norm.backward(context, dz, saved.norm, dx, gradients);
      std::swap(dz, dx);
    }
    for (std::size_t i = blks.size(); i-- > 0;) {
      kernels::fill(context, dx, 0);
      blks[i].backward(context, batch, source, dz, saved.blks[i], dx, dmemory, gradients);
      std::swap(dz, dx);
    }
    kernels::fill(context, dx, 0);
    pos_encoding.backward(context, batch, dz, dx);
    embedding.backward(context, ids, std::sqrt(static_cast<float>(dx.cols)), dx, gradients);
  }

  void visit(auto&& f) { visit_parts(*this, f); }
  void visit(auto&& f) const { visit_parts(*this, f); }

 private:
  static void visit_parts(auto& self, auto& f) {
    f("embedding", self.embedding);
    f("pos_encoding", self.pos_encoding);
    for (std::size_t i = 0; i < self.blks.size(); ++i) f("blks." + std::to_string(i), self.blks[i]);
    if constexpr (S::norm == Norm::pre) f("norm", self.norm);
    f("dense", self.dense);
  }

  MutableView embed(Context& context, const Batch& batch, std::span<const std::int32_t> ids, Index dim,
                    Arena& home) const {
    const MutableView x = home.matrix(batch.tokens(), dim);
    embedding.forward(context, ids, std::sqrt(static_cast<float>(dim)), x);
    pos_encoding.forward(context, batch, x);
    return x;
  }
  void to_logits(Context& context, const Batch& batch, MutableView x, MutableView logits, Saved* saved,
                 Arena& home) const {
    View last = x;
    if constexpr (S::norm == Norm::pre) {
      const MutableView normed = saved != nullptr ? home.matrix(x.rows, x.cols) : x;
      norm.forward(context, x, normed, part(saved, &Saved::norm));
      last = normed;
    }
    dense.forward(context, batch, last, logits, part(saved, &Saved::dense));
  }
};

}  // namespace tfm::inline TFM_ABI
