#pragma once
// Shapes: the sizes of a LLaMA model as a type. Static members are checked by the compiler, ordinary ones by the loader;
// both are spelt shape.dim.
#include <concepts>
#include <string_view>
#include <type_traits>

#include "tfm/kernels/rope.hpp"
#include "tfm/layers/decoder_options.hpp"

namespace tfm::inline TFM_ABI {

/// Defaults for a shape of one's own to derive from; the sizes have none.
struct LlamaShape {
  static constexpr float norm_eps = 1e-5f, rope_theta = 10000.f;
  static constexpr bool tied = false;  ///< the output is the embedding
  static constexpr RopeScaling rope_scaling{};
  static constexpr DecoderOptions options{};
  static constexpr std::string_view family = "llama";  ///< whose files it is in: a name of checkpoint/families.hpp
};

/// The same of Qwen2 and Qwen2.5.
struct Qwen2Shape : LlamaShape {
  static constexpr float norm_eps = 1e-6f, rope_theta = 1000000.f;
  static constexpr DecoderOptions options{.qkv_bias = true};
  static constexpr std::string_view family = "qwen2";
};

/// The same of Qwen3.
struct Qwen3Shape : LlamaShape {
  static constexpr float norm_eps = 1e-6f, rope_theta = 1000000.f;
  static constexpr DecoderOptions options{.qk_norm = QkNorm::heads};
  static constexpr std::string_view family = "qwen3";
};

/// LLaMA 1 and 2 of 7 billion parameters. LLaMA 1 has norm_eps 1e-6 and context 2048.
struct Llama7B : LlamaShape {
  static constexpr Index vocab = 32000, dim = 4096, layers = 32, heads = 32, kv_heads = 32, ffn = 11008, context = 4096;
};
struct Llama3_8B : LlamaShape {
  static constexpr Index vocab = 128256, dim = 4096, layers = 32, heads = 32, kv_heads = 8, ffn = 14336, context = 8192;
  static constexpr float rope_theta = 500000.f;
};
struct TinyLlama1_1B : LlamaShape {
  static constexpr Index vocab = 32000, dim = 2048, layers = 22, heads = 32, kv_heads = 4, ffn = 5632, context = 2048;
};
struct SmolLM2_135M : LlamaShape {
  static constexpr Index vocab = 49152, dim = 576, layers = 30, heads = 9, kv_heads = 3, ffn = 1536, context = 8192;
  static constexpr float rope_theta = 100000.f;
  static constexpr bool tied = true;
};

struct Qwen2_5_1_5B : Qwen2Shape {
  static constexpr Index vocab = 151936, dim = 1536, layers = 28, heads = 12, kv_heads = 2, ffn = 8960, context = 32768;
  static constexpr bool tied = true;
};

struct Qwen3_0_6B : Qwen3Shape {
  static constexpr Index vocab = 151936, dim = 1024, layers = 28, heads = 16, kv_heads = 8, ffn = 3072, context = 40960, head_dim = 128;
  static constexpr bool tied = true;
};
/// Mistral 7B v0.1; later ones have no window, v0.3 a vocabulary of 32768.
struct Mistral7B : LlamaShape {
  static constexpr Index vocab = 32000, dim = 4096, layers = 32, heads = 32, kv_heads = 8, ffn = 14336, context = 32768;
  static constexpr DecoderOptions options{.window = 4096};
  static constexpr std::string_view family = "mistral";
};
struct Gemma3_270M : LlamaShape {
  static constexpr Index vocab = 262144, dim = 640, layers = 18, heads = 4, kv_heads = 1, ffn = 2048, context = 32768, head_dim = 256;
  static constexpr float norm_eps = 1e-6f, rope_theta = 1000000.f;
  static constexpr bool tied = true;
  static constexpr DecoderOptions options{.qk_norm = QkNorm::heads,
                                          .norm_after = true,
                                          .attention_scale = 0.0625f,          // 1 / sqrt(256)
                                          .embedding_scale = 25.298221281f,    // sqrt(640)
                                          .activation = Activation::gelu,
                                          .window = 512,
                                          .full_every = 6,
                                          .window_rope_theta = 10000};
  static constexpr std::string_view family = "gemma3";
};

/// Sizes that are read from a file.
struct DynamicLlamaShape {
  Index vocab{}, dim{}, layers{}, heads{}, kv_heads{}, ffn{}, context{};
  Index head_dim{};  ///< 0: dim / heads
  float norm_eps = 1e-5f, rope_theta = 10000.f;
  bool tied = false;
  RopeScaling rope_scaling{};
  DecoderOptions options{};
  std::string_view family = "llama";  ///< as in LlamaShape; of static storage
};

/// What a shape has: static constexpr members, or ordinary ones.
template <class S>
concept Shape = requires(const S s) {
  { s.vocab } -> std::convertible_to<Index>;
  { s.dim } -> std::convertible_to<Index>;
  { s.layers } -> std::convertible_to<Index>;
  { s.heads } -> std::convertible_to<Index>;
  { s.kv_heads } -> std::convertible_to<Index>;
  { s.ffn } -> std::convertible_to<Index>;
  { s.context } -> std::convertible_to<Index>;
  { s.norm_eps } -> std::convertible_to<float>;
  { s.rope_theta } -> std::convertible_to<float>;
  { s.tied } -> std::convertible_to<bool>;
  { s.rope_scaling } -> std::convertible_to<RopeScaling>;
};

/// Whether all sizes are part of the type.
template <class S>
inline constexpr bool static_shape = std::is_empty_v<S>;

/// The head size that a shape states, or 0 if it follows from dim and heads.
template <Shape S>
constexpr Index stated_head_dim(const S& shape) noexcept {
  if constexpr (requires { shape.head_dim; }) return shape.head_dim;
  else return 0;
}
template <Shape S>
constexpr Index head_dim(const S& shape) noexcept {
  if (stated_head_dim(shape) != 0) return stated_head_dim(shape);
  return shape.heads == 0 ? 0 : shape.dim / shape.heads;
}

/// The options that a shape states, or LLaMA's.
template <Shape S>
constexpr DecoderOptions options_of(const S& shape) noexcept {
  if constexpr (requires { shape.options; }) return shape.options;
  else return {};
}
/// Values of each head that have rotary positions.
template <Shape S>
constexpr Index rotary_dim(const S& shape) noexcept {
  const Index stated = options_of(shape).rotary_dim;
  return stated != 0 ? stated : head_dim(shape);
}
/// The family that a shape states, or LLaMA.
template <Shape S>
constexpr std::string_view family_of(const S& shape) noexcept {
  if constexpr (requires { shape.family; }) return shape.family;
  else return "llama";
}
/// The same sizes as values.
template <Shape S>
constexpr DynamicLlamaShape dynamic_shape(const S& s) noexcept {
  return {s.vocab, s.dim, s.layers, s.heads, s.kv_heads, s.ffn, s.context, stated_head_dim(s), s.norm_eps, s.rope_theta, s.tied,
          s.rope_scaling, options_of(s), family_of(s)};
}

namespace detail {
// What a file may ask for: far beyond any model, far below overflow.
inline constexpr Index largest_size = Index{1} << 24, most_layers = 65'536, largest_head_dim = 65'536, longest_context = Index{1} << 30;
}

/// Why a shape cannot be, or null. The compiler asks for a static shape, the loader for a dynamic one.
template <Shape S>
constexpr const char* misfit(const S& shape) noexcept {
  if (shape.vocab < 1 || shape.dim < 1 || shape.layers < 1 || shape.heads < 1 || shape.kv_heads < 1 || shape.ffn < 1 || shape.context < 1)
    return "vocab, dim, layers, heads, kv_heads, ffn and context must be at least 1";
  if (shape.heads % shape.kv_heads != 0) return "heads must be a multiple of kv_heads";
  if (stated_head_dim(shape) == 0 && shape.dim % shape.heads != 0) return "dim must be a multiple of heads";
  if (head_dim(shape) < 2 || head_dim(shape) % 2 != 0) return "the head size must be even: rotary positions turn pairs";
  if (rotary_dim(shape) < 2 || rotary_dim(shape) % 2 != 0 || rotary_dim(shape) > head_dim(shape))
    return "what rotary positions turn of a head must be an even number of its values";
  if (options_of(shape).window < 0 || options_of(shape).window_from < 0 || options_of(shape).full_every < 0) return "windows must not be negative";
  if (shape.rope_scaling.kind == RopeScaling::Kind::longrope && rotary_dim(shape) > 2 * RopeScaling::most_factors)
    return "longrope has factors for 128 pairs of a head at most";
  if (shape.rope_scaling.kind == RopeScaling::Kind::dynamic && rotary_dim(shape) < 4) return "dynamic scaling needs two pairs of a head";
  if (!(shape.norm_eps >= 0) || !(shape.rope_theta > 0)) return "norm_eps must not be negative, rope_theta must be positive";
  return nullptr;
}

}  // namespace tfm::inline TFM_ABI
