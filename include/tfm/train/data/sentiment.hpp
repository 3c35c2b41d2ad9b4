#pragma once
// What a column of sentiments says: -1, 0 and 1, words, scores by their sign, or names of one's own.
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tfm/formats/message.hpp"
#include "tfm/text/unicode.hpp"
#include "tfm/text/utf8.hpp"
#include "tfm/text/white_space.hpp"

namespace tfm::inline TFM_ABI {

/// "Negative", "Neutral" or "Positive" for -1, 0 or 1, however many zeros stand behind their point; nothing for anything else.
constexpr std::optional<std::string_view> sentiment_name(std::string_view number) noexcept {
  if (const std::size_t point = number.find('.'); point != number.npos && point > 0) {
    if (number.find_first_not_of('0', point + 1) != number.npos) return std::nullopt;
    number = number.substr(0, point);
  }
  if (number == "1") return "Positive";
  if (number == "0" || number == "-0") return "Neutral";
  if (number == "-1") return "Negative";
  return std::nullopt;
}

/// The sign of a decimal number that is finite as a double ("0.73", "-1e-3", "+1"), and whether it is a whole one; nothing for anything else.
struct NumberSign {
  int sign = 0;
  bool whole = false;
};
constexpr std::optional<NumberSign> number_sign(std::string_view text) noexcept {
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  const auto digit = [&] { return !text.empty() && text[0] >= '0' && text[0] <= '9'; };
  long before = 0, zeros = 0;  // digits before the point, from the first that is not 0; zeros behind it, before such a digit
  bool any = false, zero = true, fraction = false;
  for (; digit(); text.remove_prefix(1)) any = true, zero = zero && text[0] == '0', before += zero ? 0 : 1;
  if (text.starts_with('.'))
    for (text.remove_prefix(1); digit(); text.remove_prefix(1)) {
      any = true, fraction = fraction || text[0] != '0';
      zero = zero && text[0] == '0', zeros += zero ? 1 : 0;
    }
  if (!any) return std::nullopt;
  long exponent = 0;
  if (text.starts_with('e') || text.starts_with('E')) {
    text.remove_prefix(1);
    const bool small = text.starts_with('-');
    if (small || text.starts_with('+')) text.remove_prefix(1);
    if (!digit()) return std::nullopt;
    for (; digit(); text.remove_prefix(1)) exponent = exponent < 100'000 ? exponent * 10 + (text[0] - '0') : exponent;
    if (small) exponent = -exponent;
    fraction = fraction || exponent != 0;  // 1e-3: as a score is written, not a class
  }
  if (!text.empty()) return std::nullopt;
  if (!zero && (before > 0 ? before : -zeros) + exponent > 309) return std::nullopt;  // about where a double becomes infinite
  return NumberSign{zero ? 0 : negative ? -1 : 1, !fraction};
}

/// The letters small, one by one.
inline std::string in_small_letters(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) append_utf8(out, small_letter(next_code_point(text, at)));
  return out;
}

enum class SentimentLabels : unsigned char {
  classes,  ///< -1, 0 or 1 (also -1.0 and so on)
  any,      ///< these; or the words negative, neutral and positive in small or large letters; or scores, by their sign
};

/// Reads a column's labels one by one, and then looks at them together.
class SentimentReader {
  struct Seen {
    Index line = 0;
    std::string text;
  };
  std::string file_, column_;
  SentimentLabels kinds_;
  std::vector<std::pair<std::string, std::string>> names_;  // in small letters; what it becomes
  std::string names_help_;
  std::optional<Seen> word_, number_, beyond_;  // the first ones; beyond: a number but -1, 0 and 1
  bool scores_ = false;                         // there is a negative number or a fraction
  bool negative_ = false, zero_ = false;

