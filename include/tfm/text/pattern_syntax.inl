// What pattern_syntax.hpp declares.
#include <utf8proc.h>

#include <initializer_list>
#include <optional>
#include <string>
#include <utility>

#include "tfm/core/error.hpp"
#include "tfm/core/quotes.hpp"
#include "tfm/text/unicode.hpp"
#include "tfm/text/utf8.hpp"

namespace tfm::inline TFM_ABI::detail {

/// The categories that \p{name} names, as bits; none for a name that is not known.
TFM_INLINE std::uint32_t categories_named(std::string_view name) {
  // utf8proc's order: Cn Lu Ll Lt Lm Lo Mn Mc Me Nd Nl No Pc Pd Ps Pe Pi Pf Po Sm Sc Sk So Zs Zl Zp Cc Cf Cs Co
  constexpr std::string_view all = "CnLuLlLtLmLoMnMcMeNdNlNoPcPdPsPePiPfPoSmScSkSoZsZlZpCcCfCsCo";
  static_assert(UTF8PROC_CATEGORY_LU == 1 && UTF8PROC_CATEGORY_ND == 9 && UTF8PROC_CATEGORY_CO == 29);
  std::uint32_t categories = 0;
  for (std::size_t i = 0; i < all.size() / 2; ++i)
    if (name == all.substr(2 * i, name.size()) && (name.size() == 1 || name.size() == 2)) categories |= 1u << i;
  return categories;
}

class PatternReader {
  std::string_view text_, what_;
  std::size_t at_ = 0;
  int depth_ = 0;
  bool any_case_ = false;
  std::vector<CharSet> sets_;
  using Part = PatternPart;
  using Kind = PatternPart::Kind;

  [[noreturn, gnu::cold, gnu::noinline]] void refuse(std::size_t at, std::string_view found,
                                                     std::string_view expected = {}) const {
    raise<LoadError>({"tfm: ", what_, ": the pattern ", in_quotes(text_), ": at byte ", at, ": found ", found,
                      expected.empty() ? ", which is not supported" : ", expected ", expected});
  }
  bool ended() const { return at_ >= text_.size(); }
  bool take(std::string_view token) {
    if (!text_.substr(at_).starts_with(token)) return false;
    at_ += token.size();
    return true;
  }
  char32_t next() {
    if (ended()) refuse(at_, "the end", "more of the pattern");
    return next_code_point(text_, at_);
  }
  std::size_t number(std::size_t most) {
    std::size_t value = 0;
    const std::size_t from = at_;
    for (; !ended() && text_[at_] >= '0' && text_[at_] <= '9' && value <= most; ++at_)
      value = 10 * value + static_cast<std::size_t>(text_[at_] - '0');
    if (at_ == from) refuse(at_, "no number", "one");
    if (value > most) refuse(from, "a number above " + std::to_string(most));
    return value;
  }
  char32_t hex(std::size_t digits, char end = 0) {
    char32_t value = 0;
    std::size_t read = 0;
    for (; !ended() && read < digits; ++read, ++at_) {
      const char c = text_[at_];
      const int digit = c >= '0' && c <= '9'   ? c - '0'
                        : c >= 'a' && c <= 'f' ? c - 'a' + 10
                        : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                               : -1;
      if (digit < 0) break;
      value = 16 * value + static_cast<char32_t>(digit);
    }
    const bool whole = end == 0 ? read == digits : read > 0 && take(std::string_view(&end, 1));
    if (!whole || value > 0x10FFFF) refuse(at_, "no code point", "its hexadecimal digits");
    return value;
  }

  static void add_any_case(CharSet& set, char32_t c) {
    const auto code = static_cast<utf8proc_int32_t>(c);
    for (const auto other : {utf8proc_tolower(code), utf8proc_toupper(code), utf8proc_totitle(code)})
      set.add(static_cast<char32_t>(other), static_cast<char32_t>(other));
    if (c == 's' || c == 'S') set.add(0x17F, 0x17F);
    if (c == 'k' || c == 'K') set.add(0x212A, 0x212A);
  }
  /// Adds a range of characters, in both cases where case does not count.
  void add(CharSet& set, char32_t from, char32_t to) const {
    set.add(from, to);
    if (!any_case_) return;
    if (to - from > 0x3FF) refuse(at_, "a long range where case does not count");
    for (char32_t c = from; c <= to; ++c) add_any_case(set, c);
  }

