#pragma once
// How many bytes a training pass of a LLaMA takes of a Context's arenas, before it begins.
#include <algorithm>
#include <tuple>

#include "tfm/kernels/attention_rows.hpp"
#include "tfm/kernels/losses.hpp"
#include "tfm/models/llama_training.hpp"

namespace tfm::inline TFM_ABI {

namespace detail {

/// What follows the calls of forward_for_training and backward_for_training, take by take.
template <Shape S, class P>
class TrainingBytes {
  const Llama<S, P>& model_;
  const TrainingPass& n_;
  const Context& context_;
  Index threads_ = context_.threads->count();

  static constexpr Index floats(Index n) noexcept { return Arena::bytes_for(n); }
  Index tokens(Index cols) const noexcept { return floats(n_.tokens * cols); }
  Index tiles() const noexcept { return floats(threads_ * kernels::scratch_floats); }
  Index backward_tiles(Index rows) const noexcept { return floats(threads_ * kernels::backward_floats(rows)); }

  // A product's operands: float32, or what fast arithmetic makes of them.
  template <class W>
  Index product(const W& weight, Index rows) const noexcept {
    if constexpr (requires { weight.format(); })
      if (context_.arithmetic != Arithmetic::exact && is_quantised(weight.format()))
        return kernels::matmul_scratch_bytes(rows, weight.cols(), threads_);
    return tiles() + bf16(rows, weight.cols());
  }
  Index bf16(Index rows, Index cols) const noexcept { return kernels::has_bf16(context_) ? Arena::bytes_for(rows * round_up(cols, 2), 2) : 0; }
  // Its gradients: of the input, and of a weight that is trained.
  template <class W>
  Index gradients(const W& weight, Index rows) const noexcept {
    Index own = 0;
    if constexpr (W::trainable)
      if (weight.parameter >= 0) own = kernels::accumulate_bytes(rows, weight.rows(), weight.cols(), threads_);
    bool int8 = false;
    if constexpr (requires { weight.format(); }) int8 = kernels::int8_backward(context_, weight.format());
    return std::max(backward_tiles(rows) + (int8 ? kernels::int8_backward_bytes(rows, weight.rows()) : bf16(rows, weight.rows())), own);
  }
  template <class Layer>
  const LoraPair* pair_of(const Layer& layer) const noexcept {
    if constexpr (CarriesAdapter<Layer>)
      if (n_.adapter != nullptr && n_.adapter->touches(layer.adapter_slot())) return &(*n_.adapter)[layer.adapter_slot()];
    return nullptr;
  }
  bool drops() const noexcept { return n_.backward && n_.adapter != nullptr && n_.adapter->dropout > 0; }
  Index keys() const noexcept { return drops() ? Arena::bytes_for(n_.tokens, sizeof(std::uint64_t)) : 0; }

  template <class Layer>
  Index kept(const Layer& layer) const noexcept {
    const LoraPair* const pair = pair_of(layer);
    return pair == nullptr ? 0 : tokens(pair->rank()) + (drops() ? tokens(pair->a.cols()) : 0);
  }
  // Layers that share an input: what rides on their products stands in scratch before the first of them begins.
  template <class... Layer>
  Index forward(const Layer&... layers) const noexcept {
    const auto terms = [this](const auto& layer) {
      const LoraPair* const pair = pair_of(layer);
      return pair == nullptr ? 0 : tokens(pair->rank()) + bf16(n_.tokens, pair->rank()) + Arena::bytes_for(n_.sequences, sizeof(kernels::AdapterTerm));
    };
    const auto products = [this](const auto& layer) {
      const LoraPair* const pair = pair_of(layer);
      const Index base = product(layer.base_weight(), n_.tokens);
      return pair == nullptr ? base : std::max(base, keys() + product(pair->a, n_.tokens));
    };
    return (terms(layers) + ...) + std::max({products(layers)...});
  }
  template <class Layer>
  Index backward(const Layer& layer) const noexcept {
    const LoraPair* const pair = pair_of(layer);
    const Index base = gradients(layer.base_weight(), n_.tokens);
    if (pair == nullptr) return base;
    return std::max(base, tokens(pair->rank()) + tokens(pair->rank()) + (drops() ? tokens(pair->a.cols()) + keys() : 0) +
                              std::max(gradients(pair->a, n_.tokens), gradients(pair->b, n_.tokens)));
  }
  static auto projections(const LlamaBlock<P>& block) noexcept {
    const auto& attention = block.self_attn;
    const auto& mlp = block.mlp;
    return std::tie(attention.q_proj, attention.k_proj, attention.v_proj, attention.o_proj, mlp.gate_proj, mlp.up_proj, mlp.down_proj);
  }
  template <class F, class... Layer>
  static Index most(F&& of, const Layer&... layers) noexcept {
    return std::max({of(layers)...});
  }

 public:
  TrainingBytes(const Context& context, const Llama<S, P>& model, const TrainingPass& pass) noexcept : model_(model), n_(pass), context_(context) {}

