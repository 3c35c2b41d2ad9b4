#pragma once
// TrainWatch: what a caller sees of training while it runs: progress bars, logs and event files are each one.
#include <functional>
#include <string_view>

#include "tfm/train/checkpoint_folder.hpp"
#include "tfm/train/task.hpp"

namespace tfm::inline TFM_ABI {

/// An optimizer step that was done.
struct StepReport {
  Index step{}, steps{};   ///< this one, from 1, of how many
  double epoch{};          ///< passes over the samples so far
  Loss loss;               ///< of the step's samples, before its update
  double gradient_norm{};  ///< before clipping
  float rate{};            ///< the learning rate
  Index samples{};
  Index tokens{};          ///< that went through the model, where the task says how many; otherwise those of the loss
  bool skipped = false;    ///< the loss or a gradient was not finite: nothing was updated
};

/// An evaluation, after `step` steps.
struct EvaluationReport {
  Index step{}, steps{};
  const Evaluation& evaluation;
  bool best = false;  ///< better than all before it
};

/// Why training ended.
enum class Ending : unsigned char { finished, stopped, no_improvement };
constexpr std::string_view name(Ending ending) noexcept {
  constexpr std::array<std::string_view, 3> names{"finished", "stopped on request", "ended early: no improvement"};
  return names[static_cast<std::size_t>(ending)];
}
struct TrainResult {
  Ending ending{};
  Index steps{}, updates{}, skipped{};
  Loss last_loss;        ///< of the last step of this call
  Index best_step = -1;  ///< -1: nothing was evaluated
  double best_loss = 0;
};

/// Seconds: of the day's time for event files, of any steady clock for progress. The library reads no clock of its own.
using Clock = std::function<double()>;

/// Calls of the training thread, in the order of what happens; what they throw ends training, which can be gone on with: see
/// Trainer::fit. Any may be empty.
struct TrainWatch {
  std::function<void(const StepReport&)> step{};
  std::function<void(const EvaluationReport&)> evaluation{};  ///< the weights are still those that were evaluated
  SaveWatch save{};                                           ///< each stage of writing a checkpoint
  std::function<void(const TrainResult&)> end{};
};

}  // namespace tfm::inline TFM_ABI
