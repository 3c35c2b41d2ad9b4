#pragma once
// TransformerWatch: who gives how much attention to whom, for callers that want to see it. What is not asked for costs
// nothing.
#include <functional>
#include <vector>

#include "tfm/layers/batch.hpp"
#include "tfm/models/watch.hpp"

namespace tfm::inline TFM_ABI {

/// Called once for each layer and sequence of a forward pass or a step, with the weights of all heads, before dropout.
/// Views live during the call only.
struct TransformerWatch {
  std::function<void(const AttentionWeights&)> encoder, decoder_self, decoder_cross;
};

/// Room for one layer's weights where somebody watches, and who is then told of them.
class WatchedWeights {
  const std::function<void(const AttentionWeights&)>* told_ = nullptr;
  std::vector<AttentionWeights> sequences_;
  std::vector<std::vector<float>> memory_;
  std::vector<float*> places_;

 public:
  explicit WatchedWeights(const std::function<void(const AttentionWeights&)>* told)
      : told_(told != nullptr && *told ? told : nullptr) {}

  /// Sequence s of `queries` has keys_of(s) keys. What forward passes take: pointers, or null where nobody watches.
  template <class KeysOf>
  float* const* places(Index heads, const Batch& queries, KeysOf keys_of) {
    if (told_ == nullptr) return nullptr;
    if (memory_.empty())
      for (Index s = 0; s < queries.sequences(); ++s) {
        sequences_.push_back({0, s, heads, queries.length(s), keys_of(s), nullptr});
        memory_.emplace_back(to_size(heads * queries.length(s) * keys_of(s)));
        places_.push_back(memory_.back().data());
      }
    return places_.data();
  }
  void tell(Index layer) {
    for (std::size_t s = 0; s < sequences_.size(); ++s) {
      sequences_[s].layer = layer;
      sequences_[s].data = places_[s];
      (*told_)(sequences_[s]);
    }
  }
};

}  // namespace tfm::inline TFM_ABI
