#pragma once
// How many bytes a pass of the Transformer takes of a Context's arenas, so that they can be reserved before it begins.
#include <algorithm>

#include "tfm/kernels/accumulate.hpp"
#include "tfm/kernels/attention_rows.hpp"
#include "tfm/kernels/matmul.hpp"
#include "tfm/layers/dropout.hpp"
#include "tfm/layers/kv_cache.hpp"
#include "tfm/models/transformer_shapes.hpp"

namespace tfm::inline TFM_ABI {

/// Sizes of a batch of pairs.
struct PassSizes {
  Index source{}, target{};  ///< tokens
  Index sequences{};
  Index longest{};  ///< tokens of the longest sequence of either side
  Index threads = 1;
};

/// Of a shape and a batch. What adapters take is not among them.
template <EncoderDecoderShape S>
class PassBytes {
  const S& s_;
  PassSizes n_;

  static constexpr Index pre = S::norm == Norm::pre ? 1 : 0;
  constexpr Index rows(Index tokens) const noexcept { return Arena::bytes_for(tokens * s_.dim); }
  constexpr Index inner(Index tokens) const noexcept { return Arena::bytes_for(tokens * s_.ffn); }
  constexpr Index head_dim() const noexcept { return s_.dim / s_.heads; }
  constexpr Index product(Index tokens, Index cols) const noexcept {
    return kernels::matmul_scratch_bytes(tokens, cols, n_.threads);
  }
  constexpr Index attention(Index queries, Index keys) const noexcept {
    const Index floats = kernels::attention_rows_floats(head_dim(), n_.longest);
    const Index sequences = Arena::bytes_for(n_.sequences, sizeof(kernels::RowsSequence));
    return 2 * rows(queries) + 2 * rows(keys) + Arena::bytes_for(queries, sizeof(Index)) + sequences +
           std::max(product(std::max(queries, keys), s_.dim), Arena::bytes_for(n_.threads * floats));
  }
  constexpr Index attention_backward(Index queries, Index keys) const noexcept {
    const Index floats = kernels::attention_backward_floats(head_dim(), n_.longest);
    const Index sequences = Arena::bytes_for(n_.sequences, sizeof(kernels::RowsSequence)) +
                            Arena::bytes_for(n_.sequences, sizeof(kernels::RowsGradient));
    return 2 * rows(queries) + 2 * rows(keys) + sequences +
           std::max(Arena::bytes_for(n_.threads * floats), gradients(std::max(queries, keys), s_.dim, s_.dim));
  }
  // Of the input and of a weight [out, in].
  constexpr Index gradients(Index tokens, Index out, Index in) const noexcept {
    return std::max(Arena::bytes_for(n_.threads * kernels::backward_floats(tokens)), kernels::accumulate_bytes(tokens, out, in, n_.threads));
  }
  constexpr Index ffn(Index tokens) const noexcept {
    return inner(tokens) + std::max(product(tokens, s_.dim), product(tokens, s_.ffn));
  }
  constexpr Index ffn_backward(Index tokens) const noexcept {
    return inner(tokens) + std::max(gradients(tokens, s_.ffn, s_.dim), gradients(tokens, s_.dim, s_.ffn));
  }
  constexpr Index kept_attention(Index queries, Index keys) const noexcept {
    return 2 * rows(queries) + 2 * rows(keys) + Arena::bytes_for(queries, sizeof(Index)) +
           Arena::bytes_for(2 * s_.heads * queries);
  }
  // A sublayer's output, its sum, and, normalised before, its input; the norm's statistics.
  constexpr Index kept_sublayers(Index tokens, Index count) const noexcept {
    return count * ((2 + pre) * rows(tokens) + Arena::bytes_for(2 * tokens));
  }

 public:
  constexpr PassBytes(const S& shape, const PassSizes& sizes) noexcept : s_(shape), n_(sizes) {}

  /// Of context.scratch, by Transformer::forward and the encoder's half of encode.
  constexpr Index forward() const noexcept {
    const Index from = (1 + 2 * pre) * rows(n_.source) +
                       std::max({attention(n_.source, n_.source), ffn(n_.source), Dropout::scratch_bytes(n_.source)});
    const Index to =
        (2 + 3 * pre) * rows(n_.target) + std::max({attention(n_.target, n_.target), attention(n_.target, n_.source),
                                                    ffn(n_.target), Dropout::scratch_bytes(n_.target)});
    return rows(n_.source) + std::max(from, to);
  }
  /// Of context.scratch, by Transformer::backward.
  constexpr Index backward() const noexcept {
    const Index from =
        (4 + 2 * pre) * rows(n_.source) + std::max({attention_backward(n_.source, n_.source), ffn_backward(n_.source),
                                                    Dropout::scratch_bytes(n_.source)});
    const Index to = (5 + 3 * pre) * rows(n_.target) +
                     std::max({attention_backward(n_.target, n_.target), attention_backward(n_.target, n_.source),
                               ffn_backward(n_.target), Dropout::scratch_bytes(n_.target)});
    return rows(n_.source) + std::max(from, to);
  }
  /// Of context.kept, by Transformer::forward with a Saved.
  constexpr Index kept() const noexcept {
    const Index encoder = kept_sublayers(n_.source, 2) + kept_attention(n_.source, n_.source) + inner(n_.source);
    const Index decoder = kept_sublayers(n_.target, 3) + kept_attention(n_.target, n_.target) +
                          kept_attention(n_.target, n_.source) + inner(n_.target);
    const Index ends = 2 * rows(n_.source) + (1 + pre) * rows(n_.target) +
                       pre * (Arena::bytes_for(2 * n_.source) + Arena::bytes_for(2 * n_.target));
    return s_.layers * (encoder + decoder) + ends;
  }
  /// Of context.scratch, by Transformer::step with so many hypotheses, no cache of more than n.longest positions.
  constexpr Index step(Index hypotheses) const noexcept {
    const Index attention =
        4 * rows(hypotheses) + Arena::bytes_for(hypotheses, sizeof(kernels::AttentionSequence)) +
        std::max(product(hypotheses, s_.dim), kernels::attention_scratch_bytes(Format::f32, s_.heads, s_.heads, head_dim(), hypotheses, n_.longest, n_.threads));
    return (2 + 3 * pre) * rows(hypotheses) + std::max(attention, ffn(hypotheses));
  }
};

}  // namespace tfm::inline TFM_ABI
