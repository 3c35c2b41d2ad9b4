#pragma once
// What tests of models do again and again: equal-length sequences through a fresh cache, and greedy continuation.
#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "tfm/models/llama.hpp"

namespace tfm_test {

using Ids = std::vector<std::int32_t>;

/// Two threads, float32 throughout.
inline tfm::Context exact() {
  tfm::Context context(2);
  context.arithmetic = tfm::Arithmetic::exact;
  return context;
}

/// 0, n, 2 n, … : where `sequences` of n tokens each begin.
inline std::vector<tfm::Index> equal_starts(tfm::Index sequences, tfm::Index n) {
  std::vector<tfm::Index> start;
  for (tfm::Index s = 0; s <= sequences; ++s) start.push_back(s * n);
  return start;
}

/// Logits of every token of `sequences` of equal length, through a cache of `format`.
template <class Model>
tfm::Buffer all_logits(const Model& model, tfm::Context& context, const Ids& ids, tfm::Index sequences,
                       tfm::Format format = tfm::Format::f32, std::span<const unsigned char> valid = {},
                       const tfm::Watch* watch = nullptr) {
  const auto tokens = static_cast<tfm::Index>(ids.size());
  const auto start = equal_starts(sequences, tokens / sequences);
  tfm::KvCache cache = model.make_cache(sequences, tokens / sequences, format);
  tfm::Buffer logits(tokens, model.shape.vocab);
  model.forward(context, tfm::Batch{.start = start, .valid = valid}, ids, cache, tfm::Logits::all, logits, watch);
  return logits;
}

inline std::int32_t argmax(tfm::View row) {
  return static_cast<std::int32_t>(std::max_element(row.data, row.data + row.cols) - row.data);
}

/// The prompt, and `more` ids after it (or up to and with `stop`), each the likeliest.
template <class Model>
Ids greedy(const Model& model, tfm::Context& context, const Ids& prompt, tfm::Index more,
           tfm::Format format = tfm::Format::f32, std::int32_t stop = -1) {
  tfm::KvCache cache = model.make_cache(1, static_cast<tfm::Index>(prompt.size()) + more, format);
  tfm::Buffer logits(1, model.shape.vocab);
  Ids all = prompt, next = prompt;
  for (tfm::Index i = 0; i < more; ++i) {
    const std::vector<tfm::Index> start{0, static_cast<tfm::Index>(next.size())}, position{cache.length(0)};
    model.forward(context, tfm::Batch{.start = start, .position = position}, next, cache, tfm::Logits::last, logits);
    next = {argmax(logits)};
    all.push_back(next[0]);
    if (next[0] == stop) break;
  }
  return all;
}

}  // namespace tfm_test
