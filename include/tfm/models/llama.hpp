#pragma once
// Llama: a decoder-only transformer of any shape and number format.
// Touvron et al. 2023, arXiv:2302.13971 and 2307.09288; grouped queries: Ainslie et al. 2023, arXiv:2305.13245
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tfm/kernels/elementwise.hpp"
#include "tfm/kernels/rope.hpp"
#include "tfm/kernels/rows.hpp"
#include "tfm/layers/lora_slots.hpp"
#include "tfm/layers/visit.hpp"
#include "tfm/models/llama_block.hpp"
#include "tfm/models/llama_shapes.hpp"
#include "tfm/models/memory.hpp"
#include "tfm/models/projections.hpp"
#include "tfm/models/watch.hpp"

namespace tfm::inline TFM_ABI {

/// S is a shape, P the projections' types (EveryLinear<Q8_0>, …). Const while it runs: several threads may share one
/// model, each with a Context and a KvCache of its own.
template <Shape S, class P>
class Llama {
  using Output = typename P::output_weight;

  // A class-level check: a shape that cannot be does not compile.
  static consteval bool possible() {
    if constexpr (static_shape<S>) return misfit(S{}) == nullptr;
    else return true;
  }
  // Whether every projection has room for a bias.
  static constexpr bool carries_biases = CarriesBias<typename P::q_proj> && CarriesBias<typename P::k_proj> && CarriesBias<typename P::v_proj> &&
                                         CarriesBias<typename P::o_proj> && CarriesBias<typename P::gate_proj> && CarriesBias<typename P::up_proj> &&
                                         CarriesBias<typename P::down_proj>;
  static consteval bool has_room() {
    if constexpr (static_shape<S>) return carries_biases || !options_of(S{}).any_bias();
    else return true;
  }
  static_assert(has_room(), "tfm: the shape's options ask for biases, for which the projections have no room: EveryBiasedLinear and EveryBiasedLoraLinear have");
  static_assert(possible(), "tfm: impossible shape: heads must be a multiple of kv_heads, dim of heads, the head size even, all sizes at least 1");

 public:
  [[no_unique_address]] S shape;
  Output embed_tokens;
  std::vector<LlamaBlock<P>> layers;
  RmsNorm norm;
  Output lm_head;  ///< empty where the output is the embedding
  std::vector<float> frequencies;        ///< of rotary positions; of scalings that follow the capacity: for the shape's context
  std::vector<float> local_frequencies;  ///< likewise in blocks that turn locally (DecoderOptions); empty: there are none

  Llama() requires(static_shape<S>) : Llama(S{}) {}
  /// Errors: ShapeError for sizes that cannot be.
  explicit Llama(const S& sizes) : shape(sizes), layers(to_size(sizes.layers)) {
    if (const char* const why = misfit(shape)) raise<ShapeError>({"tfm: impossible shape: ", why});
    if (options_of(shape).any_bias() && !carries_biases)
      raise<ShapeError>({"tfm: the shape's options ask for biases, for which the model's projections have no room, expected EveryBiasedLinear or EveryBiasedLoraLinear"});
    for (std::size_t l = 0; l < layers.size(); ++l)
      layers[l].set_sizes(shape.dim, shape.heads, shape.kv_heads, head_dim(shape), shape.ffn, static_cast<Index>(l), shape.norm_eps, options_of(shape));
    norm.dim = shape.dim;
    number_lora_slots(*this);
    const DecoderOptions options = options_of(shape);
    const Index half = rotary_dim(shape) / 2;
    for (Index i = 0; i < half; ++i) frequencies.push_back(rope_frequency(i, 2 * half, shape.rope_theta, shape.rope_scaling, shape.context));
    for (Index i = 0; i < half && turns_locally(shape); ++i) local_frequencies.push_back(rope_frequency(i, 2 * half, options.window_rope_theta, {}));
  }
  /// A model of these sizes, frequencies and options without weights.
  Llama blank() const {
    Llama same(shape);
    same.frequencies = frequencies;
    return same;
  }
  Llama(Llama&&) = default;
  Llama& operator=(Llama&&) = default;

