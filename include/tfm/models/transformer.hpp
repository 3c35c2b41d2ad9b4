#pragma once
// Transformer: the encoder–decoder of any shape and number format, to train and to translate with.
// Vaswani et al. 2017, arXiv:1706.03762
#include <cstdint>
#include <span>
#include <string>

#include "tfm/layers/visit.hpp"
#include "tfm/models/transformer_decoder.hpp"
#include "tfm/models/transformer_encoder.hpp"
#include "tfm/models/transformer_memory.hpp"
#include "tfm/models/transformer_state.hpp"

namespace tfm::inline TFM_ABI {

/// Sentences and what they become: sequence s of `source` goes with sequence s of `target`. target_ids begin with the
/// marker of beginning; the logits of each are for the token after it. Owns nothing.
struct PairBatch {
  Batch source;
  std::span<const std::int32_t> source_ids;
  Batch target;
  std::span<const std::int32_t> target_ids;
};

/// Room that translations get.
struct DecodeOptions {
  Index tokens = 0;  ///< of each translation, the marker of beginning included; 0: the shape's context
  Index beams = 1;   ///< hypotheses of each sentence, at most
};

/// S is a shape, P the projections' types: EveryLinear<F32> trains, EveryLinear<Int8> and the like translate. Const
/// while it runs: several threads may share one model, each with a Context and states of its own; gradients live with
/// whoever trains.
///
///   tfm::Transformer<Article, tfm::EveryLinear<tfm::F32>> model;     // zeros: initialise, or read a checkpoint
///   const tfm::Arena::Frame step(context.kept);                      // one training step
///   model.forward(context, pairs, logits, &saved);
///   model.backward(context, pairs, dlogits, saved, gradients);       // += into gradients[weight]
///
///   auto state = model.encode(context, source, ids);                 // translating
///   model.step(context, tokens, state, logits);                      // one token for each hypothesis
template <EncoderDecoderShape S, class P>
class Transformer {
  // A class-level check: a shape that cannot be does not compile.
  static consteval bool possible() {
    if constexpr (std::is_empty_v<S>) return misfit(S{}) == nullptr;
    else return true;
  }
  static_assert(possible(),
                "tfm: impossible shape: dim must be even and a multiple of heads, all sizes at least 1, dropout at "
                "least 0 and below 1");

 public:
  [[no_unique_address]] S shape;
  TransformerEncoder<S, P> encoder;
  TransformerDecoder<S, P> decoder;

  Transformer() requires(std::is_empty_v<S>) : Transformer(S{}) {}
  /// Trainable weights are zeros (norms' are ones) of the right sizes; packed ones are empty until pack_transformer
  /// fills them. Errors: ShapeError for sizes that cannot be.
  explicit Transformer(const S& sizes) : shape(checked(sizes)), encoder(shape), decoder(shape) {
    Index stream = 0;
    number_dropouts(*this, stream);
  }
  Transformer(Transformer&&) = default;
  Transformer& operator=(Transformer&&) = default;

  struct Saved {
    typename TransformerEncoder<S, P>::Saved encoder;
    typename TransformerDecoder<S, P>::Saved decoder;
    View memory;
  };

  /// logits [target tokens, target_vocab]. What `saved` views lives in context.kept: put an Arena::Frame around the
  /// step. Dropout is on when context.training; context.random is then the step's. Padded batches give d2l's numbers:
  /// padding is computed, but no query sees a source's; ragged ones give the same at the valid positions with less
  /// work. Errors: ShapeError for sizes that do not fit together or an id outside its vocabulary, ContextFull, Stopped.
  void forward(Context& context, const PairBatch& pairs, MutableView logits, Saved* saved = nullptr,
               const TransformerWatch* watch = nullptr) const;

  /// Adds to gradients[weight] what dlogits says of every trainable weight, by its number F32::parameter. `saved` is
  /// that of forward with the same context.random, context.training and pairs. Errors: ShapeError, Stopped, after which
  /// the gradients are worth nothing.
  void backward(Context& context, const PairBatch& pairs, View dlogits, const Saved& saved,
                const Gradients& gradients) const;

  /// Reads the sentences, of which padding is left out, and projects their keys for the decoder. Errors: as forward's,
  /// and OptionError.
  TransformerState encode(Context& context, const Batch& source, std::span<const std::int32_t> ids,
                          const DecodeOptions& options = {}, const TransformerWatch* watch = nullptr) const;

  /// Appends one token to each hypothesis (at first the marker of beginning): logits [hypotheses, target_vocab] are for
  /// the tokens after them. Nothing has changed when it throws. Errors: ShapeError, ContextFull, Stopped.
  void step(Context& context, std::span<const std::int32_t> tokens, TransformerState& state, MutableView logits,
            const TransformerWatch* watch = nullptr) const;

  /// Calls f(name, part), with the names of d2l's checkpoints.
  void visit(auto&& f) { visit_parts(*this, f); }
  void visit(auto&& f) const { visit_parts(*this, f); }

 private:
  static void visit_parts(auto& self, auto& f) {
    f("encoder", self.encoder);
    f("decoder", self.decoder);
  }
  static const S& checked(const S& sizes) {
    if (const char* const why = misfit(sizes)) raise(ShapeError(std::string("tfm: impossible shape: ") + why));
    return sizes;
  }
  void validate(const char* what, const Batch& batch, std::span<const std::int32_t> ids, Index vocab) const;
  void validate(const PairBatch& pairs, View logits) const;
  PassBytes<S> bytes_of(const Context& context, const PairBatch& pairs) const noexcept;
};

}  // namespace tfm::inline TFM_ABI

#include "tfm/models/transformer_forward.hpp"  // the functions declared above
