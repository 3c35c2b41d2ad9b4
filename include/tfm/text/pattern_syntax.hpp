#pragma once
// The regular expressions of tokenizers as a tree: what of Oniguruma's syntax describes a regular language.
#include <cstddef>
#include <string_view>
#include <vector>

#include "tfm/text/char_set.hpp"

namespace tfm::inline TFM_ABI::detail {

struct PatternPart {
  enum class Kind : unsigned char { set, all_of, one_of, repeat, ahead, not_ahead, word_boundary };
  Kind kind = Kind::all_of;
  std::vector<PatternPart> parts{};     ///< of all_of and one_of in order; of repeat and the looks ahead: one
  std::size_t set = 0;                  ///< of set: its number
  int least = 0, most = 0;              ///< of repeat; most -1: without end
  bool greedy = true, possessive = false;
};

struct PatternTree {
  PatternPart root;
  std::vector<CharSet> sets;
};

/// Reads an expression. A letter under (?i:) stands for its other case, and s and k for U+017F and U+212A too; $ is the
/// end of the text or of a line. `what` stands before the message. Errors: LoadError that says where in the expression
/// something is not supported.
PatternTree read_pattern(std::string_view pattern, std::string_view what);

}  // namespace tfm::inline TFM_ABI::detail

#if defined(TFM_DEFINITIONS)
#include "tfm/text/pattern_syntax.inl"
#endif