  /// Calls f(name, part) or f(name, weight, info) with the names that checkpoints have.
  void visit(auto&& f) { visit_parts(*this, f); }
  void visit(auto&& f) const { visit_parts(*this, f); }

  KvCache make_cache(Index sequences = 1, Index context = 0, Format format = Format::f16) const {
    return KvCache(cache_shape(shape, sequences, context, format));
  }

  /// Appends the batch's tokens to the cache and writes the logits that are wanted, by all sequences or by each what the batch
  /// says: [batch.logit_rows(wanted), vocab], sequence by sequence. Sequence s continues slot_of(s); its
  /// position must be the slot's length. Nothing has changed when it throws.
  /// Errors: ShapeError for sizes that do not fit together or an id outside the vocabulary, ContextFull, Stopped.
  void forward(Context& context, const Batch& batch, std::span<const std::int32_t> ids, KvCache& cache, Logits wanted, MutableView logits,
               const Watch* watch = nullptr) const {
    validate(batch, ids, cache, wanted, logits);
    if (!batch.valid.empty()) return forward_padded(context, batch, ids, cache, wanted, logits, watch);
    context.scratch.reserve(forward_bytes(batch.tokens(), batch.sequences(), context.threads->count(), largest_rank(batch), cache));
    run(context, batch, ids, cache, wanted, logits, watch);
    context.raise_if_ended();
    for (Index s = 0; s < batch.sequences(); ++s) cache.advance(batch.slot_of(s), batch.length(s));
  }

  /// What hidden states are multiplied with to become logits.
  const Output& output() const noexcept { return shape.tied ? embed_tokens : lm_head; }
  /// The last product, and a cap: normalised hidden states [rows, dim] to logits [rows, vocab].
  void head(Context& context, View hidden, MutableView logits) const noexcept {
    matmul(context, output(), hidden, logits);
    if (const float divisor = options_of(shape).logit_divisor; divisor != 1) kernels::scale(context, 1 / divisor, logits, logits);
    if (const float cap = options_of(shape).logit_cap; cap != 0) kernels::soft_cap(context, logits, cap, logits);
  }
  bool caps_logits() const noexcept { return options_of(shape).logit_cap != 0; }
  /// From the logits' gradient, which may be scaled: `hidden` becomes its own gradient; the output's += … where it trains. `logits`:
  /// what head() gave, looked at where the model caps_logits(); dlogits stand in another place then.
  void head_backward(Context& context, View logits, MutableView dlogits, MutableView hidden, const Gradients& gradients) const noexcept {
    if (const float cap = options_of(shape).logit_cap; cap != 0) kernels::soft_cap_backward(context, logits, cap, dlogits);
    if (const float divisor = options_of(shape).logit_divisor; divisor != 1) kernels::scale(context, 1 / divisor, dlogits, dlogits);
    if constexpr (Output::trainable)
      if (output().parameter >= 0) accumulate(context, dlogits, hidden, gradients[output()]);
    kernels::fill(context, hidden, 0);
    matmul_backward(context, output(), dlogits, hidden);
  }
  /// x [tokens, dim]: the embeddings of valid ids.
  void embed(Context& context, std::span<const std::int32_t> ids, MutableView x) const {
    kernels::weight_rows(context, embed_tokens, ids, x);
    if (const float scale = options_of(shape).embedding_scale; scale != 1) kernels::scale(context, scale, x, x);
  }
  /// The gradient of the embeddings where they train.
  void embed_backward(Context& context, std::span<const std::int32_t> ids, View dx, const Gradients& gradients) const noexcept {
    if constexpr (Output::trainable)
      if (embed_tokens.parameter >= 0) kernels::gather_backward(context, options_of(shape).embedding_scale, dx, ids.data(), gradients[embed_tokens]);
  }
  /// Rotary angles of a batch's tokens, where there is room for `capacity` positions.
  void angles(Context& context, const Batch& batch, Index capacity, const RotaryAngles& to) const {
    std::vector<float> own;
    if (shape.rope_scaling.follows_capacity() && capacity != shape.context)
      for (Index i = 0, half = to.cosine.cols; i < half; ++i) own.push_back(rope_frequency(i, 2 * half, shape.rope_theta, shape.rope_scaling, capacity));
    angles_by(context, batch, own.empty() ? frequencies : own, to);
    if (const float magnitude = shape.rope_scaling.magnitude; magnitude != 1)
      for (const MutableView part : {to.cosine, to.sine}) kernels::scale(context, magnitude, part, part);
  }
  /// Those of blocks that turn locally.
  void local_angles(Context& context, const Batch& batch, const RotaryAngles& to) const { angles_by(context, batch, local_frequencies, to); }
  /// Which of the two block `layer` turns by.
  const RotaryAngles& angles_of(Index layer, const RotaryAngles& all, const RotaryAngles& local) const noexcept {
    return options_of(shape).turns_locally(layer) ? local : all;
  }
  /// Errors: ShapeError for an adapter whose pairs are of other sizes than the layers in their slots.
  void require_fit(const Adapter& adapter) const;

