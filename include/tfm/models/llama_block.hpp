#pragma once
// LlamaBlock: one decoder layer of LLaMA.    Touvron et al. 2023, arXiv:2302.13971, section 2.2
#include "tfm/layers/llama_attention.hpp"
#include "tfm/layers/rms_norm.hpp"
#include "tfm/layers/swiglu.hpp"

namespace tfm::inline TFM_ABI {

/// h = x + attention(norm(x)); y = h + mlp(norm(h)). Members are named as in checkpoints.
template <class P>
struct LlamaBlock {
  RmsNorm input_layernorm;
  LlamaAttention<P> self_attn;
  RmsNorm post_attention_layernorm;
  SwiGLU<P> mlp;

  /// Before the weights are there.
  void set_sizes(Index dim, Index heads, Index kv_heads, Index head_dim, Index ffn, const DecoderOptions& options = {}) noexcept {
    input_layernorm.dim = post_attention_layernorm.dim = dim;
    self_attn.set_sizes(dim, heads, kv_heads, head_dim, options);
    mlp.set_sizes(dim, ffn, options.mlp_bias);
  }

  static constexpr Index scratch_bytes(Index tokens, Index sequences, Index dim, Index heads, Index kv_heads, Index head_dim, Index ffn, Index rank, Index threads,
                                       Format cache, Index positions) noexcept {
    return 2 * Arena::bytes_for(tokens * dim) + std::max(LlamaAttention<P>::scratch_bytes(tokens, sequences, dim, heads, kv_heads, head_dim, rank, threads, cache, positions),
                                                         SwiGLU<P>::scratch_bytes(tokens, dim, ffn, rank, threads));
  }

  /// x [tokens, dim], in place. `layer` is this block's number in the cache.
  void forward(Context& context, const Batch& batch, Index layer, KvCache& cache, View cosine, View sine, float eps, MutableView x,
               float* const* weights = nullptr) const noexcept {
    const Arena::Frame frame(context.scratch);
    const MutableView normed = context.scratch.matrix(x.rows, x.cols), change = context.scratch.matrix(x.rows, x.cols);
    input_layernorm.forward(context, x, eps, normed);
    self_attn.forward(context, batch, layer, cache, cosine, sine, normed, change, weights);
    kernels::add(context, change, x);
    post_attention_layernorm.forward(context, x, eps, normed);
    mlp.forward(context, batch, normed, change);
    kernels::add(context, change, x);
  }

  struct Saved {
    RmsNorm::Saved input_layernorm;
    typename LlamaAttention<P>::Saved self_attn;
    RmsNorm::Saved post_attention_layernorm;
    typename SwiGLU<P>::Saved mlp;
  };

  /// y = h + mlp(norm(h)) with h = x + attention(norm(x)), without a cache, for training; x must stay.
  void forward(Context& context, const Batch& batch, View cosine, View sine, float eps, View x, MutableView y, Saved& saved) const noexcept {
    const Arena::Frame frame(context.scratch);
    const MutableView change = context.scratch.matrix(x.rows, x.cols);
    const MutableView normed = context.kept.matrix(x.rows, x.cols), h = context.kept.matrix(x.rows, x.cols), normed_h = context.kept.matrix(x.rows, x.cols);
    input_layernorm.forward(context, x, eps, normed, &saved.input_layernorm);
    self_attn.forward(context, batch, cosine, sine, normed, h, saved.self_attn);
    kernels::add(context, x, h);
    post_attention_layernorm.forward(context, h, eps, normed_h, &saved.post_attention_layernorm);
    mlp.forward(context, batch, normed_h, change, &saved.mlp);
    copy(h, y);
    kernels::add(context, change, y);
  }
  /// d holds dy and becomes dx, unless that is not wanted: then three products are saved, where the norm is not trained either.
  void backward(Context& context, const Batch& batch, View cosine, View sine, const Saved& saved, MutableView d, const Gradients& gradients,
                bool wanted = true) const noexcept {
    const Arena::Frame frame(context.scratch);
    const MutableView inner = context.scratch.matrix(d.rows, d.cols);
    fill(inner, 0);
    mlp.backward(context, batch, d, saved.mlp, inner, gradients);
    post_attention_layernorm.backward(context, inner, saved.post_attention_layernorm, d, gradients);
    if (!wanted && input_layernorm.weight.parameter < 0) return self_attn.backward(context, batch, cosine, sine, d, saved.self_attn, {}, gradients);
    fill(inner, 0);
    self_attn.backward(context, batch, cosine, sine, d, saved.self_attn, inner, gradients);
    input_layernorm.backward(context, inner, saved.input_layernorm, d, gradients);
  }

  void visit(auto&& f) { visit_parts(*this, f); }
  void visit(auto&& f) const { visit_parts(*this, f); }

 private:
  static void visit_parts(auto& self, auto& f) {
    f("input_layernorm", self.input_layernorm);
    f("self_attn", self.self_attn);
    f("post_attention_layernorm", self.post_attention_layernorm);
    f("mlp", self.mlp);
  }
};

}  // namespace tfm::inline TFM_ABI
