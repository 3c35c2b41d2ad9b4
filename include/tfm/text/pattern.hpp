#pragma once
// Pattern: a regular expression as an automaton that finds all its matches in a text in two passes, whatever the text.
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "tfm/text/char_set.hpp"
#include "tfm/text/utf8.hpp"

namespace tfm::inline TFM_ABI {

/// A stretch of a text, in bytes.
struct TextSpan {
  std::size_t begin, end;
  bool operator==(const TextSpan&) const = default;
};

/// The matches that a backtracking engine finds, without backtracking: of the alternatives the first that leads to a
/// match, of repetitions the longest that does (docs/decisions/0020). One pass from the end of the text to its
/// beginning gives each place the set of the expression's places from which a match can still be reached, looks ahead
/// included, as a state of a deterministic automaton; one from the beginning walks by preference among those. (After
/// Frisch and Cardelli 2004, "Greedy regular expression matching".)
class Pattern {
  CharClasses classes_;
  std::size_t class_shift_ = 0, entries_ = 0;
  std::vector<std::uint16_t> before_;  // by state << class_shift_ | class: the state one character further left
  std::vector<std::uint16_t>
      steps_;  // by state * entries_ + entry: the entry behind the next character, or one of these
  static constexpr std::uint16_t matched = 0xFFFF, nowhere = 0xFFFE;

  friend class PatternBuilder;

 public:
  /// Memory for find(), to be used again.
  using States = std::vector<std::uint16_t>;

  /// `what` stands before the message. Errors: LoadError for what is not supported, by its place, and for an automaton
  /// of too many states.
  Pattern(std::string_view expression, std::string_view what);

  /// Appends the matches in a well-formed text, in order; one may be empty, none overlaps another.
  void find(std::string_view text, States& states, std::vector<TextSpan>& out) const;
};

}  // namespace tfm::inline TFM_ABI

#if defined(TFM_DEFINITIONS)
#include "tfm/text/pattern.inl"
#endif