  /// Bytes that a forward pass takes of context.scratch, with a cache of that format and so many positions; 0: the shape's.
  static constexpr Index scratch_bytes(const S& s, Index tokens, Index sequences, Index threads, Index rank = 0, Format cache = Format::f16,
                                       Index positions = 0) noexcept {
    const Index hd = tfm::head_dim(s), rows = std::max(tokens, sequences);
    if (positions == 0) positions = s.context;
    const Index angles = turns_locally(s) ? 4 : 2;
    return Arena::bytes_for(tokens * s.dim) + angles * Arena::bytes_for(tokens * rotary_dim(s) / 2) +
           std::max(LlamaBlock<P>::scratch_bytes(tokens, sequences, s.dim, s.heads, s.kv_heads, hd, s.ffn, rank, threads, cache, positions),
                    Arena::bytes_for(rows * s.dim) + kernels::matmul_scratch_bytes(rows, s.dim, threads));
  }

  /// The same as a CausalModel says it, of a pass over `cache`.
  Index forward_bytes(Index tokens, Index sequences, Index threads, Index rank, const KvCache& cache) const noexcept {
    return scratch_bytes(shape, tokens, sequences, threads, rank, cache.shape().format, cache.context());
  }
  /// Bytes needed; known to the compiler where shape and formats are.
  template <class T = S>
    requires(static_shape<T> && requires { P::output_weight::static_format; })
  static constexpr Memory memory(const MemoryOptions& options) {
    return memory_of(S{}, options, static_weight_bytes<T>());
  }
  template <class T = S>
    requires(!(static_shape<T> && requires { P::output_weight::static_format; }))
  Memory memory(const MemoryOptions& options) const {
    return memory_of(shape, options, weight_bytes());
  }

  /// Bytes of the weights that are loaded.
  Index weight_bytes() const {
    Index sum = static_cast<Index>(layers.size() * sizeof(LlamaBlock<P>) + (frequencies.size() + local_frequencies.size()) * sizeof(float));
    visit_weights(*this, "", [&](const std::string&, const auto& weight, const WeightInfo&) {
      if constexpr (requires { weight.bytes(); }) sum += weight.bytes() + detail::owner_bytes;
      else sum += weight.rows() * weight.cols() * static_cast<Index>(sizeof(float));
    });
    return sum;
  }

 private:
  static void angles_by(Context& context, const Batch& batch, const std::vector<float>& by, const RotaryAngles& to) {
    for (Index s = 0; s < batch.sequences(); ++s)
      kernels::rotary_angles(context, batch.position_of(s), by.data(), to.cosine.slice(batch.first(s), batch.length(s)), to.sine.slice(batch.first(s), batch.length(s)));
  }
  static void visit_parts(auto& self, auto& f) {
    f("model.embed_tokens.weight", self.embed_tokens, WeightInfo{WeightRole::embedding, self.shape.vocab, self.shape.dim});
    for (std::size_t i = 0; i < self.layers.size(); ++i) f(detail::name_below("model.layers.", std::to_string(i)), self.layers[i]);
    f("model.norm", self.norm);
    if (!self.shape.tied) f("lm_head.weight", self.lm_head, WeightInfo{WeightRole::output, self.shape.vocab, self.shape.dim});
  }

