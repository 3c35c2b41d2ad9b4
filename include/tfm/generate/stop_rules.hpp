#pragma once
// StopRules: what ends an answer. StopFilter: keeps stop strings out of text that arrives in pieces.
#include <algorithm>
#include <array>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tfm/core/error.hpp"
#include "tfm/core/index.hpp"
#include "tfm/text/tokenizer.hpp"

namespace tfm::inline TFM_ABI {

/// Why an answer ended.
enum class StopReason : unsigned char {
  stop_token,    ///< the model said a stop token, usually the end of its turn
  stop_string,   ///< the text reached a stop string
  max_tokens,    ///< as many tokens as were asked for
  context_full,  ///< no room for another token
  callback,      ///< the callback returned false
  stopped,       ///< the StopToken asked for it
};

constexpr std::string_view name(StopReason reason) noexcept {
  constexpr std::array<std::string_view, 6> names{"stop_token",   "stop_string", "max_tokens",
                                                  "context_full", "callback",    "stopped"};
  return names[static_cast<std::size_t>(reason)];
}

/// Tokens and texts that end an answer. Neither is part of it.
class StopRules {
  std::vector<Token> tokens_;
  std::vector<std::string> strings_;

 public:
  StopRules() = default;
  /// \throws OptionError for a string that would stop everything, or starts within a character
  explicit StopRules(std::vector<Token> tokens, std::vector<std::string> strings = {})
      : tokens_(std::move(tokens)), strings_(std::move(strings)) {
    for (std::size_t i = 0; i < strings_.size(); ++i) {
      const std::string which = "tfm: stop string " + std::to_string(i + 1) + " of " + std::to_string(strings_.size());
      if (strings_[i].empty()) raise<OptionError>({which, " is empty, expected at least one character"});
      if ((static_cast<unsigned char>(strings_[i][0]) & 0xc0) == 0x80) {
        raise<OptionError>({which, " starts within a UTF-8 character, expected whole characters"});
      }
    }
  }

  bool stops(Token token) const noexcept { return std::find(tokens_.begin(), tokens_.end(), token) != tokens_.end(); }
  std::span<const Token> tokens() const noexcept { return tokens_; }
  std::span<const std::string> strings() const noexcept { return strings_; }
};

/// Streamed text on its way to the user. What could still become a stop string is held back until it is clear; where
/// one is complete, what stands before it is the end. How the text is cut into pieces makes no difference: the stop
/// string that is complete first ends the answer, and of those complete at the same character the longest.
///   StopFilter filter(rules.strings());
///   for (piece : pieces) { emit(filter.push(piece)); if (filter.found()) break; }
///   emit(filter.flush());
class StopFilter {
  std::vector<std::string> strings_;
  std::string text_;  // out_ characters that were let out by the last call, then those held back
  std::size_t out_ = 0;
  bool found_ = false;

 public:
  StopFilter() = default;
  explicit StopFilter(std::span<const std::string> strings) : strings_(strings.begin(), strings.end()) {}

  /// Takes the next piece, gives the text that may be shown now; it lives until the next call. Nothing after found().
  std::string_view push(std::string_view piece) {
    text_.erase(0, out_);
    out_ = 0;
    if (found_) return {};
    const std::size_t held = text_.size();
    text_.append(piece);
    for (std::size_t end = held + 1; end <= text_.size(); ++end) {
      const std::size_t longest = longest_ending(std::string_view(text_).substr(0, end));
      if (longest == 0) continue;
      found_ = true;
      out_ = end - longest;
      text_.resize(out_);
      return text_;
    }
    out_ = text_.size() - undecided();
    return std::string_view(text_).substr(0, out_);
  }

  /// The end of the text: gives what was held back. The filter is empty then, and found() stays.
  std::string_view flush() {
    text_.erase(0, out_);
    out_ = text_.size();
    return text_;
  }

  /// A stop string was complete.
  bool found() const noexcept { return found_; }

  /// Ready for another text with the same stop strings.
  void reset() noexcept {
    text_.clear();
    out_ = 0;
    found_ = false;
  }

 private:
  /// The length of the longest stop string that `text` ends with, or 0.
  std::size_t longest_ending(std::string_view text) const noexcept {
    std::size_t longest = 0;
    for (const std::string& s : strings_) {
      if (text.ends_with(s)) longest = std::max(longest, s.size());
    }
    return longest;
  }

  /// How many characters at the end could be the beginning of a stop string.
  std::size_t undecided() const noexcept {
    std::size_t most = 0;
    for (const std::string& s : strings_) {
      for (std::size_t n = std::min(s.size() - 1, text_.size()); n > most; --n) {
        if (std::string_view(text_).ends_with(std::string_view(s).substr(0, n))) most = n;
      }
    }
    return most;
  }
};

}  // namespace tfm::inline TFM_ABI
