#pragma once
// CausalTask: training a causal model, or an adapter beside it, on texts.
#include <array>
#include <limits>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "tfm/train/causal_loss.hpp"
#include "tfm/train/data/causal_sample.hpp"
#include "tfm/train/data/group_by_length.hpp"
#include "tfm/train/task.hpp"

namespace tfm::inline TFM_ABI {

/// How a step's micro-batches become one loss.
enum class Accumulation : unsigned char {
  means,   ///< the mean of the micro-batches' means, as transformers did up to 4.45, and so the article
  tokens,  ///< the mean over all labelled tokens of the step
};

struct CausalTaskOptions {
  Accumulation accumulation = Accumulation::means;
  Recompute recompute = Recompute::blocks;
  /// Texts count as padded on the left with this token, to the longest of their micro-batch rounded up to `multiple`: the
  /// first token of a shorter one is then asked of a token of padding, as in transformers. None: it is asked of nothing.
  std::optional<std::int32_t> left_pad{};
  Index multiple = 8;
  Index evaluation_batch = 4;  ///< texts that are evaluated at once
  Index group_by_length = 0;   ///< texts of a batch (TrainerOptions::batch) that are to be of like lengths; 0: an epoch's order is a plain shuffle
};

/// The trainable weights of an adapter, named as in PEFT's files, without its prefix.
inline Parameters adapter_parameters(Adapter& adapter) {
  Parameters parameters;
  for (Index slot = 0; slot < adapter.size(); ++slot)
    if (adapter.touches(slot)) {
      const std::string name = adapter[slot].name.empty() ? "slot." + std::to_string(slot) : adapter[slot].name;
      parameters.add(name + ".lora_A.weight", adapter[slot].a, WeightRole::adapter);
      parameters.add(name + ".lora_B.weight", adapter[slot].b, WeightRole::adapter);
    }
  return parameters;
}

/// A Task (task.hpp) over texts that, like the model and the adapter, must outlive it. Without an adapter the model's own
/// F32 weights train.
///   tfm::Adapter adapter(llama.model, {.rank = 8, .alpha = 16});
///   tfm::CausalTask task(llama.model, &adapter, train, validation);
///   tfm::Trainer trainer(context, task, tfm::adapter_parameters(adapter), tfm::AdamW{}, {.steps = 300, .batch = 128, .micro_batch = 4, …});
template <TrainableCausalModel Model>
class CausalTask {
  const Model& model_;
  const Adapter* adapter_;
  const std::vector<CausalSample>& samples_;
  const std::vector<CausalSample>& validation_;
  CausalTaskOptions options_;

  // Texts one behind the other, and whose they are.
  struct Rows {
    std::vector<Index> start{0}, sample;
    std::vector<const Adapter*> adapters;
    std::vector<unsigned char> valid;
    std::vector<std::int32_t> ids, labels;
    Index labelled = 0;

    Batch batch() const { return {.start = start, .adapter = adapters, .sample = sample, .valid = valid}; }
  };

  // Labels that a text's tokens are asked for; `padded`: the first token too.
  static Index labelled(const CausalSample& sample, bool padded) noexcept {
    Index n = 0;
    for (std::size_t t = padded ? 0 : 1; t < sample.labels.size(); ++t) n += sample.labels[t] != ignored_label ? 1 : 0;
    return n;
  }
  Index width(const std::vector<CausalSample>& from, std::span<const Index> which) const noexcept {
    std::size_t longest = 0;
    for (const Index i : which) longest = std::max(longest, from[to_size(i)].ids.size());
    return round_up(static_cast<Index>(longest), options_.multiple);
  }
  Rows rows(const std::vector<CausalSample>& from, std::span<const Index> which, std::span<const Index> numbers) const {
    Rows rows;
    const Index to = width(from, which);
    for (std::size_t i = 0; i < which.size(); ++i) {
      const CausalSample& sample = from[to_size(which[i])];
      const bool padded = options_.left_pad && static_cast<Index>(sample.ids.size()) < to;
      if (padded) {
        rows.ids.push_back(*options_.left_pad);
        rows.labels.push_back(ignored_label);
        rows.valid.push_back(0);
      }
      rows.ids.insert(rows.ids.end(), sample.ids.begin(), sample.ids.end());
      rows.labels.insert(rows.labels.end(), sample.labels.begin(), sample.labels.end());
      rows.valid.insert(rows.valid.end(), sample.ids.size(), 1);
      rows.start.push_back(static_cast<Index>(rows.ids.size()));
      rows.sample.push_back(numbers.empty() ? 0 : numbers[i]);
      rows.adapters.push_back(adapter_);
      rows.labelled += labelled(sample, padded);
    }
    return rows;
  }
  // The validation texts, some at a time.
  void for_each_evaluation(auto&& f) const {
    std::vector<Index> which;
    for (Index first = 0; first < static_cast<Index>(validation_.size()); first += options_.evaluation_batch) {
      which.clear();
      for (Index i = first; i < std::min(first + options_.evaluation_batch, static_cast<Index>(validation_.size())); ++i) which.push_back(i);
      f(which);
    }
  }
  PassMemory pass_memory(const Context& context, const std::vector<CausalSample>& from, const EachMicroBatch& each, bool backward) const {
    std::set<std::array<Index, 3>> sizes;  // many micro-batches have the same: sequences, tokens, the longest's
    each([&](std::span<const Index> which) {
      const Index to = width(from, which);
      std::array<Index, 3> size{static_cast<Index>(which.size()), 0, 0};
      for (const Index i : which) {
        const auto own = static_cast<Index>(from[to_size(i)].ids.size()), n = own + (options_.left_pad && own < to ? 1 : 0);
        size[1] += n, size[2] = std::max(size[2], n);
      }
      sizes.insert(size);
    });
    PassMemory most;
    for (const auto& [sequences, tokens, longest] : sizes)
      most = most.or_more(training_memory(context, model_, {tokens, sequences, longest, adapter_, options_.recompute, backward}, logit_rows));
    return most;
  }
  // Labels of a whole step, whose micro-batches are as long as this one, but for the last.
  Index step_labels(const MicroBatch& batch) const noexcept {
    const bool last = batch.part + 1 == batch.parts && batch.parts > 1;
    const std::size_t each = last ? (batch.step.size() - batch.samples.size()) / to_size(batch.parts - 1) : batch.samples.size();
    Index n = 0;
    for (std::size_t first = 0; first < batch.step.size(); first += each) {
      const auto part = batch.step.subspan(first, std::min(each, batch.step.size() - first));
      const Index to = width(samples_, part);
      for (const Index i : part) {
        const CausalSample& sample = samples_[to_size(i)];
        n += labelled(sample, options_.left_pad && static_cast<Index>(sample.ids.size()) < to);
      }
    }
    return n;
  }

