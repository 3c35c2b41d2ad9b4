#pragma once
// The passes of Transformer, and the checks before them.
#include <algorithm>

#include "tfm/models/transformer.hpp"

namespace tfm::inline TFM_ABI {

template <EncoderDecoderShape S, class P>
void Transformer<S, P>::validate(const char* what, const Batch& batch, std::span<const std::int32_t> ids,
                                 Index vocab) const {
  const auto number = [](auto n) { return std::to_string(n); };
  const std::string of = std::string("tfm: the ") + what + " batch ";
  if (batch.sequences() < 1 || batch.start.front() != 0)
    raise(ShapeError(of + "needs a start that begins with 0 and at least 1 sequence"));
  for (const auto& [name, found] :
       {std::pair{"position", batch.position.size()}, std::pair{"sample", batch.sample.size()}})
    if (found != 0 && static_cast<Index>(found) != batch.sequences())
      raise(ShapeError(of + "has " + number(batch.sequences()) + " sequences, found " + number(found) +
                       " entries in Batch::" + name));
  for (Index s = 0; s < batch.sequences(); ++s) {
    if (batch.length(s) < 1)
      raise(ShapeError(of + "has " + number(batch.length(s)) + " tokens in sequence " + number(s) +
                       ", at least 1 expected"));
    if (batch.position_of(s) != 0)
      raise(ShapeError(of + "begins at position " + number(batch.position_of(s)) + " in sequence " + number(s) +
                       ", expected 0"));
    if (batch.length(s) > shape.context)
      raise(ContextFull(of + "has " + number(batch.length(s)) + " tokens in sequence " + number(s) +
                        ", the model's context is " + number(shape.context)));
  }
  if (static_cast<Index>(ids.size()) != batch.tokens())
    raise(ShapeError(of + "has " + number(batch.tokens()) + " tokens, found " + number(ids.size()) + " ids"));
  if (!batch.valid.empty() && batch.valid.size() != ids.size())
    raise(ShapeError(of + "has " + number(batch.tokens()) + " tokens, found " + number(batch.valid.size()) +
                     " entries in Batch::valid"));
  for (std::size_t i = 0; i < ids.size(); ++i)
    if (ids[i] < 0 || ids[i] >= vocab)
      raise(ShapeError(of + "has id " + number(ids[i]) + " at token " + number(i) + ", outside the vocabulary of " +
                       number(vocab)));
  if (batch.valid.empty()) return;
  for (Index s = 0; s < batch.sequences(); ++s)
    for (Index t = batch.first(s) + 1; t < batch.first(s) + batch.length(s); ++t)
      if (batch.valid[to_size(t)] != 0 && batch.valid[to_size(t - 1)] == 0)
        raise(ShapeError(of + "has padding before token " + number(t - batch.first(s)) + " of sequence " + number(s) +
                         ": padding goes to the end"));
}

template <EncoderDecoderShape S, class P>
void Transformer<S, P>::validate(const PairBatch& pairs, View logits) const {
  validate("source", pairs.source, pairs.source_ids, shape.source_vocab);
  validate("target", pairs.target, pairs.target_ids, shape.target_vocab);
  if (pairs.source.sequences() != pairs.target.sequences())
    raise(ShapeError("tfm: a batch of pairs has " + std::to_string(pairs.source.sequences()) + " sources and " +
                     std::to_string(pairs.target.sequences()) + " targets"));
  if (logits.rows != pairs.target.tokens() || logits.cols != shape.target_vocab || logits.data == nullptr)
    raise(ShapeError("tfm: logits are [" + std::to_string(pairs.target.tokens()) + ", " +
                     std::to_string(shape.target_vocab) + "], found [" + std::to_string(logits.rows) + ", " +
                     std::to_string(logits.cols) + "]"));
}

template <EncoderDecoderShape S, class P>
PassBytes<S> Transformer<S, P>::bytes_of(const Context& context, const PairBatch& pairs) const noexcept {
  Index longest = 0;
  for (const Batch* batch : {&pairs.source, &pairs.target})
    for (Index s = 0; s < batch->sequences(); ++s) longest = std::max(longest, batch->length(s));
  return {shape,
          {pairs.source.tokens(), pairs.target.tokens(), pairs.source.sequences(), longest, context.threads->count()}};
}

template <EncoderDecoderShape S, class P>
void Transformer<S, P>::forward(Context& context, const PairBatch& pairs, MutableView logits, Saved* saved,
                                const TransformerWatch* watch) const {
  validate(pairs, logits);
  context.scratch.reserve(bytes_of(context, pairs).forward());
  if (saved != nullptr) context.kept.reserve(bytes_of(context, pairs).kept());
  const Arena::Frame frame(context.scratch);
  const MutableView memory =
      (saved != nullptr ? context.kept : context.scratch).matrix(pairs.source.tokens(), shape.dim);
  encoder.forward(context, pairs.source, pairs.source_ids, memory, part(saved, &Saved::encoder), watch);
  decoder.forward(context, pairs.target, pairs.target_ids, pairs.source, memory, logits, part(saved, &Saved::decoder),
                  watch);
  if (saved != nullptr) saved->memory = memory;
  context.raise_if_ended();
}

template <EncoderDecoderShape S, class P>
void Transformer<S, P>::backward(Context& context, const PairBatch& pairs, View dlogits, const Saved& saved,
                                 const Gradients& gradients) const {
  validate(pairs, dlogits);
  context.scratch.reserve(bytes_of(context, pairs).backward());
  const Arena::Frame frame(context.scratch);
  const MutableView dmemory = context.scratch.matrix(saved.memory.rows, saved.memory.cols);
  kernels::fill(context, dmemory, 0);
  decoder.backward(context, pairs.target, pairs.target_ids, pairs.source, dlogits, saved.decoder, dmemory, gradients);
  encoder.backward(context, pairs.source, pairs.source_ids, dmemory, saved.encoder, gradients);
  context.raise_if_ended();
}

template <EncoderDecoderShape S, class P>
TransformerState Transformer<S, P>::encode(Context& context, const Batch& source, std::span<const std::int32_t> ids,
                                           const DecodeOptions& options, const TransformerWatch* watch) const {
  validate("source", source, ids, shape.source_vocab);
  if (options.beams < 1 || options.tokens < 0 || options.tokens > shape.context)
    raise(OptionError("tfm: decoding needs at least 1 beam and at most " + std::to_string(shape.context) +
                      " tokens, found " + std::to_string(options.beams) + " and " + std::to_string(options.tokens)));
  std::vector<Index> start{0};
  std::vector<std::int32_t> tokens;
  Index longest = 0;
  for (Index s = 0; s < source.sequences(); ++s) {
    const Index n = source.valid_length(s);
    if (n < 1) raise(ShapeError("tfm: sentence " + std::to_string(s) + " is padding alone, at least 1 token expected"));
    tokens.insert(tokens.end(), ids.begin() + source.first(s), ids.begin() + source.first(s) + n);
    start.push_back(static_cast<Index>(tokens.size()));
    longest = std::max(longest, n);
  }
  const Batch ragged{.start = start};
  const Index head_dim = shape.dim / shape.heads;
  TransformerState state({shape.layers, shape.heads, head_dim, options.tokens == 0 ? shape.context : options.tokens,
                          source.sequences() * options.beams, Format::f32},
                         {shape.layers, shape.heads, head_dim, longest, source.sequences(), Format::f32});
  context.scratch.reserve(bytes_of(context, {ragged, tokens, {}, {}}).forward());
  const Arena::Frame frame(context.scratch);
  const MutableView memory = context.scratch.matrix(ragged.tokens(), shape.dim);
  encoder.forward(context, ragged, tokens, memory, nullptr, watch);
  decoder.remember(context, ragged, memory, state.memory());
  for (Index s = 0; s < source.sequences(); ++s) state.memory().advance(s, ragged.length(s));
  context.raise_if_ended();
  return state;
}

template <EncoderDecoderShape S, class P>
void Transformer<S, P>::step(Context& context, std::span<const std::int32_t> tokens, TransformerState& state,
                             MutableView logits, const TransformerWatch* watch) const {
  const Index n = state.hypotheses();
  if (static_cast<Index>(tokens.size()) != n || logits.rows != n || logits.cols != shape.target_vocab)
    raise(ShapeError("tfm: " + std::to_string(n) + " hypotheses want so many tokens and logits [" + std::to_string(n) +
                     ", " + std::to_string(shape.target_vocab) + "], found " + std::to_string(tokens.size()) +
                     " and [" + std::to_string(logits.rows) + ", " + std::to_string(logits.cols) + "]"));
  for (Index h = 0; h < n; ++h) {
    if (tokens[to_size(h)] < 0 || tokens[to_size(h)] >= shape.target_vocab)
      raise(ShapeError("tfm: id " + std::to_string(tokens[to_size(h)]) + " of hypothesis " + std::to_string(h) +
                       " is outside the vocabulary of " + std::to_string(shape.target_vocab)));
    if (state.length(h) >= state.context())
      raise(ContextFull("tfm: hypothesis " + std::to_string(h) + " has " + std::to_string(state.length(h)) +
                        " tokens, which is all there is room for"));
  }
  const Index longest = std::max(state.own().context(), state.memory().context());
  context.scratch.reserve(PassBytes<S>(shape, {.longest = longest, .threads = context.threads->count()}).step(n));
  const Batch batch = state.batch(), source = state.source();
  decoder.step(context, batch, tokens, source, state.own(), state.memory(), logits, watch);
  context.raise_if_ended();
  state.advance();
}

}  // namespace tfm::inline TFM_ABI

#if defined(TFM_EXTERN_TRAINING)
namespace tfm::inline TFM_ABI {
TFM_EXTERN_TRAINING template class Transformer<DynamicShape<Norm::post>, EveryLinear<F32>>;
}  // namespace tfm::inline TFM_ABI
#endif