  static constexpr CacheShape cache_shape(const S& s, Index sequences, Index context, Format format) noexcept {
    return {s.layers, s.kv_heads, tfm::head_dim(s), context == 0 ? s.context : context, sequences, format};
  }
  static constexpr Memory memory_of(const S& s, const MemoryOptions& options, Index weights) noexcept {
    const Index room = options.context == 0 ? s.context : options.context;
    const Index tokens = std::max(std::min(options.chunk, room * options.sequences), options.sequences);
    const Index ids = options.sequences * room * static_cast<Index>(sizeof(std::int32_t));
    return {weights, cache_shape(s, options.sequences, options.context, options.cache).bytes(),
            scratch_bytes(s, tokens, options.sequences, options.threads, options.rank, options.cache, room) + detail::bookkeeping_bytes(options.threads, options.sequences) + ids,
            2 * options.sequences * s.vocab * static_cast<Index>(sizeof(float))};
  }

  template <class Layer>
  static constexpr Index bytes_of(Index rows, Index cols) noexcept {
    return packed_bytes(Layer::weight_type::static_format, rows, cols) + detail::owner_bytes;
  }
  // Of a block: its biases, and norms beside those that LLaMA has.
  static constexpr Index option_bytes(const S& s, const DecoderOptions& options) noexcept {
    const Index q = s.heads * tfm::head_dim(s), kv = s.kv_heads * tfm::head_dim(s);
    const Index inside = (options.qkv_bias ? q + 2 * kv : 0) + (options.mlp_bias ? 2 * s.ffn : 0);  // integers
    const Index outside = ((options.o_bias ? 1 : 0) + (options.mlp_bias ? 1 : 0) + (options.norm_after ? 2 : 0) - (options.norm_before ? 0 : 2)) * s.dim;
    const Index norms = options.qk_norm == QkNorm::heads ? 2 * tfm::head_dim(s) : options.qk_norm == QkNorm::whole ? q + kv : 0;
    return static_cast<Index>(sizeof(float)) * (inside + outside + norms);  // integers
  }
  template <class T>
  static constexpr Index static_weight_bytes() noexcept {
    constexpr T s{};
    const Index q = s.heads * tfm::head_dim(s), kv = s.kv_heads * tfm::head_dim(s), norm_bytes = s.dim * static_cast<Index>(sizeof(float));
    const Index block = static_cast<Index>(sizeof(LlamaBlock<P>)) + 2 * norm_bytes + bytes_of<typename P::q_proj>(q, s.dim) +
                        bytes_of<typename P::k_proj>(kv, s.dim) + bytes_of<typename P::v_proj>(kv, s.dim) + bytes_of<typename P::o_proj>(s.dim, q) +
                        bytes_of<typename P::gate_proj>(s.ffn, s.dim) + bytes_of<typename P::up_proj>(s.ffn, s.dim) +
                        bytes_of<typename P::down_proj>(s.dim, s.ffn) + option_bytes(s, options_of(s));
    const Index ends = (s.tied ? 1 : 2) * (packed_bytes(Output::static_format, s.vocab, s.dim) + detail::owner_bytes);
    return s.layers * block + ends + norm_bytes + (turns_locally(s) ? 2 : 1) * (rotary_dim(s) / 2) * 4;
  }

  // Whether some blocks turn by local_frequencies.
  static constexpr bool turns_locally(const S& s) noexcept {
    const DecoderOptions options = options_of(s);
    for (Index l = 0; l < s.layers; ++l)
      if (options.turns_locally(l)) return true;
    return false;
  }
  static Index largest_rank(const Batch& batch) noexcept {
    Index most = 0;
    for (const Adapter* adapter : batch.adapter) most = adapter == nullptr ? most : std::max(most, adapter->rank());
    return most;
  }
  void validate(const Batch& batch, std::span<const std::int32_t> ids, const KvCache& cache, Logits wanted, View logits) const;
  void run(Context& context, const Batch& batch, std::span<const std::int32_t> ids, KvCache& cache, Logits wanted, MutableView logits,
           const Watch* watch) const;  // throws what a watcher throws
  void forward_padded(Context& context, const Batch& batch, std::span<const std::int32_t> ids, KvCache& cache, Logits wanted, MutableView logits,
                      const Watch* watch) const;
};

}  // namespace tfm::inline TFM_ABI

#include "tfm/models/llama_forward.hpp"  // the three functions declared above
