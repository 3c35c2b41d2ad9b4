#pragma once
// LlamaBlock: one decoder layer of LLaMA and its kin.    Touvron et al. 2023, arXiv:2302.13971, section 2.2
#include <string_view>

#include "tfm/layers/llama_attention.hpp"
#include "tfm/layers/rms_norm.hpp"
#include "tfm/layers/swiglu.hpp"

namespace tfm::inline TFM_ABI {

/// Of a batch's tokens, [tokens, turned values of a head / 2].
struct RotaryAngles {
  MutableView cosine, sine;
};

/// h = x + attention(norm(x)); y = h + mlp(norm(h)). Members are named as in LLaMA's checkpoints. Where options say so
/// the outputs of attention and mlp are normalised, too, or instead, and what is added is scaled: h = x + s
/// norm(attention(x)).
template <class P>
struct LlamaBlock {
  RmsNorm input_layernorm;  ///< as all of them without a weight where there is none
  LlamaAttention<P> self_attn;
  RmsNorm post_self_attn_layernorm;  ///< of attention's output
  RmsNorm post_attention_layernorm;  ///< of mlp's input
  SwiGLU<P> mlp;
  RmsNorm post_mlp_layernorm;  ///< of mlp's output
  float residual_scale = 1;

  /// Before the weights are there. `layer`: this block's number; `eps`: of all norms.
  void set_sizes(Index dim, Index heads, Index kv_heads, Index head_dim, Index ffn, Index layer, float eps,
                 const DecoderOptions& options) noexcept {
    if (options.norm_before) input_layernorm.dim = post_attention_layernorm.dim = dim;
    if (options.norm_after) post_self_attn_layernorm.dim = post_mlp_layernorm.dim = dim;
    residual_scale = options.residual_scale;
    self_attn.set_sizes(dim, heads, kv_heads, head_dim, options);
    self_attn.eps = eps, self_attn.turns = options.turns(layer), self_attn.window = options.window_of(layer);
    mlp.set_sizes(dim, ffn, options);
  }

  static constexpr Index scratch_bytes(Index tokens, Index sequences, Index dim, Index heads, Index kv_heads,
                                       Index head_dim, Index ffn, Index rank, Index threads, Format cache,
                                       Index positions) noexcept {
    return 2 * Arena::bytes_for(tokens * dim) +
           std::max(LlamaAttention<P>::scratch_bytes(tokens, sequences, dim, heads, kv_heads, head_dim, rank, threads,
                                                     cache, positions),
                    SwiGLU<P>::scratch_bytes(tokens, dim, ffn, rank, threads));
  }

  /// x [tokens, dim], in place. `layer` is this block's number in the cache.
  void forward(Context& context, const Batch& batch, Index layer, KvCache& cache, View cosine, View sine, float eps,
               MutableView x, float* const* weights = nullptr) const noexcept {
    const Arena::Frame frame(context.scratch);
    const MutableView normed = context.scratch.matrix(x.rows, x.cols), change = context.scratch.matrix(x.rows, x.cols);
    const auto before = [&](const RmsNorm& norm) -> View {
      if (!norm.there()) return x;
      norm.forward(context, x, eps, normed);
      return normed;
    };
    const auto add = [&](const RmsNorm& norm) {
      if (norm.there()) norm.forward(context, change, eps, change);
      if (residual_scale == 1) kernels::add(context, change, x);
      else kernels::scale_add(context, residual_scale, change, x);
    };
    self_attn.forward(context, batch, layer, cache, cosine, sine, before(input_layernorm), change, weights);
    add(post_self_attn_layernorm);
    mlp.forward(context, batch, before(post_attention_layernorm), change);
    add(post_mlp_layernorm);
  }

  struct Saved {
    RmsNorm::Saved input_layernorm;
    typename LlamaAttention<P>::Saved self_attn;
    RmsNorm::Saved post_self_attn_layernorm, post_attention_layernorm;
    typename SwiGLU<P>::Saved mlp;
    RmsNorm::Saved post_mlp_layernorm;
  };

