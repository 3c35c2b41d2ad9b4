#pragma once
// Task: what a Trainer asks of the thing that it trains: how many samples there are, and the loss and gradients of some of them.
#include <algorithm>
#include <concepts>
#include <functional>
#include <numeric>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tfm/train/losses.hpp"
#include "tfm/train/parameters.hpp"

namespace tfm::inline TFM_ABI {

/// The samples that go through the model at once: a part of those of one optimizer step.
struct MicroBatch {
  std::span<const Index> samples;  ///< which of the task's samples: 0 .. samples()
  std::span<const Index> numbers;  ///< where each of them stands in the epoch: for Batch::sample, on which dropout depends
  std::span<const Index> step;     ///< all samples of the optimizer step, for what is counted over all of it
  Index part = 0, parts = 1;       ///< this is number `part` of `parts`
};

/// Calls what it is given with the samples of each micro-batch that is to come.
using EachMicroBatch = std::function<void(const std::function<void(std::span<const Index>)>&)>;

/// What an evaluation found.
struct Evaluation {
  double loss = 0;                                      ///< the smaller the better: it chooses the best model and ends training early
  std::vector<std::pair<std::string, double>> figures;  ///< whatever else is to be logged
};

/// `train` adds to the gradients, and its losses over a step's micro-batches add up to the step's loss: it weights its tokens by the
/// whole step (token_weight with the tokens of batch.step), or, for a mean of means, by 1 / batch.parts. context.training is true and
/// context.random is the step's key there. Results may depend on the samples and their numbers only, never on threads or time.
///
/// A task may also have
///   Evaluation evaluate(Context&)                  context.training is false
///   Index tokens(std::span<const Index>) const     what these samples have, for watches: tokens without a label count too
///   PassMemory memory(const Context&, const EachMicroBatch&) const   {kept, scratch}: bytes that train() takes of the context's arenas
///   PassMemory evaluation_memory(const Context&) const               and evaluate(), at most: for Trainer::memory()
///   std::vector<Index> order(RandomKey) const      a permutation of the samples for an epoch, in place of a plain shuffle: by length, …
template <class T>
concept Task = requires(T task, Context& context, const MicroBatch& batch, const Gradients& gradients) {
  { task.samples() } -> std::convertible_to<Index>;
  { task.train(context, batch, gradients) } -> std::convertible_to<Loss>;
};

/// 0 .. n in an order that the key alone decides.    Fisher & Yates 1938, Durstenfeld 1964
inline std::vector<Index> shuffled(Index n, RandomKey key) {
  std::vector<Index> order(to_size(n));
  std::iota(order.begin(), order.end(), Index{0});
  for (Index i = n - 1; i > 0; --i) {
    // of 64 random bits the rest by i + 1: even to one in 2^64 / n
    const auto j = static_cast<std::size_t>(key.bits(static_cast<std::uint64_t>(i)) % static_cast<std::uint64_t>(i + 1));
    std::swap(order[to_size(i)], order[j]);
  }
  return order;
}

/// The order of the samples in an epoch, and their cut into optimizer steps; the last step of an epoch may be smaller.
class EpochOrder {
  std::vector<Index> order_;
  Index epoch_ = -1;

 public:
  static Index steps(Index samples, Index batch) noexcept { return ceil_div(samples, batch); }

  /// The samples of a step, counted from the beginning of training. `make(epoch)` gives an epoch's order.
  template <class Make>
  std::span<const Index> of(Index step, Index samples, Index batch, Make&& make) {
    const Index in_epoch = steps(samples, batch), first = step % in_epoch * batch;
    if (epoch_ != step / in_epoch) {
      std::vector<Index> order = make(step / in_epoch);
      check(order, samples);
      order_ = std::move(order);
      epoch_ = step / in_epoch;
    }
    return std::span<const Index>(order_).subspan(to_size(first), to_size(std::min(batch, samples - first)));
  }

 private:
  static void check(const std::vector<Index>& order, Index samples) {
    std::vector<bool> seen(to_size(samples));
    for (const Index i : order)
      if (i >= 0 && i < samples) seen[to_size(i)] = true;
    if (static_cast<Index>(order.size()) != samples || std::find(seen.begin(), seen.end(), false) != seen.end())
      raise(OptionError("tfm: a task's order() must hold each of its " + std::to_string(samples) + " samples once"));
  }
};

}  // namespace tfm::inline TFM_ABI
