#pragma once
// Shapes of the encoder–decoder Transformer: its sizes as a type, or as values. Both are spelt shape.dim.
#include <concepts>
#include <type_traits>

#include "tfm/core/index.hpp"
#include "tfm/layers/add_norm.hpp"

namespace tfm::inline TFM_ABI {

/// Defaults for a shape of one's own to derive from; the other sizes have none:
///   struct Article : TransformerShape { static constexpr Index source_vocab = 200, target_vocab = 210, dim = 32,
///   layers = 2, heads = 4, ffn = 64; };
struct TransformerShape {
  static constexpr Index context = 1000;  ///< positions: the longest sentence, markers included
  static constexpr float dropout = 0;     ///< everywhere: embeddings, attention weights, sublayers
  static constexpr float norm_eps = 1e-5f;
  static constexpr bool attention_bias = false;  ///< whether the four projections of attention have biases
  static constexpr Norm norm =
      Norm::post;  ///< where blocks normalise; with Norm::pre each stack ends with a norm of its own
};

/// Sizes known at run time. Where blocks normalise stays part of the type.
template <Norm place = Norm::post>
struct DynamicShape {
  Index source_vocab{}, target_vocab{}, dim{}, layers{}, heads{}, ffn{}, context = 1000;
  float dropout = 0, norm_eps = 1e-5f;
  bool attention_bias = false;
  static constexpr Norm norm = place;
};
using DynamicTransformerShape = DynamicShape<>;
using DynamicPreNormTransformerShape = DynamicShape<Norm::pre>;

/// What a shape has: static constexpr members, or ordinary ones; `norm` is always static.
template <class S>
concept EncoderDecoderShape = requires(const S s) {
  { s.source_vocab } -> std::convertible_to<Index>;
  { s.target_vocab } -> std::convertible_to<Index>;
  { s.dim } -> std::convertible_to<Index>;
  { s.layers } -> std::convertible_to<Index>;
  { s.heads } -> std::convertible_to<Index>;
  { s.ffn } -> std::convertible_to<Index>;
  { s.context } -> std::convertible_to<Index>;
  { s.dropout } -> std::convertible_to<float>;
  { s.norm_eps } -> std::convertible_to<float>;
  { s.attention_bias } -> std::convertible_to<bool>;
  requires std::same_as<const Norm, decltype(S::norm)>;
};

namespace detail {
// What a file may ask for: far beyond any model, far below overflow.
inline constexpr Index largest_width = Index{1} << 24, most_blocks = 65'536, most_positions = Index{1} << 24;
}  // namespace detail

/// Why a shape cannot be, or null. The compiler asks for a static shape, the constructor for a dynamic one.
template <EncoderDecoderShape S>
constexpr const char* misfit(const S& s) noexcept {
  if (s.source_vocab < 1 || s.target_vocab < 1 || s.dim < 1 || s.layers < 1 || s.heads < 1 || s.ffn < 1 ||
      s.context < 1)
    return "source_vocab, target_vocab, dim, layers, heads, ffn and context must be at least 1";
  if (s.source_vocab > detail::largest_width || s.target_vocab > detail::largest_width ||
      s.dim > detail::largest_width || s.ffn > detail::largest_width || s.layers > detail::most_blocks ||
      s.context > detail::most_positions)
    return "vocabularies, dim, ffn and context must be at most 2^24, layers at most 65536";
  if (s.dim % s.heads != 0) return "dim must be a multiple of heads";
  if (s.dim % 2 != 0) return "dim must be even: positions are pairs of sine and cosine";
  if (!(s.dropout >= 0) || !(s.dropout < 1)) return "dropout must be at least 0 and below 1";
  if (!(s.norm_eps >= 0)) return "norm_eps must not be negative";
  return nullptr;
}

}  // namespace tfm::inline TFM_ABI