  std::string help() const { return names_help_.empty() ? "" : "; " + names_help_ + " says what other labels mean"; }
  [[noreturn]] void refuse(Index line, std::string_view found, std::string_view expected) const {
    detail::fail(file_, {"line ", line, ": ", in_quotes(column_), ": found ", in_quotes(found), ", expected ", expected});
  }
  // ['positive'], as a list of words that was written into a CSV file looks.
  static std::string_view bare(std::string_view text) {
    text = trimmed(text);
    for (const auto& [open, close] : {std::pair{'[', ']'}, std::pair{'\'', '\''}, std::pair{'"', '"'}})
      if (text.size() >= 2 && text.front() == open && text.back() == close) text = trimmed(text.substr(1, text.size() - 2));
    return text;
  }

 public:
  /// `names`: labels as they stand in the file, in small or large letters, and what they become; none: as `kinds` says. `names_help`: how a
  /// user gives such names, for messages.
  SentimentReader(std::string file, std::string column, SentimentLabels kinds, std::vector<std::pair<std::string, std::string>> names, std::string names_help)
      : file_(std::move(file)), column_(std::move(column)), kinds_(kinds), names_(std::move(names)), names_help_(std::move(names_help)) {
    for (auto& [label, name] : names_) label = in_small_letters(trimmed(label));
  }

  /// Whether a label says that there is none: nothing, or what pandas reads as nothing, unless that is one of the names.
  static bool is_missing(std::string_view text, const std::vector<std::pair<std::string, std::string>>& names = {}) {
    const std::string label = in_small_letters(trimmed(text));
    for (const auto& [from, to] : names)
      if (in_small_letters(trimmed(from)) == label) return false;
    for (const std::string_view none : {"", "nan", "-nan", "na", "n/a", "#n/a", "<na>", "null", "none"})
      if (label == none) return true;
    return false;
  }

  /// The name of a label. Errors: LoadError with line, found and expected.
  std::string read(Index line, std::string_view text) {
    if (!names_.empty()) {
      const std::string label = in_small_letters(trimmed(text));
      std::string known;
      for (const auto& [from, to] : names_) {
        if (from == label || from == bare(label)) return to;
        known += (known.empty() ? "" : ", ") + in_quotes(from);
      }
      refuse(line, text, "one of " + known);
    }
    if (kinds_ == SentimentLabels::classes) {
      if (const auto name = sentiment_name(text)) return std::string(*name);
      refuse(line, text, "-1, 0 or 1");
    }
    const std::string label = in_small_letters(bare(text));
    for (const std::string_view name : {"Negative", "Neutral", "Positive"})
      if (label == in_small_letters(name)) {
        if (!word_) word_ = Seen{line, std::string(text)};
        return std::string(name);
      }
    const auto number = number_sign(label);
    if (!number) refuse(line, text, "-1, 0 or 1, a number with a sign, or negative, neutral or positive" + help());
    if (!number_) number_ = Seen{line, std::string(text)};
    if (!number->whole || number->sign < 0) scores_ = true;
    negative_ = negative_ || number->sign < 0, zero_ = zero_ || number->sign == 0;
    if (!beyond_ && !sentiment_name(label) && label != "+1") beyond_ = Seen{line, std::string(text)};
    return number->sign < 0 ? "Negative" : number->sign > 0 ? "Positive" : "Neutral";
  }

  /// After the last label: what a person should know of them. LoadError where labels are of two kinds, or are numbers that no sign tells apart (0 and
  /// 4; 1 to 5).
  std::vector<std::string> finish() const {
    if (word_ && number_)
      detail::fail(file_, {in_quotes(column_), ": found words and numbers: ", in_quotes(word_->text), " in line ", word_->line, " and ", in_quotes(number_->text),
                           " in line ", number_->line, ", expected one kind of label", help()});
    if (beyond_ && !scores_)
      refuse(beyond_->line, beyond_->text, "-1, 0 or 1; no label of the file is negative or a fraction, so that these are no scores with a sign" + help());
    if (!zero_ || negative_ || names_help_.empty()) return {};
    return {"no number of the column " + in_quotes(column_) + " is negative: 0 is read as Neutral; " + names_help_ + " says so if it means another"};
  }
};

}  // namespace tfm::inline TFM_ABI
