#pragma once
// Watch: what a caller wants to see inside a forward pass. What is not asked for costs nothing.
#include <functional>

#include "tfm/core/view.hpp"

namespace tfm::inline TFM_ABI {

/// What each query of one sequence gives to each key, in one layer: row (head, token) of `keys` probabilities.
struct AttentionWeights {
  Index layer{}, sequence{}, heads{}, tokens{}, keys{};
  const float* data{};

  View head(Index h) const noexcept { return {data + h * tokens * keys, tokens, keys}; }
};

/// Views live during the call only. A padded batch is seen without its padding. What a callback throws reaches the caller of
/// forward, whose cache is as it was.
struct Watch {
  /// [tokens, dim] after layer: 0 the embedding, l the output of block l - 1; the last one after the final norm, as
  /// Hugging Face's hidden_states.
  std::function<void(Index layer, View hidden)> hidden;
  std::function<void(const AttentionWeights&)> attention;
};

}  // namespace tfm::inline TFM_ABI
