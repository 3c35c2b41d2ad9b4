#pragma once
// The forward pass of Llama: its checks, its steps, and the way from a padded batch to a ragged one.
#include "tfm/models/llama.hpp"

namespace tfm::inline TFM_ABI {

template <Shape S, class P>
void Llama<S, P>::require_fit(const Adapter& adapter) const {
  for (std::size_t i = 0; i < layers.size(); ++i)
    visit_layers(layers[i], [&](const auto& part) {
      if constexpr (CarriesAdapter<std::remove_cvref_t<decltype(part)>>) {
        const Index slot = part.adapter_slot();
        if (!adapter.touches(slot) || part.fits(adapter[slot])) return;
        const auto size = [](const auto& w) { return joined({"[", w.rows(), ", ", w.cols(), "]"}); };
        const LoraPair& pair = adapter[slot];
        raise<ShapeError>({"tfm: the adapter's pair ", slot, " is for a weight of model.layers.", i, " that is ",
                           size(part.base_weight()), ", found A ", size(pair.a), " and B ", size(pair.b)});
      }
    });
}

template <Shape S, class P>
void Llama<S, P>::validate(const Batch& batch, std::span<const std::int32_t> ids, const KvCache& cache, Logits wanted,
                           View logits) const {
  const auto one_each = [&](const char* what, std::size_t found) {
    if (found != 0 && static_cast<Index>(found) != batch.sequences())
      raise<ShapeError>({"tfm: Batch::", what, " has one entry a sequence, found ", found, " for ", batch.sequences(), " sequences"});
  };
  one_each("position", batch.position.size());
  one_each("slot", batch.slot.size());
  one_each("adapter", batch.adapter.size());
  one_each("sample", batch.sample.size());
  one_each("logits", batch.logits.size());
  if (!batch.start.empty() && batch.start.front() != 0)
    raise<ShapeError>({"tfm: Batch::start begins with ", batch.start.front(), ", expected 0"});
  if (static_cast<Index>(ids.size()) != batch.tokens() || batch.tokens() == 0)
    raise<ShapeError>({"tfm: the batch has ", batch.tokens(), " tokens, found ", ids.size(), " ids (at least 1 expected)"});
  if (!batch.valid.empty() && static_cast<Index>(batch.valid.size()) != batch.tokens())
    raise<ShapeError>({"tfm: Batch::valid has one entry a token, found ", batch.valid.size(), " for ", batch.tokens(), " tokens"});
  const auto is_token = [&](std::size_t row) { return batch.valid.empty() || batch.valid[row] != 0; };
  for (std::size_t i = 0; i < ids.size(); ++i)
    if (is_token(i) && (ids[i] < 0 || ids[i] >= shape.vocab))
      raise<ShapeError>({"tfm: id ", ids[i], " at token ", i, " is outside the vocabulary of ", shape.vocab});
  const CacheShape expected = cache_shape(shape, cache.sequences(), cache.context(), cache.shape().format),
                   &found = cache.shape();
  if (found.layers != expected.layers || found.kv_heads != expected.kv_heads || found.head_dim != expected.head_dim)
    raise<ShapeError>({"tfm: the cache has ", found.layers, " layers of ", found.kv_heads, " x ", found.head_dim, ", the model ",
                       expected.layers, " of ", expected.kv_heads, " x ", expected.head_dim});
  const Index rows = batch.logit_rows(wanted);
  if (rows > 0 && (logits.rows != rows || logits.cols != shape.vocab || logits.data == nullptr))
    raise<ShapeError>({"tfm: logits need room for [", rows, ", ", shape.vocab, "], found [", logits.rows, ", ", logits.cols, "]"});
  for (Index s = 0; s < batch.sequences(); ++s)
    if (batch.length(s) < 1)
      raise<ShapeError>({"tfm: sequence ", s, " has ", batch.length(s), " tokens, at least 1 expected"});
  for (Index s = 0; s < batch.sequences(); ++s) {
    const Index slot = batch.slot_of(s);
    if (slot < 0 || slot >= cache.sequences())
      raise<ShapeError>({"tfm: sequence ", s, " is in slot ", slot, ", the cache has ", cache.sequences()});
    for (Index other = 0; other < s; ++other)
      if (batch.slot_of(other) == slot)
        raise<ShapeError>({"tfm: sequences ", other, " and ", s, " are both in slot ", slot});
    if (batch.position_of(s) != cache.length(slot))
      raise<ShapeError>({"tfm: sequence ", s, " begins at position ", batch.position_of(s), ", slot ", slot, " holds ",
                         cache.length(slot)});
    if (const Adapter* const adapter = batch.adapter_of(s)) require_fit(*adapter);
    Index n = 0;  // without padding, which takes no room
    for (Index t = batch.first(s); t < batch.first(s) + batch.length(s); ++t) n += is_token(to_size(t)) ? 1 : 0;
    if (n == 0) raise<ShapeError>({"tfm: sequence ", s, " is padding alone, at least 1 token expected"});
    if (cache.length(slot) + n > cache.context())
      raise<ContextFull>({"tfm: slot ", slot, " holds ", cache.length(slot), " tokens and ", n, " more were given, its context is ",
                          cache.context()});
  }
}

template <Shape S, class P>
void Llama<S, P>::run(Context& context, const Batch& batch, std::span<const std::int32_t> ids, KvCache& cache,
                      Logits wanted, MutableView logits, const Watch* watch) const {
  const Arena::Frame frame(context.scratch);
  const Index tokens = batch.tokens(), half = rotary_dim(shape) / 2;
  const MutableView x = context.scratch.matrix(tokens, shape.dim);
  const RotaryAngles all{context.scratch.matrix(tokens, half), context.scratch.matrix(tokens, half)};
  RotaryAngles local;
  embed(context, ids, x);
  angles(context, batch, cache.context(), all);
  if (!local_frequencies.empty()) {
    local = {context.scratch.matrix(tokens, half), context.scratch.matrix(tokens, half)};
    local_angles(context, batch, local);
  }
  if (watch != nullptr && watch->hidden) watch->hidden(0, x);

  for (std::size_t l = 0; l < layers.size() && !context.ended(); ++l) {
    const Index layer = static_cast<Index>(l);
    const auto& [cosine, sine] = angles_of(layer, all, local);
    if (watch != nullptr && watch->attention) {
      std::vector<std::vector<float>> weights;
      std::vector<float*> places;
      for (Index s = 0; s < batch.sequences(); ++s) {
        weights.emplace_back(to_size(shape.heads * batch.length(s) * (batch.position_of(s) + batch.length(s))));
        places.push_back(weights.back().data());
      }
      layers[l].forward(context, batch, layer, cache, cosine, sine, shape.norm_eps, x, places.data());
      for (Index s = 0; s < batch.sequences(); ++s)
        watch->attention(
            {layer, s, shape.heads, batch.length(s), batch.position_of(s) + batch.length(s), places[to_size(s)]});
    } else {
      layers[l].forward(context, batch, layer, cache, cosine, sine, shape.norm_eps, x);
    }
    if (watch != nullptr && watch->hidden && l + 1 < layers.size()) watch->hidden(layer + 1, x);
  }

  if (watch != nullptr && watch->hidden) {
    const Arena::Frame inner(context.scratch);
    const MutableView normed = context.scratch.matrix(tokens, shape.dim);
    norm.forward(context, x, shape.norm_eps, normed);
    watch->hidden(static_cast<Index>(layers.size()), normed);
  }
  const Index count = batch.logit_rows(wanted);
  if (count == 0) return;
  const MutableView rows = count == tokens ? x : context.scratch.matrix(count, shape.dim);
  Index next = 0;
  for (Index s = 0; s < batch.sequences() && count < tokens; ++s) {
    const Index n = batch.logit_rows(s, wanted);  // the last so many
    kernels::copy(context, x.slice(batch.first(s) + batch.length(s) - n, n), rows.slice(next, n));
    next += n;
  }
  norm.forward(context, rows, shape.norm_eps, rows);
  head(context, rows, logits);
}

// A padded batch is run as the ragged one of its tokens: padding is neither computed nor seen. Among all of a sequence's rows
// those of padding get logits of 0; Logits::last is each sequence's last token that is valid.
template <Shape S, class P>
void Llama<S, P>::forward_padded(Context& context, const Batch& batch, std::span<const std::int32_t> ids,
                                 KvCache& cache, Logits wanted, MutableView logits, const Watch* watch) const {
  std::vector<Index> start{0}, rows, position, slot;
  std::vector<const Adapter*> adapter;
  std::vector<std::int32_t> tokens;
  for (Index s = 0; s < batch.sequences(); ++s) {
    for (Index t = batch.first(s); t < batch.first(s) + batch.length(s); ++t)
      if (batch.valid[to_size(t)] != 0) rows.push_back(t), tokens.push_back(ids[to_size(t)]);
    start.push_back(static_cast<Index>(rows.size()));
    position.push_back(batch.position_of(s));
    slot.push_back(batch.slot_of(s));
    adapter.push_back(batch.adapter_of(s));
  }
  const Batch ragged{.start = start, .position = position, .slot = slot, .adapter = adapter, .sample = batch.sample, .logits = batch.logits};
  if (ragged.logit_rows(wanted) == batch.logit_rows(wanted)) return forward(context, ragged, tokens, cache, wanted, logits, watch);
  Buffer compact(ragged.logit_rows(wanted), shape.vocab);
  forward(context, ragged, tokens, cache, wanted, compact, watch);
  std::vector<Index> places;  // of compact's rows among the logits
  Index to = 0;
  for (Index s = 0; s < batch.sequences(); ++s) {
    const bool all = batch.logits_of(s, wanted) == Logits::all;
    for (Index i = 0; i < ragged.logit_rows(s, wanted); ++i)
      places.push_back(all ? to + rows[to_size(start[to_size(s)] + i)] - batch.first(s) : to);
    to += batch.logit_rows(s, wanted);
  }
  kernels::fill(context, logits, 0);
  kernels::put_rows(context, compact, places.data(), logits);
}

}  // namespace tfm::inline TFM_ABI
