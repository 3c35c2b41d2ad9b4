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

namespace detail {
/// "1,234,567"
inline std::string with_commas(Index n) {
  const std::string digits = std::to_string(n);  // n is no negative number
  std::string text;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) text += ',';
    text += digits[i];
  }
  return text;
}
/// "0:07", "12:34", "3:25:45"
inline std::string duration(double seconds) {
  if (!(seconds < 1e9)) return "?";
  const auto all = static_cast<Index>(std::max(seconds, 0.0) + 0.5), hours = all / 3600;
  const auto two = [](Index n) { return (n < 10 ? "0" : "") + std::to_string(n); };
  const std::string minutes = hours > 0 ? std::to_string(hours) + ":" + two(all / 60 % 60) : std::to_string(all / 60);
  return minutes + ":" + two(all % 60);
}
}  // namespace detail

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
      line += "step " + std::to_string(r.step) + "/" + std::to_string(r.steps) + "  epoch " + detail::fixed(r.epoch, 2) + "  loss " + detail::fixed(since.per_token(), 4);
      line += "  " + (seconds > 0 ? detail::with_commas(static_cast<Index>(static_cast<double>(tokens) / seconds)) : "?") + " tokens/s  " + detail::duration(left) + " left";
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
      std::string line = "evaluation at step " + std::to_string(r.step) + ": loss " + detail::fixed(r.evaluation.loss, 4);
      for (const auto& [figure, value] : r.evaluation.figures) line += ", " + figure + " " + detail::fixed(value, 4);
      state->say(line + (r.best ? " (best so far)" : ""));
    };
    watch.end = [state = state_](const TrainResult& r) {
      if (state->drawn > 0) state->out << '\n', state->drawn = 0;
      state->say(std::string(name(r.ending)) + " after " + std::to_string(r.steps) + " steps in " + detail::duration(state->clock() - state->begun) +
                 (r.skipped > 0 ? ", " + std::to_string(r.skipped) + " skipped" : "") + (r.best_step >= 0 ? ", best loss " + detail::fixed(r.best_loss, 4) + " at step " + std::to_string(r.best_step) : ""));
    };
    return watch;
  }
};

}  // namespace tfm::inline TFM_ABI
