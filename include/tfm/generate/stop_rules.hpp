#pragma once
// StopRules: what ends an answer. StopFilter: keeps stop strings out of text that arrives in pieces.
#include <algorithm>
#include <array>
#include <span>
#include <string>
#include <string_view>
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

/// Tokens and texts that end an answer. Neither is part of it. A text that is the spelling of one of the vocabulary's
/// control tokens ("</s>", "<|im_end|>"), which have no text of their own, is that token as well: see generate().
class StopRules {
  std::vector<Token> tokens_;
  std::vector<std::string> strings_;

 public:
  StopRules() = default;
  /// \throws OptionError for a string that would stop everything, or starts within a character
  explicit StopRules(std::vector<Token> tokens, std::vector<std::string> strings = {});

  bool stops(Token token) const noexcept { return std::find(tokens_.begin(), tokens_.end(), token) != tokens_.end(); }
  /// Whether a stop string is this spelling of a token that has no text.
  bool stops(std::string_view spelling) const noexcept;
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
  // A stop string, and how much of it the text ends with.    Knuth, Morris & Pratt 1977
  struct Watched {
    std::string text;
    std::vector<std::size_t> border;  // of the first n characters: the longest beginning that is also their end
    std::vector<std::size_t> place;   // of the last text.size() characters it was shown: how much text came before
    std::size_t shown = 0, matched = 0;

    explicit Watched(const std::string& string) : text(string), border(string.size() + 1), place(string.size()) {
      for (std::size_t n = 2; n <= text.size(); ++n) border[n] = longer(border[n - 1], text[n - 1]);
    }
    /// What `n` characters that match become with one more. A complete match is never gone on with.
    std::size_t longer(std::size_t n, char next) const noexcept {
      while (n > 0 && text[n] != next) n = border[n];
      return text[n] == next ? n + 1 : 0;
    }
    void show(char next, std::size_t at) noexcept {
      matched = longer(matched, next);
      place[shown++ % text.size()] = at;
    }
    bool complete() const noexcept { return matched == text.size(); }
    /// Where the match begins.
    std::size_t begin() const noexcept { return place[(shown - matched) % text.size()]; }
  };

  std::vector<Watched> strings_;
  std::string text_;       // out_ characters that were let out by the last call, then those held back
  std::size_t out_ = 0;
  std::size_t before_ = 0; // characters of the whole text before text_
  bool found_ = false;

 public:
  StopFilter() = default;
  explicit StopFilter(std::span<const std::string> strings) : strings_(strings.begin(), strings.end()) {}

  /// Takes the next piece, gives the text that may be shown now; it lives until the next call. Nothing after found().
  std::string_view push(std::string_view piece);

  /// Takes the spelling of a token that has no text: only the stop strings that hold this spelling see it. Gives what
  /// may be shown now, as push().
  std::string_view push_control(std::string_view spelling);

  /// The end of the text: gives what was held back. The filter is empty then, and found() stays.
  std::string_view flush();

  /// A stop string was complete.
  bool found() const noexcept { return found_; }

  /// Ready for another text with the same stop strings.
  void reset() noexcept;

 private:
  void forget();

  /// Where stop strings are complete, text_ ends before the longest.
  bool complete();

  /// All but the characters at the end that could be the beginning of a stop string.
  std::string_view decided() noexcept;
};

}  // namespace tfm::inline TFM_ABI

#if defined(TFM_DEFINITIONS)
#include "tfm/generate/stop_rules.inl"
#endif