 public:
  /// Errors: ShapeError for a text without tokens, or whose labels are more or fewer; OptionError for options that make no sense.
  CausalTask(const Model& model, const Adapter* adapter, const std::vector<CausalSample>& samples, const std::vector<CausalSample>& validation,
             CausalTaskOptions options = {})
      : model_(model), adapter_(adapter), samples_(samples), validation_(validation), options_(options) {
    for (const auto* const texts : {&samples_, &validation_})
      for (const CausalSample& sample : *texts)
        if (sample.ids.empty() || sample.ids.size() != sample.labels.size())
          raise(ShapeError("tfm: a text needs at least one token and a label for each, found " + std::to_string(sample.ids.size()) + " and " +
                           std::to_string(sample.labels.size())));
    if (options_.multiple < 1) raise(OptionError("tfm: multiple must be at least 1, found " + std::to_string(options_.multiple)));
    if (options_.group_by_length < 0) raise(OptionError("tfm: group_by_length must be at least 0, found " + std::to_string(options_.group_by_length)));
  }

  Index samples() const noexcept { return static_cast<Index>(samples_.size()); }
  Index tokens(std::span<const Index> which) const noexcept {
    Index n = 0;
    for (const Index i : which) n += static_cast<Index>(samples_[to_size(i)].ids.size());
    return n;
  }

  std::vector<Index> order(RandomKey key) const {
    if (options_.group_by_length == 0) return shuffled(samples(), key);
    std::vector<Index> lengths;
    for (const CausalSample& sample : samples_) lengths.push_back(static_cast<Index>(sample.ids.size()));
    return grouped_by_length(lengths, options_.group_by_length, key);
  }

  Loss train(Context& context, const MicroBatch& batch, const Gradients& gradients) const {
    const Rows own = rows(samples_, batch.samples, batch.numbers);
    const bool means = options_.accumulation == Accumulation::means;
    const float weight = token_weight(Reduction::tokens, means ? own.labelled * batch.parts : step_labels(batch), 0);
    return causal_loss(context, model_, own.batch(), own.ids, own.labels, {.weight = weight}, &gradients, options_.recompute);
  }

  /// What train() takes of the context's arenas for these micro-batches, and what evaluate() takes.
  PassMemory memory(const Context& context, const EachMicroBatch& each) const { return pass_memory(context, samples_, each, true); }
  PassMemory evaluation_memory(const Context& context) const {
    return pass_memory(context, validation_, [&](const auto& f) { for_each_evaluation(f); }, false);
  }

  /// The mean over all labelled tokens of the validation texts, in nats; NaN, which is never the best, where no token has a label.
  Evaluation evaluate(Context& context) const {
    Loss loss;
    for_each_evaluation([&](std::span<const Index> which) {
      const Rows own = rows(validation_, which, {});
      loss += causal_loss(context, model_, own.batch(), own.ids, own.labels, {}, nullptr, options_.recompute);
    });
    return {loss.tokens > 0 ? loss.per_token() : std::numeric_limits<double>::quiet_NaN(), {{"tokens", static_cast<double>(loss.tokens)}}};
  }
};

}  // namespace tfm::inline TFM_ABI

#if defined(TFM_EXTERN_TRAINING)
#include "tfm/models/any_model.hpp"

namespace tfm::inline TFM_ABI {
TFM_EXTERN_TRAINING template class CausalTask<AnyLlama>;
TFM_EXTERN_TRAINING template class CausalTask<AnyModel>;
}  // namespace tfm::inline TFM_ABI
#endif
