#pragma once
// TransformerEncoder: from the source's ids to the memory that the decoder looks at.    Vaswani et al. 2017,
// section 3.1
#include <cmath>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "tfm/layers/embedding.hpp"
#include "tfm/layers/positional_encoding.hpp"
#include "tfm/models/encoder_block.hpp"
#include "tfm/models/projections.hpp"
#include "tfm/models/transformer_shapes.hpp"
#include "tfm/models/transformer_watch.hpp"

namespace tfm::inline TFM_ABI {

/// S is a shape, P the projections' types (EveryLinear<F32>, EveryLinear<Int8>, …).
template <EncoderDecoderShape S, class P>
struct TransformerEncoder {
  using Block = EncoderBlock<P, S::norm>;
  Embedding<typename P::output_weight> embedding;
  PositionalEncoding pos_encoding;
  std::vector<Block> blks;
  LayerNorm norm;  ///< after the last block, where blocks normalise before

  TransformerEncoder() = default;
  explicit TransformerEncoder(const S& shape)
      : pos_encoding(shape.context, shape.dim, shape.dropout),
        norm(S::norm == Norm::pre ? shape.dim : 0, shape.norm_eps) {
    if constexpr (std::is_same_v<decltype(embedding.weight), F32>)
      embedding.weight = F32(shape.source_vocab, shape.dim);
    for (Index i = 0; i < shape.layers; ++i) blks.emplace_back(shape);
  }

  struct Saved {
    std::vector<typename Block::Saved> blks;
    LayerNorm::Saved norm;
  };

  /// memory [tokens, dim]. With `saved` it must outlive the step. May throw what a watcher throws.
  void forward(Context& context, const Batch& batch, std::span<const std::int32_t> ids, MutableView memory,
               Saved* saved = nullptr, const TransformerWatch* watch = nullptr) const {
    if (saved != nullptr) saved->blks.resize(blks.size());
    const auto next = [&] { return saved != nullptr ? context.kept.matrix(memory.rows, memory.cols) : memory; };
    MutableView x = next();
    embedding.forward(context, ids, std::sqrt(static_cast<float>(x.cols)), x);
    pos_encoding.forward(context, batch, x);
    WatchedWeights weights(watch != nullptr ? &watch->encoder : nullptr);
    for (std::size_t i = 0; i < blks.size(); ++i) {
      const MutableView z = S::norm == Norm::post && i + 1 == blks.size() ? memory : next();
      blks[i].forward(context, batch, x, z, saved != nullptr ? &saved->blks[i] : nullptr,
                      weights.places(blks[i].attention.heads, batch, [&](Index s) { return batch.length(s); }));
      weights.tell(static_cast<Index>(i));
      x = z;
    }
    if constexpr (S::norm == Norm::pre) norm.forward(context, x, memory, part(saved, &Saved::norm));
  }

  /// Adds to the gradients what dmemory says of every weight here.
  void backward(Context& context, const Batch& batch, std::span<const std::int32_t> ids, View dmemory,
                const Saved& saved, const Gradients& gradients) const {
    const Arena::Frame frame(context.scratch);
    MutableView dz = context.scratch.matrix(dmemory.rows, dmemory.cols),
                dx = context.scratch.matrix(dmemory.rows, dmemory.cols);
    if constexpr (S::norm == Norm::pre) {
      kernels::fill(context, dz, 0);
      norm.backward(context, dmemory, saved.norm, dz, gradients);
    } else {
      kernels::copy(context, dmemory, dz);
    }
    for (std::size_t i = blks.size(); i-- > 0;) {
      kernels::fill(context, dx, 0);
      blks[i].backward(context, batch, dz, saved.blks[i], dx, gradients);
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
  }
};

}  // namespace tfm::inline TFM_ABI