  CharSet property(bool negated) {
    if (!take("{")) refuse(at_, "no '{'", "\\p{…}");
    if (take("^")) negated = !negated;
    const std::size_t from = at_, end = text_.find('}', at_);
    if (end == text_.npos) refuse(at_, "no '}'", "\\p{…}");
    const std::string_view name = text_.substr(from, end - from);
    at_ = end + 1;
    CharSet set = name == "Han" ? han_set() : CharSet{.categories = categories_named(name)};
    if (set.ranges.empty() && set.categories == 0) refuse(from, "the property " + in_quotes(name));
    set.negated = negated;
    return set;
  }
  /// What stands behind a backslash: a class, or a character in `literal`.
  std::optional<CharSet> escape(char32_t& literal) {
    const std::size_t at = at_ - 1;
    const char32_t c = next();
    const auto complement_if = [](CharSet set, bool negated) {
      set.negated = negated;
      return set;
    };
    switch (c) {
      case 's': case 'S': return complement_if(white_space_set(), c == 'S');
      case 'd': case 'D': return complement_if({.categories = 1u << UTF8PROC_CATEGORY_ND}, c == 'D');
      case 'w': case 'W': return complement_if(word_set(), c == 'W');
      case 'p': case 'P': return property(c == 'P');
      case 'n': literal = '\n'; break;
      case 'r': literal = '\r'; break;
      case 't': literal = '\t'; break;
      case 'f': literal = '\f'; break;
      case 'v': literal = '\v'; break;
      case 'u': literal = hex(4); break;
      case 'x': literal = take("{") ? hex(8, '}') : hex(2); break;
      default:
        if (c >= 0x80 || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))
          refuse(at, in_quotes(text_.substr(at, at_ - at)));
        literal = c;
    }
    return std::nullopt;
  }

  /// A class behind its '['.
  CharSet char_class() {
    if (++depth_ > 50) refuse(at_, "more than 50 classes and groups inside one another");
    CharSet set;
    set.negated = take("^");
    CharSet operand;
    std::vector<CharSet> operands;
    bool first = true;
    for (;; first = false) {
      const std::size_t at = at_;
      if (ended()) refuse(at, "the end", "a ']'");
      if (take("&&")) {
        operands.push_back(std::exchange(operand, {}));
        continue;
      }
      char32_t from = next();
      if (from == ']' && !first) break;
      if (from == '[') {
        if (take(":")) refuse(at, "a class of POSIX");
        operand.parts.push_back(char_class());
        continue;
      }
      if (from == '\\')
        if (auto named = escape(from)) {
          operand.parts.push_back(std::move(*named));
          continue;
        }
      char32_t to = from;
      if (at_ + 1 < text_.size() && text_[at_] == '-' && text_[at_ + 1] != ']') {
        ++at_;
        to = next();
        if (to == '[' || (to == '\\' && escape(to))) refuse(at, "a range that ends with a class");
        if (to < from) refuse(at, "a range whose end is before its beginning");
      }
      add(operand, from, to);
    }
    --depth_;
    operands.push_back(std::move(operand));
    set.ranges = std::move(operands.front().ranges), set.parts = std::move(operands.front().parts);
    set.also.assign(std::make_move_iterator(operands.begin() + 1), std::make_move_iterator(operands.end()));
    return set;
  }

  Part set_part(CharSet set) {
    sets_.push_back(std::move(set));
    return {.kind = Kind::set, .set = sets_.size() - 1};
  }
  /// $: where nothing follows, or a line's end.
  Part end_of_line() {
    Part nothing{.kind = Kind::not_ahead}, line{.kind = Kind::ahead}, end{.kind = Kind::one_of};
    nothing.parts.push_back(set_part({.ranges = {{0, 0x10FFFF}}}));
    line.parts.push_back(set_part({.ranges = {{'\n', '\n'}}}));
    end.parts.push_back(std::move(line)), end.parts.push_back(std::move(nothing));
    return end;
  }

