#pragma once
// SwiGLU: LLaMA's feed-forward layer, and GeGLU, Gemma's.    Shazeer 2020, arXiv:2002.05202
#include "tfm/kernels/elementwise.hpp"
#include "tfm/layers/biased_linear.hpp"
#include "tfm/layers/decoder_options.hpp"

namespace tfm::inline TFM_ABI {

/// y = down(f(gate x) · up x), f SiLU or GELU: x, y [tokens, dim], inside [tokens, ffn]. P names the three projections' types.
template <class P>
struct SwiGLU {
  typename P::gate_proj gate_proj;
  typename P::up_proj up_proj;
  typename P::down_proj down_proj;
  Activation activation = Activation::silu;

  /// Before the weights are there.
  void set_sizes(Index dim, Index ffn, const DecoderOptions& options = {}) noexcept {
    activation = options.activation;
    gate_proj.set_size(ffn, dim);
    up_proj.set_size(ffn, dim);
    down_proj.set_size(dim, ffn);
    set_bias(gate_proj, options.mlp_bias), set_bias(up_proj, options.mlp_bias), set_bias(down_proj, options.mlp_bias);
  }

  struct Saved {
    typename P::gate_proj::Saved gate_proj;
    typename P::up_proj::Saved up_proj;
    typename P::down_proj::Saved down_proj;
    View gate, up;
  };

  static constexpr Index scratch_bytes(Index tokens, Index dim, Index ffn, Index rank, Index threads) noexcept {
    return 2 * Arena::bytes_for(tokens * ffn) + std::max(projection_scratch_bytes(tokens, dim, rank, threads, 2), projection_scratch_bytes(tokens, ffn, rank, threads));
  }

  void forward(Context& context, const Batch& batch, View x, MutableView y, Saved* saved = nullptr) const noexcept {
    const Arena::Frame frame(context.scratch);
    const Index ffn = gate_proj.base_weight().rows();
    Arena& home = saved != nullptr ? context.kept : context.scratch;
    const MutableView gate = home.matrix(x.rows, ffn), up = home.matrix(x.rows, ffn);
    forward_together(context, batch, x, Output{gate_proj, gate, saved != nullptr ? &saved->gate_proj : nullptr},
                     Output{up_proj, up, saved != nullptr ? &saved->up_proj : nullptr});
    const MutableView inner = saved != nullptr ? home.matrix(x.rows, ffn) : gate;
    if (activation == Activation::silu) kernels::silu_mul(context, gate, up, inner);
    else kernels::gelu_mul(context, gate, up, inner);
    down_proj.forward(context, batch, inner, y, saved != nullptr ? &saved->down_proj : nullptr);
    if (saved != nullptr) saved->gate = gate, saved->up = up;
  }

  void backward(Context& context, const Batch& batch, View dy, const Saved& saved, MutableView dx, const Gradients& gradients) const noexcept {
    const Arena::Frame frame(context.scratch);
    const Index tokens = dy.rows, ffn = saved.gate.cols;
    const MutableView inner = context.scratch.matrix(tokens, ffn), gate = context.scratch.matrix(tokens, ffn), up = context.scratch.matrix(tokens, ffn);
    for (const MutableView d : {inner, gate, up}) kernels::fill(context, d, 0);
    down_proj.backward(context, batch, dy, saved.down_proj, inner, gradients);
    if (activation == Activation::silu) kernels::silu_mul_backward(context, saved.gate, saved.up, inner, gate, up);
    else kernels::gelu_mul_backward(context, saved.gate, saved.up, inner, gate, up);
    gate_proj.backward(context, batch, gate, saved.gate_proj, dx, gradients);
    up_proj.backward(context, batch, up, saved.up_proj, dx, gradients);
  }

  void visit(auto&& f) { visit_parts(*this, f); }
  void visit(auto&& f) const { visit_parts(*this, f); }

 private:
  static void visit_parts(auto& self, auto& f) {
    f("gate_proj", self.gate_proj);
    f("up_proj", self.up_proj);
    f("down_proj", self.down_proj);
  }
};

}  // namespace tfm::inline TFM_ABI