  Index kept(const LlamaBlock<P>& block) const noexcept {
    const auto& [q, k, v, o, gate, up, down] = projections(block);
    const Index dim = model_.shape.dim, q_width = q.base_weight().rows(), kv_width = k.base_weight().rows(), ffn = gate.base_weight().rows();
    const DecoderOptions options = options_of(model_.shape);
    const auto norm = [&](Index cols, Index rows) { return tokens(cols) + tokens(rows); };  // a matrix beside, and its inverses
    const Index norms = ((options.norm_before ? 2 : 0) + (options.norm_after ? 2 : 0)) * norm(dim, 1);
    const bool heads = options.qk_norm == QkNorm::heads;
    const Index qk = options.qk_norm == QkNorm::none ? 0 : norm(q_width, heads ? model_.shape.heads : 1) + norm(kv_width, heads ? model_.shape.kv_heads : 1);
    return tokens(dim) + norms + qk + 2 * tokens(q_width) + 2 * tokens(kv_width) + tokens(2 * model_.shape.heads) + 3 * tokens(ffn) + kept(q) + kept(k) + kept(v) +
           kept(o) + kept(gate) + kept(up) + kept(down);
  }
  Index forward(const LlamaBlock<P>& block) const noexcept {
    const auto& [q, k, v, o, gate, up, down] = projections(block);
    const Index dim = head_dim(model_.shape);
    const Index keys_and_values = round_up(n_.longest, kernels::key_block) * (dim + round_up(dim, 16)), room = keys_and_values + kernels::attention_floats(Format::f32, dim);
    const Index attention = Arena::bytes_for(n_.sequences, sizeof(kernels::RowsSequence)) + std::max(floats(threads_ * room), forward(o));
    return std::max({attention, forward(q, k, v), forward(gate, up), forward(down)});
  }
  Index backward(const LlamaBlock<P>& block) const noexcept {
    const auto& [q, k, v, o, gate, up, down] = projections(block);
    const auto of = [this](const auto& layer) { return this->backward(layer); };
    const Index lists = Arena::bytes_for(n_.sequences, sizeof(kernels::RowsSequence)) + Arena::bytes_for(n_.sequences, sizeof(kernels::RowsGradient));
    const DecoderOptions options = options_of(model_.shape);
    const Index before = options.qk_norm == QkNorm::none ? 0 : tokens(q.base_weight().rows()) + tokens(k.base_weight().rows());
    const Index sums = (options.residual_scale != 1 ? tokens(model_.shape.dim) : 0) + (options.norm_after ? tokens(model_.shape.dim) : 0);
    const Index attention = before + 2 * tokens(q.base_weight().rows()) + 2 * tokens(k.base_weight().rows()) + lists +
                            std::max(floats(threads_ * kernels::attention_backward_floats(head_dim(model_.shape), n_.longest)), most(of, q, k, v, o));
    return sums + tokens(model_.shape.dim) + std::max(attention, 3 * tokens(gate.base_weight().rows()) + most(of, gate, up, down));
  }
  /// A hundred-odd rows of logits and their gradient.
  Index logits(Index rows) const noexcept {
    const Index n = std::min(rows, n_.tokens), losses = Arena::bytes_for(n, sizeof(std::int32_t)) + Arena::bytes_for(n, sizeof(kernels::RowLoss));
    const Index apart = n_.backward && model_.caps_logits() ? 2 : 1;  // the logits' gradient stands beside them
    return floats(n * model_.shape.dim) + apart * floats(n * model_.shape.vocab) + Arena::bytes_for(n, sizeof(std::int32_t)) +
           std::max({product(model_.output(), n), gradients(model_.output(), n), losses});
  }
};

}  // namespace detail

/// What causal_loss (train/causal_loss.hpp) takes of context.kept and context.scratch for a batch of these sizes on
/// context.threads, by context.arithmetic. `logits`: rows of logits at a time.
template <Shape S, class P>
PassMemory training_memory(const Context& context, const Llama<S, P>& model, const TrainingPass& pass, Index logits) {
  const detail::TrainingBytes<S, P> bytes(context, model, pass);
  const auto rows = [&](Index cols) { return Arena::bytes_for(pass.tokens * cols); };
  const auto count = static_cast<Index>(model.layers.size());
  const bool keeps = pass.recompute == Recompute::nothing;
  Index blocks = 0, most = 0, forward = 0, backward = 0;
  for (const LlamaBlock<P>& block : model.layers) {
    blocks += bytes.kept(block), most = std::max(most, bytes.kept(block));
    forward = std::max(forward, bytes.forward(block)), backward = std::max(backward, bytes.backward(block));
  }
  const Index begin = (model.local_frequencies.empty() ? 2 : 4) * rows(rotary_dim(model.shape) / 2) + Arena::bytes_for(count + 1, sizeof(MutableView)) + (count + 1) * rows(model.shape.dim) +
                      (keeps ? Arena::bytes_for(count, sizeof(typename LlamaBlock<P>::Saved)) + blocks : 0);
  const Index end = rows(model.shape.dim) + rows(1) + Arena::bytes_for(pass.tokens, sizeof(std::int32_t)) + Arena::bytes_for(pass.tokens, sizeof(Index)) +
                    (pass.backward ? rows(model.shape.dim) : 0);
  const Index again = keeps ? 0 : most;  // of one block at a time, forward and once more in backward
  PassMemory memory{begin + (pass.backward ? end + again : std::max(end, again)), std::max(forward, bytes.logits(logits))};
  if (pass.backward) memory.scratch = std::max(memory.scratch, rows(model.shape.dim) + std::max(backward, keeps ? 0 : forward));
  return memory;
}

}  // namespace tfm::inline TFM_ABI

#if defined(TFM_EXTERN_TRAINING)
#include "tfm/models/any_model.hpp"

namespace tfm::inline TFM_ABI {
TFM_EXTERN_TRAINING template PassMemory training_memory(const Context&, const AnyLlama&, const TrainingPass&, Index);
}  // namespace tfm::inline TFM_ABI
#endif