  /// The same from x to y, without a cache, for training; x must stay.
  void forward(Context& context, const Batch& batch, View cosine, View sine, float eps, View x, MutableView y,
               Saved& saved) const noexcept {
    const MutableView h = context.kept.matrix(x.rows, x.cols);
    const auto before = [&](const RmsNorm& norm, View in, RmsNorm::Saved& kept) -> View {
      if (!norm.there()) return in;
      const MutableView normed = context.kept.matrix(x.rows, x.cols);
      norm.forward(context, in, eps, normed, &kept);
      return normed;
    };
    // out = in + scale norm(work(out)), norms and scales being left out where there are none
    const auto add = [&](const RmsNorm& norm, View in, MutableView out, RmsNorm::Saved& kept, auto&& work) {
      const MutableView raw = norm.there() ? context.kept.matrix(x.rows, x.cols) : out;
      work(raw);
      if (norm.there()) norm.forward(context, raw, eps, out, &kept);
      if (residual_scale != 1) kernels::scale(context, residual_scale, out, out);
      kernels::add(context, in, out);
    };
    const View in = before(input_layernorm, x, saved.input_layernorm);
    add(post_self_attn_layernorm, x, h, saved.post_self_attn_layernorm,
        [&](MutableView out) { self_attn.forward(context, batch, cosine, sine, in, out, saved.self_attn); });
    const View inner = before(post_attention_layernorm, h, saved.post_attention_layernorm);
    add(post_mlp_layernorm, h, y, saved.post_mlp_layernorm,
        [&](MutableView out) { mlp.forward(context, batch, inner, out, &saved.mlp); });
  }
  /// d holds dy and becomes dx, unless that is not wanted: then three products are saved, where the norms are not
  /// trained either.
  void backward(Context& context, const Batch& batch, View cosine, View sine, const Saved& saved, MutableView d,
                const Gradients& gradients, bool wanted = true) const noexcept {
    const Arena::Frame frame(context.scratch);
    const MutableView inner = context.scratch.matrix(d.rows, d.cols);
    const auto before = [&](const RmsNorm& norm, const RmsNorm::Saved& kept) {
      if (norm.there()) norm.backward(context, inner, kept, d, gradients);
      else kernels::add(context, inner, d);
    };
    {
      const Arena::Frame own(context.scratch);
      kernels::fill(context, inner, 0);
      mlp.backward(context, batch, before_sum(context, post_mlp_layernorm, d, saved.post_mlp_layernorm, gradients),
                   saved.mlp, inner, gradients);
    }
    before(post_attention_layernorm, saved.post_attention_layernorm);
    const View change = before_sum(context, post_self_attn_layernorm, d, saved.post_self_attn_layernorm, gradients);
    if (!wanted && input_layernorm.weight.parameter < 0)
      return self_attn.backward(context, batch, cosine, sine, change, saved.self_attn, {}, gradients);
    kernels::fill(context, inner, 0);
    self_attn.backward(context, batch, cosine, sine, change, saved.self_attn, inner, gradients);
    before(input_layernorm, saved.input_layernorm);
  }

  void visit(auto&& f) { visit_parts(*this, f); }
  void visit(auto&& f) const { visit_parts(*this, f); }

 private:
  // The gradient of a sublayer's output from that of the sum it is added to: d, or what it becomes, in scratch.
  View before_sum(Context& context, const RmsNorm& norm, View d, const RmsNorm::Saved& kept,
                  const Gradients& gradients) const noexcept {
    if (residual_scale != 1) {
      const MutableView scaled = context.scratch.matrix(d.rows, d.cols);
      kernels::scale(context, residual_scale, d, scaled);
      d = scaled;
    }
    if (!norm.there()) return d;
    const MutableView raw = context.scratch.matrix(d.rows, d.cols);
    kernels::fill(context, raw, 0);
    norm.backward(context, d, kept, raw, gradients);
    return raw;
  }
  static void visit_parts(auto& self, auto& f) {
    const auto norm = [&](std::string_view name, auto& part) {
      if (part.there()) f(name, part);
    };
    norm("input_layernorm", self.input_layernorm);
    f("self_attn", self.self_attn);
    norm("post_self_attn_layernorm", self.post_self_attn_layernorm);
    norm("post_attention_layernorm", self.post_attention_layernorm);
    f("mlp", self.mlp);
    norm("post_mlp_layernorm", self.post_mlp_layernorm);
  }
};

}  // namespace tfm::inline TFM_ABI
