#pragma once
// TransformerState: translations under way: their keys and values so far, and their sources' keys and values, projected
// once.
#include <span>
#include <string>
#include <vector>

#include "tfm/layers/batch.hpp"
#include "tfm/layers/kv_cache.hpp"

namespace tfm::inline TFM_ABI {

/// A value that Transformer::encode makes and step continues. Hypothesis h is one translation under way, `hypotheses()`
/// of them: at first one for each sentence, in order; reorder() forks and drops them, which is what beam search does
/// between steps.
class TransformerState {
  KvCache own_, memory_;
  std::vector<Index> slot_, source_;  // of each hypothesis: where its keys are, and which sentence it translates
  std::vector<Index> new_slot_, new_source_;
  std::vector<Index> start_, position_, last_key_;  // what a step's batches are made of
  std::vector<unsigned char> taken_;

 public:
  TransformerState() = default;
  /// own: room for all hypotheses; memory: a slot for each sentence.
  TransformerState(const CacheShape& own, const CacheShape& memory)
      : own_(own), memory_(memory), taken_(to_size(own.sequences)) {
    for (std::vector<Index>* each : {&slot_, &source_, &new_slot_, &new_source_, &position_, &last_key_})
      each->reserve(to_size(own.sequences));
    for (Index i = 0; i <= own.sequences; ++i) start_.push_back(i);
    for (Index s = 0; s < memory.sequences; ++s) slot_.push_back(s), source_.push_back(s);
  }

  Index hypotheses() const noexcept { return static_cast<Index>(slot_.size()); }
  /// The most hypotheses there can be: sentences x beams.
  Index capacity() const noexcept { return own_.sequences(); }
  Index sentences() const noexcept { return memory_.sequences(); }
  /// Which sentence hypothesis h translates.
  Index sentence(Index h) const noexcept { return source_[to_size(h)]; }
  /// Tokens that hypothesis h has been given.
  Index length(Index h) const noexcept { return own_.length(slot_[to_size(h)]); }
  /// Tokens that there is room for.
  Index context() const noexcept { return own_.context(); }
  /// Keys that a sentence has.
  Index source_length(Index sentence) const noexcept { return memory_.length(sentence); }

  /// From now on hypothesis i is what hypothesis parents[i] was: {0, 0, 2} doubles the first, drops the second and
  /// keeps the third. Only doubled ones are copied. Errors: ShapeError for a parent that is not there, or more than
  /// capacity().
  void reorder(std::span<const Index> parents) {
    if (static_cast<Index>(parents.size()) > capacity())
      raise(ShapeError("tfm: the state has room for " + std::to_string(capacity()) + " hypotheses, found " +
                       std::to_string(parents.size()) + " parents"));
    for (const Index parent : parents)
      if (parent < 0 || parent >= hypotheses())
        raise(ShapeError("tfm: parent " + std::to_string(parent) + " is not among the state's " +
                         std::to_string(hypotheses()) + " hypotheses"));
    taken_.assign(taken_.size(), 0);
    for (const Index parent : parents) taken_[to_size(slot_[to_size(parent)])] = 1;
    // The first child stays where its parent is; every further one gets a copy in a slot that nobody needs.
    new_slot_.clear(), new_source_.clear();
    Index free = 0;
    for (std::size_t i = 0; i < parents.size(); ++i) {
      Index slot = slot_[to_size(parents[i])];
      bool first = true;
      for (std::size_t j = 0; j < i && first; ++j) first = parents[j] != parents[i];
      if (!first) {
        while (taken_[to_size(free)] != 0) ++free;
        taken_[to_size(free)] = 1;
        own_.fork(slot, free);
        slot = free;
      }
      new_slot_.push_back(slot), new_source_.push_back(source_[to_size(parents[i])]);
    }
    slot_.swap(new_slot_), source_.swap(new_source_);
    for (Index slot = 0; slot < own_.sequences(); ++slot)
      if (taken_[to_size(slot)] == 0) own_.truncate(slot, 0);
  }

  // What Transformer needs: the caches, and the batches of the next step.
  KvCache& own() noexcept { return own_; }
  KvCache& memory() noexcept { return memory_; }
  Batch batch() {
    position_.clear();
    for (const Index slot : slot_) position_.push_back(own_.length(slot));
    return {.start = {start_.data(), slot_.size() + 1}, .position = position_, .slot = slot_};
  }
  /// One query a hypothesis, which sees all keys of its sentence.
  Batch source() {
    last_key_.clear();
    for (const Index sentence : source_) last_key_.push_back(memory_.length(sentence) - 1);
    return {.start = {start_.data(), slot_.size() + 1}, .position = last_key_, .slot = source_};
  }
  void advance() noexcept {
    for (const Index slot : slot_) own_.advance(slot, 1);
  }
};

}  // namespace tfm::inline TFM_ABI
