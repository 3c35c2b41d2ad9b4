#pragma once
// ThoughtFilter: tells what a model thinks before its answer from the answer, while both come piece by piece.
#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "tfm/core/config.hpp"
#include "tfm/text/white_space.hpp"

namespace tfm::inline TFM_ABI {

/// What a model writes around its thoughts.
struct ThoughtMarks {
  std::string_view open, close;
};
/// By family: Qwen, DeepSeek and most others first; Mistral, Command, Seed, Kimi, Gemma's relatives.
inline constexpr std::array<ThoughtMarks, 6> known_thought_marks{{{"<think>", "</think>"},
                                                                  {"[THINK]", "[/THINK]"},
                                                                  {"<|START_THINKING|>", "<|END_THINKING|>"},
                                                                  {"<seed:think>", "</seed:think>"},
                                                                  {"◁think▷", "◁/think▷"},
                                                                  {"<thought>", "</thought>"}}};

class ThoughtFilter {
  enum class State : unsigned char { beginning, thinking, behind, answering };
  ThoughtMarks marks_;
  State state_;
  bool began_ = false;  // a thought has more than white space
  std::string held_;  // may become a mark, or is white space beside one

 public:
  /// `open`: the prompt has opened the thoughts already.
  explicit ThoughtFilter(ThoughtMarks marks, bool open = false)
      : marks_(marks), state_(open ? State::thinking : State::beginning) {}

  /// Takes a piece of the reply. answer(std::string_view) and thought(std::string_view) get what is decided, and return
  /// false to stop. Thoughts stand at the reply's beginning; the marks, and the white space around them, are nobody's.
  /// False: one of them stopped.
  template <class Answer, class Thought>
  bool push(std::string_view piece, Answer&& answer, Thought&& thought) {
    held_ += piece;
    if (state_ == State::beginning) begin();
    if (state_ == State::thinking && !think(thought)) return false;
    if (state_ == State::behind && !trimmed_left(held_).empty()) {
      held_.erase(0, held_.size() - trimmed_left(held_).size());
      state_ = State::answering;
    }
    if (state_ != State::answering || held_.empty()) return true;
    return answer(std::string_view(std::exchange(held_, {})));
  }
  /// The reply has ended: what was held back is decided.
  template <class Answer, class Thought>
  bool flush(Answer&& answer, Thought&& thought) {
    const std::string rest = std::exchange(held_, {});
    if (rest.empty() || state_ == State::behind) return true;
    return state_ == State::thinking ? thought(std::string_view(rest)) : answer(std::string_view(rest));
  }

 private:
  void begin() {
    const std::string_view text = trimmed_left(held_);
    if (text.starts_with(marks_.open)) {
      held_ = text.substr(marks_.open.size());
      state_ = State::thinking;
    } else if (!marks_.open.starts_with(text)) {
      state_ = State::answering;
    }
  }
  template <class Thought>
  bool think(Thought& thought) {
    if (!began_) held_.erase(0, held_.size() - trimmed_left(held_).size());
    began_ = began_ || !held_.empty();
    const std::size_t close = held_.find(marks_.close);
    std::size_t end = close;
    if (close == held_.npos) {  // what may be the mark's beginning waits, and white space before it
      end = held_.size();
      for (std::size_t n = std::min(held_.size(), marks_.close.size() - 1); n > 0; --n) {
        if (!held_.ends_with(marks_.close.substr(0, n))) continue;
        end = held_.size() - n;
        break;
      }
    }
    const std::string part(trimmed_right(std::string_view(held_).substr(0, end)));
    held_.erase(0, close == held_.npos ? part.size() : close + marks_.close.size());
    if (close != held_.npos) state_ = State::behind;
    return part.empty() || thought(std::string_view(part));
  }
};

}  // namespace tfm::inline TFM_ABI