  /// A group behind its '('.
  Part group() {
    if (++depth_ > 50) refuse(at_, "more than 50 classes and groups inside one another");
    const std::size_t at = at_ - 1;
    const bool before = any_case_;
    Part part{.kind = Kind::all_of};
    if (take("?")) {
      if (take("=")) part.kind = Kind::ahead;
      else if (take("!")) part.kind = Kind::not_ahead;
      else if (take("i:")) any_case_ = true;
      else if (!take(":")) refuse(at, in_quotes(text_.substr(at, 4)));
    }
    part.parts.push_back(alternatives());
    if (!take(")")) refuse(at_, ended() ? "the end" : in_quotes(text_.substr(at_, 1)), "a ')'");
    any_case_ = before;
    --depth_;
    return part;
  }

  Part atom() {
    const std::size_t at = at_;
    char32_t c = next();
    switch (c) {
      case '(': return group();
      case '[': return set_part(char_class());
      case '.': return set_part({.ranges = {{'\n', '\n'}}, .negated = true});
      case '$': return end_of_line();
      case '^': case '*': case '+': case '?': case '{': refuse(at, in_quotes(text_.substr(at, 1)));
      case '\\':
        if (take("b")) return {.kind = Kind::word_boundary};
        if (auto named = escape(c)) return set_part(std::move(*named));
        break;
      default: break;
    }
    CharSet set;
    add(set, c, c);
    return set_part(std::move(set));
  }

  /// An atom with what says how often.
  Part repeated() {
    Part part = atom();
    while (!ended()) {
      const std::size_t at = at_;
      Part repeat{.kind = Kind::repeat};
      bool counted = false;
      if (take("?")) repeat.most = 1;
      else if (take("*")) repeat.most = -1;
      else if (take("+")) repeat.least = 1, repeat.most = -1;
      else if (take("{")) {
        constexpr std::size_t most = 1000;
        counted = true;
        repeat.least = repeat.most = static_cast<int>(number(most));
        if (take(",")) repeat.most = text_.substr(at_).starts_with('}') ? -1 : static_cast<int>(number(most));
        if (!take("}")) refuse(at_, "no '}'", "{n}, {n,} or {n,m}");
        if (repeat.most >= 0 && repeat.most < repeat.least) refuse(at, "fewest above most");
      } else {
        break;
      }
      if (!counted && take("+")) repeat.possessive = true;  // behind {n,m} a plus is one more repetition
      else if (take("?")) repeat.greedy = false;
      if (repeat.possessive && part.kind != Kind::set) refuse(at, "a possessive repetition of more than one character");
      repeat.parts.push_back(std::move(part));
      part = std::move(repeat);
    }
    return part;
  }
  Part alternatives() {
    Part all{.kind = Kind::one_of};
    do {
      Part sequence{.kind = Kind::all_of};
      while (!ended() && text_[at_] != '|' && text_[at_] != ')') sequence.parts.push_back(repeated());
      all.parts.push_back(std::move(sequence));
    } while (take("|"));
    return all.parts.size() == 1 ? std::move(all.parts.front()) : std::move(all);
  }

 public:
  PatternReader(std::string_view text, std::string_view what) : text_(text), what_(what) {}

  PatternTree read() {
    if (!is_utf8(text_)) raise<LoadError>({"tfm: ", what_, ": the pattern is no UTF-8"});
    PatternTree tree{alternatives(), {}};
    if (!ended()) refuse(at_, "a ')'", "the end");
    tree.sets = std::move(sets_);
    return tree;
  }
};

TFM_INLINE PatternTree read_pattern(std::string_view pattern, std::string_view what) {
  return PatternReader(pattern, what).read();
}

}  // namespace tfm::inline TFM_ABI::detail
