#pragma once
// ProgressBar: shows work that takes more than a second in the last line of the terminal, and leaves no trace.
#include <algorithm>
#include <chrono>
#include <optional>
#include <string>

#include "terminal.hpp"
#include "tfm/core/progress.hpp"

namespace cli {

/// Hand callback() to what works; the bar is gone when this is, or after clear(). Silent where standard error is no
/// terminal. Short work is not shown: after a moment, what is done so far says how long it will take.
class ProgressBar {
  using Clock = std::chrono::steady_clock;
  std::optional<Clock::time_point> begin_, drawn_;
  tfm::Index last_done_ = 0;
  bool shown_ = false;

  static double seconds(Clock::duration time) { return std::chrono::duration<double>(time).count(); }

  void draw(const tfm::Progress& progress, double elapsed) {
    constexpr int width = 30;
    const double part = static_cast<double>(progress.done) / static_cast<double>(progress.total);
    const int full = static_cast<int>(part * width);
    std::string line = "\r";
    line.append(progress.what).append(" [");
    for (int i = 0; i < width; ++i) line += i < full ? '#' : '.';
    line += "] " + std::to_string(static_cast<int>(part * 100)) + " %";
    if (part > 0) line += ", " + std::to_string(static_cast<long>(elapsed / part - elapsed + 0.5)) + " s left";
    tell(line + "\x1b[K");
    shown_ = true;
  }

 public:
  ProgressBar() = default;
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;
  ~ProgressBar() { clear(); }

  void update(const tfm::Progress& progress) {
    constexpr double moment = 0.25, long_work = 1, between_two = 0.1;
    if (!has_escapes(standard_error) || progress.total <= 0) return;
    const auto now = Clock::now();
    if (progress.done < last_done_) clear(), begin_.reset();  // other work has begun
    last_done_ = progress.done;
    if (!begin_) begin_ = now;
    const double elapsed = seconds(now - *begin_),
                 part = static_cast<double>(progress.done) / static_cast<double>(progress.total);
    if (!shown_ && (elapsed < moment || (elapsed < long_work && elapsed < part * long_work))) return;
    if (drawn_ && seconds(now - *drawn_) < between_two && progress.done < progress.total) return;
    drawn_ = now;
    draw(progress, elapsed);
  }
  /// The clock starts now rather than with the first update.
  void begin() {
    begin_ = Clock::now();
    last_done_ = 0;
  }
  void clear() {
    if (shown_) tell("\r\x1b[K");
    shown_ = false;
    begin_.reset();
  }

  tfm::ProgressCallback callback() {
    if (!begin_) begin();
    return [this](const tfm::Progress& progress) { update(progress); };
  }
};

}  // namespace cli
