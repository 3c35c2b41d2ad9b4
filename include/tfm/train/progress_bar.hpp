#pragma once
// ProgressBar: how training gets on, for a person: one line that changes on a terminal, plain lines elsewhere.
#include <cmath>
#include <memory>
#include <ostream>

#include "tfm/train/decimals.hpp"
#include "tfm/train/train_watch.hpp"

namespace tfm::inline TFM_ABI {

struct ProgressOptions {
  bool terminal = false;    ///< whether the stream is a terminal (isatty): the line is then drawn over itself
  double every = 0;         ///< seconds between lines; 0: a tenth of a second on a terminal, ten seconds elsewhere
  Index bar = 24;           ///< characters of the bar on a terminal
  std::function<std::string()> note{};  ///< more for the end of the line, such as memory; or empty
};

/// Writes to the caller's stream at the times of the caller's steady clock: step, epoch, loss per token since the last line, tokens a
/// second, time left; evaluations on lines of their own. Make it just before fit(): its time begins then.
///   ProgressBar bar(std::cerr, seconds, {.terminal = isatty(2) == 1});  trainer.watch(bar.watch());
class ProgressBar {
  struct State {
    std::ostream& out;
    Clock clock;
    ProgressOptions options;
    double begun, shown;
    Loss since{};          // the last line
    Index tokens = 0;      // since the beginning
    Index first = -1;      // the step before the first that was seen
    std::size_t drawn = 0;  // characters of the line on the terminal

    void clear() {
      if (drawn > 0) out << '\r' << std::string(drawn, ' ') << '\r';
      drawn = 0;
    }
    void step(const StepReport& r) {
      if (first < 0) first = r.step - 1;
      if (!r.skipped) since += r.loss;
      tokens += r.tokens;
      const double now = clock();
      if (now - shown < options.every && r.step < r.steps) return;
      const double seconds = now - begun, left = seconds / static_cast<double>(r.step - first) * static_cast<double>(r.steps - r.step);
      std::string line;
      if (options.terminal) {
        const Index full = r.step * options.bar / r.steps;
        line = "[" + std::string(to_size(full), '#') + std::string(to_size(options.bar - full), '-') + "] ";
      }
      line += "step " + std::to_string(r.step) + "/" + std::to_string(r.steps) + "  epoch " + fixed_text(r.epoch, 2) + "  loss " + fixed_text(since.per_token(), 4);
      line += "  " + (seconds > 0 ? grouped_text(static_cast<Index>(static_cast<double>(tokens) / seconds)) : "?") + " tokens/s  " + duration_text(left) + " left";
      if (options.note) line += "  " + options.note();
      if (options.terminal) {
        out << '\r' << line << std::string(drawn > line.size() ? drawn - line.size() : 0, ' ');
        drawn = line.size();
      } else {
        out << line << '\n';
      }
      out.flush();
      shown = now;
      since = {};
    }
    void say(const std::string& line) {
      clear();
      out << line << '\n';
      out.flush();
    }
  };
  std::shared_ptr<State> state_;

 public:
  ProgressBar(std::ostream& out, Clock clock, ProgressOptions options = {}) {
    if (options.every <= 0) options.every = options.terminal ? 0.1 : 10;
    const double now = clock();
    state_ = std::make_shared<State>(State{out, std::move(clock), std::move(options), now, now});
  }

  TrainWatch watch() const {
    TrainWatch watch;
    watch.step = [state = state_](const StepReport& r) {
      if (r.skipped) state->say("step " + std::to_string(r.step) + " is skipped: its loss is " + number_text(r.loss.value) + ", the norm of its gradients " + number_text(r.gradient_norm));
      state->step(r);
    };
    watch.evaluation = [state = state_](const EvaluationReport& r) {
      std::string line = "evaluation at step " + std::to_string(r.step) + ": loss " + fixed_text(r.evaluation.loss, 4);
      for (const auto& [figure, value] : r.evaluation.figures) line += ", " + figure + " " + fixed_text(value, 4);
      state->say(line + (r.best ? " (best so far)" : ""));
    };
    watch.end = [state = state_](const TrainResult& r) {
      if (state->drawn > 0) state->out << '\n', state->drawn = 0;
      state->say(std::string(name(r.ending)) + " after " + std::to_string(r.steps) + " steps in " + duration_text(state->clock() - state->begun) +
                 (r.skipped > 0 ? ", " + std::to_string(r.skipped) + " skipped" : "") + (r.best_step >= 0 ? ", best loss " + fixed_text(r.best_loss, 4) + " at step " + std::to_string(r.best_step) : ""));
    };
    return watch;
  }
};

}  // namespace tfm::inline TFM_ABI
