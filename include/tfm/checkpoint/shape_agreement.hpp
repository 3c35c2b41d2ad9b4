#pragma once
// Whether a model's type and a checkpoint have the same shape.
#include <string>
#include <type_traits>

#include "tfm/formats/message.hpp"
#include "tfm/models/llama_shapes.hpp"

namespace tfm::inline TFM_ABI {

namespace detail {

template <class T>
std::string size_text(T value) {
  if constexpr (std::is_same_v<T, bool>) return value ? "true" : "false";
  else if constexpr (std::is_floating_point_v<T>) return number_text(value);
  else return std::to_string(value);
}

}  // namespace detail

/// Refuses a checkpoint `file` whose shape is not `expected`: ShapeError names the size, found and expected. The
/// context may be shorter than the file's. `divided`: the file gives llama3's scaling as a tensor, which is compared
/// when it is read.
template <Shape S>
void require_shape(const S& expected, const DynamicLlamaShape& found, const std::string& file, bool divided) {
  const auto refuse = [&](const char* what, const std::string& is, const std::string& should) {
    raise<ShapeError>({"tfm: ", file, ": ", what, " is ", is, ", the model's type expects ", should});
  };
  const auto equal = [&](const char* what, auto is, auto should) {
    if (is != should) refuse(what, detail::size_text(is), detail::size_text(should));
  };
  if (found.family != family_of(expected)) refuse("the family", in_quotes(found.family), in_quotes(family_of(expected)));
  const DecoderOptions is = found.options, should = options_of(expected);
  equal("options.qkv_bias", is.qkv_bias, should.qkv_bias);
  equal("options.o_bias", is.o_bias, should.o_bias);
  equal("options.mlp_bias", is.mlp_bias, should.mlp_bias);
  equal("options.qk_norm", static_cast<int>(is.qk_norm), static_cast<int>(should.qk_norm));
  equal("options.norm_before", is.norm_before, should.norm_before);
  equal("options.norm_after", is.norm_after, should.norm_after);
  equal("options.unturned_every", is.unturned_every, should.unturned_every);
  equal("options.attention_scale", is.attention_scale, should.attention_scale);
  equal("options.embedding_scale", is.embedding_scale, should.embedding_scale);
  equal("options.residual_scale", is.residual_scale, should.residual_scale);
  equal("options.logit_divisor", is.logit_divisor, should.logit_divisor);
  equal("options.activation", static_cast<int>(is.activation), static_cast<int>(should.activation));
  equal("options.attention_cap", is.attention_cap, should.attention_cap);
  equal("options.logit_cap", is.logit_cap, should.logit_cap);
  equal("options.window", is.window, should.window);
  equal("options.window_from", is.window_from, should.window_from);
  equal("options.full_every", is.full_every, should.full_every);
  equal("options.window_rope_theta", is.window_rope_theta, should.window_rope_theta);
  equal("vocab", found.vocab, Index{expected.vocab});
  equal("dim", found.dim, Index{expected.dim});
  equal("layers", found.layers, Index{expected.layers});
  equal("heads", found.heads, Index{expected.heads});
  equal("kv_heads", found.kv_heads, Index{expected.kv_heads});
  equal("head_dim", head_dim(found), head_dim(expected));
  equal("options.rotary_dim", rotary_dim(found), rotary_dim(expected));
  equal("ffn", found.ffn, Index{expected.ffn});
  equal("norm_eps", found.norm_eps, float{expected.norm_eps});
  equal("rope_theta", found.rope_theta, float{expected.rope_theta});
  equal("tied", found.tied, bool{expected.tied});
  if (found.context < expected.context)
    refuse("context", std::to_string(found.context), joined({"at least ", Index{expected.context}}));
  const RopeScaling ours = expected.rope_scaling, &theirs = found.rope_scaling;
  if (divided && theirs.kind == RopeScaling::Kind::none && ours.kind == RopeScaling::Kind::llama3) return;
  if (theirs.kind != ours.kind)
    refuse("rope_scaling.kind", std::string(name(theirs.kind)), std::string(name(ours.kind)));
  if (ours.kind == RopeScaling::Kind::none) return;
  equal("rope_scaling.factor", theirs.factor, ours.factor);
  if (ours.kind == RopeScaling::Kind::linear) return;
  equal("rope_scaling.low_freq_factor", theirs.low_freq_factor, ours.low_freq_factor);
  equal("rope_scaling.high_freq_factor", theirs.high_freq_factor, ours.high_freq_factor);
  equal("rope_scaling.original_context", theirs.original_context, ours.original_context);
  equal("rope_scaling.beta_fast", theirs.beta_fast, ours.beta_fast);
  equal("rope_scaling.beta_slow", theirs.beta_slow, ours.beta_slow);
  equal("rope_scaling.magnitude", theirs.magnitude, ours.magnitude);
  for (std::size_t i = 0; i < ours.long_factors.size(); ++i) {
    equal("a factor of rope_scaling.short_factors", theirs.short_factors[i], ours.short_factors[i]);
    equal("a factor of rope_scaling.long_factors", theirs.long_factors[i], ours.long_factors[i]);
  }
}

}  // namespace tfm::inline TFM_ABI
