#pragma once
// Losses: what a batch costs, and the gradient to its logits.
#include <cstdint>
#include <span>
#include <string>

#include "tfm/core/error.hpp"
#include "tfm/kernels/losses.hpp"

namespace tfm::inline TFM_ABI {

/// What the losses of a step's tokens become together.
enum class Reduction : unsigned char {
  d2l,     ///< of each sequence the mean over all steps, padding counting as 0; the sum over the sequences (Dive into Deep Learning, 10.7)
  tokens,  ///< the mean over the valid tokens
};

/// What a valid token's loss is multiplied with. `tokens`: valid tokens of the whole optimizer step, over all its micro-batches;
/// `steps`: tokens of a padded sequence. Sums of micro-batches are then the step's loss and gradient.
inline float token_weight(Reduction reduction, Index tokens, Index steps) noexcept {
  const Index parts = reduction == Reduction::d2l ? steps : tokens;
  return parts > 0 ? 1.f / static_cast<float>(parts) : 0.f;
}

/// The loss of some tokens; losses of parts add up.
struct Loss {
  double value = 0;  ///< what is minimised
  double nats = 0;   ///< Σ -ln p(label) of the tokens, without smoothing or weight; nats / tokens is the true loss per token
  Index tokens = 0;  ///< that have a label

  Loss& operator+=(const Loss& other) noexcept {
    value += other.value;
    nats += other.nats;
    tokens += other.tokens;
    return *this;
  }
  double per_token() const noexcept { return tokens > 0 ? nats / static_cast<double>(tokens) : 0; }
};

/// A label that counts for nothing, as in PyTorch.
inline constexpr std::int32_t ignored_label = -100;

struct CrossEntropyOptions {
  float weight = 1;                          ///< of each valid token: token_weight(…)
  float label_smoothing = 0;                 ///< 0 .. 1    Szegedy et al. 2016, arXiv:1512.00567, section 7
  std::span<const unsigned char> valid = {};  ///< [tokens]: 0 where a token counts for nothing; none: all but ignored labels count
};

/// weight Σ loss of the rows of logits [tokens, classes] under labels [tokens]; and, where dlogits has data, its gradient there
/// (dlogits may be logits). Rows that do not count have gradient 0. The same bits for any number of threads.
/// Errors: ShapeError for sizes that differ or a label outside the classes, OptionError for a smoothing outside 0 .. 1.
inline Loss cross_entropy(Context& context, View logits, std::span<const std::int32_t> labels, const CrossEntropyOptions& options,
                          MutableView dlogits = {}) {
  const auto tokens = static_cast<Index>(labels.size());
  if (tokens != logits.rows) raise(ShapeError("tfm: found " + std::to_string(tokens) + " labels for " + std::to_string(logits.rows) + " rows of logits"));
  if (!options.valid.empty() && options.valid.size() != labels.size())
    raise(ShapeError("tfm: found " + std::to_string(options.valid.size()) + " marks of validity for " + std::to_string(tokens) + " labels"));
  if (dlogits.data != nullptr && (dlogits.rows != logits.rows || dlogits.cols != logits.cols))
    raise(ShapeError("tfm: the gradient of logits [" + std::to_string(logits.rows) + ", " + std::to_string(logits.cols) + "] is [" +
                     std::to_string(dlogits.rows) + ", " + std::to_string(dlogits.cols) + "]"));
  if (!(options.label_smoothing >= 0 && options.label_smoothing <= 1))
    raise(OptionError("tfm: label smoothing must be from 0 to 1, found " + std::to_string(options.label_smoothing)));
  const Arena::Frame frame(context.scratch);
  auto* const counted = context.scratch.take<std::int32_t>(tokens);
  Loss loss;
  for (Index t = 0; t < tokens; ++t) {
    const std::int32_t label = labels[to_size(t)];
    const bool counts = label != ignored_label && (options.valid.empty() || options.valid[to_size(t)] != 0);
    if (counts && (label < 0 || label >= logits.cols))
      raise(ShapeError("tfm: label " + std::to_string(label) + " of token " + std::to_string(t) + " is none of " + std::to_string(logits.cols) + " classes"));
    counted[t] = counts ? label : -1;
    loss.tokens += counts ? 1 : 0;
  }
  auto* const rows = context.scratch.take<kernels::RowLoss>(tokens);
  kernels::cross_entropy(context, logits, counted, options.weight, options.label_smoothing, dlogits, rows);
  double smoothed = 0;
  for (Index t = 0; t < tokens; ++t) loss.nats += rows[t].nats, smoothed += rows[t].smoothed;
  loss.value = rounded_product(static_cast<double>(options.weight), smoothed);
  return loss;
}

}  // namespace tfm::inline TFM_ABI
