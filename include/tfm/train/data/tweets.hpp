#pragma once
// Tweets with a sentiment, from a CSV file to Alpaca records.
#include <algorithm>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tfm/text/alpaca_prompt.hpp"
#include "tfm/train/data/csv.hpp"
#include "tfm/train/data/sentiment.hpp"

namespace tfm::inline TFM_ABI {

/// What every record asks.
inline constexpr std::string_view tweet_instruction = "Detect the sentiment of the tweet.";

/// How a user gives what a message asks for: a program's options. Empty ones are not spoken of.
struct TweetHelp {
  std::string text_column{}, label_column{}, names{}, skip_unlabelled{}, separator{};
};

struct TweetOptions {
  bool drop_retweets = false;  ///< leaves out tweets that begin with "RT", a word of its own
  bool drop_links = false;     ///< leaves out tweets with http:// or https:// in them
  /// Names of the columns, which a header may have in small or large letters: the first, or else the only one there is of the others.
  std::vector<std::string> text_columns{"tweet"}, label_columns{"sentiment"};
  SentimentLabels labels = SentimentLabels::classes;
  std::vector<std::pair<std::string, std::string>> names{};  ///< labels as they stand in the file, and what they become; none: as `labels` says
  bool skip_unlabelled = false;                               ///< leaves out rows without a text or a label, which are errors otherwise
  char separator = ',';                                       ///< between fields
  TweetHelp help{};
};

struct Tweets {
  std::vector<AlpacaRecord> records;  ///< input: the tweet; output: Positive, Neutral or Negative, or of the options' names
  Index rows = 0;                     ///< in the file
  Index retweets = 0, links = 0;      ///< left out; what is both counts as a retweet
  Index unlabelled = 0;               ///< left out before these
  std::string text_column{}, label_column{};  ///< as the header has them
  std::vector<std::string> notes{};   ///< of columns, and of labels, that could have been meant otherwise
};

constexpr bool is_retweet(std::string_view tweet) noexcept {
  const auto is_letter_or_digit = [](char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_'; };
  return tweet.starts_with("RT") && (tweet.size() == 2 || !is_letter_or_digit(tweet[2]));
}
constexpr bool has_link(std::string_view tweet) noexcept { return tweet.find("http://") != tweet.npos || tweet.find("https://") != tweet.npos; }

namespace detail {

/// Where the columns that are needed stand in a header.
class TweetColumns {
  std::string_view file_;
  const TweetOptions& options_;
  std::vector<std::string> header_;
  Index line_;
  std::vector<std::string> notes_;
  std::size_t text_, label_;

  [[noreturn]] void refuse(Index line, const std::string& what) const { fail(file_, "line " + std::to_string(line) + ": " + what); }
  static std::string listed(std::span<const std::string> names, std::string_view last = ", ") {
    std::string out;
    for (std::size_t i = 0; i < names.size() && i < 6; ++i) out.append(i == 0 ? "" : i + 1 == names.size() ? last : ", ").append(in_quotes(names[i]));
    if (names.size() > 6) out += " and " + std::to_string(names.size() - 6) + " more";
    return out;
  }
  std::vector<std::size_t> places(const std::string& name, bool letters_as_they_are) const {
    std::vector<std::size_t> found;
    for (std::size_t i = 0; i < header_.size(); ++i)
      if (letters_as_they_are ? header_[i] == name : in_small_letters(header_[i]) == in_small_letters(name)) found.push_back(i);
    return found;
  }
  // What else the fields may be separated by, where a name stands within a field of the header.
  std::string separator_help() const {
    for (const auto& [c, name] : {std::pair{';', "semicolons"}, std::pair{'\t', "tabs"}, std::pair{',', "commas"}, std::pair{'|', "bars"}})
      if (c != options_.separator && std::any_of(header_.begin(), header_.end(), [c = c](const std::string& field) { return field.find(c) != field.npos; }))
        return std::string("; the header seems to be separated by ") + name + (options_.help.separator.empty() ? "" : ", which " + options_.help.separator + " allows");
    return "";
  }
  std::size_t find(const std::vector<std::string>& names, const std::string& what, const std::string& help) {
    std::vector<std::size_t> found = places(names.front(), true), others;
    if (found.size() > 1) refuse_missing(names.front(), found.size(), help);
    const auto alike = places(names.front(), false);
    if (found.empty()) found = alike;
    else if (alike.size() > 1) others.insert(others.end(), alike.begin(), alike.end());
    for (std::size_t n = 1; n < names.size(); ++n)
      for (const std::size_t place : places(names[n], false)) others.push_back(place);
    if (found.empty()) std::swap(found, others);
    std::vector<std::string> said;
    for (const std::size_t place : found) said.push_back(header_[place]);
    if (found.size() > 1)
      refuse(line_, "found the columns " + listed(said, " and ") + ", each of which may hold the " + what + ", expected one" + (help.empty() ? "" : "; " + help + " names it"));
    if (found.empty()) refuse_missing(names.front(), 0, help);
    for (const std::size_t place : others)
      if (place != found[0])
        notes_.push_back("the " + what + " is read from the column " + in_quotes(header_[found[0]]) + ", not from " + in_quotes(header_[place]) +
                         (help.empty() ? "" : "; " + help + " names another"));
    return found[0];
  }
  [[noreturn]] void refuse_missing(const std::string& name, std::size_t found, const std::string& help) const {
    refuse(line_, "found " + (found == 0 ? "no column " : std::to_string(found) + " columns ") + in_quotes(name) + " in " + listed(header_) +
                      "; expected a header with the columns " + in_quotes(options_.text_columns.front()) + " and " + in_quotes(options_.label_columns.front()) +
                      ", separated by " + (options_.separator == ',' ? "commas" : in_quotes(std::string_view(&options_.separator, 1))) +
                      (found > 0 || help.empty() ? "" : "; " + help + " names another") + separator_help());
  }

 public:
  TweetColumns(std::string_view file, Index line, std::span<const std::string_view> header, const TweetOptions& options) : file_(file), options_(options), line_(line) {
    for (const std::string_view name : header) header_.emplace_back(trimmed(name));
    text_ = find(options.text_columns, "tweet", options.help.text_column);
    label_ = find(options.label_columns, "sentiment", options.help.label_column);
    if (text_ == label_) refuse(line, "the column " + in_quotes(header_[text_]) + " is both the tweet and the sentiment, expected two columns");
  }
  const std::string& text_name() const { return header_[text_]; }
  const std::string& label_name() const { return header_[label_]; }
  std::vector<std::string>& notes() { return notes_; }

  /// The text and the label of a row; nothing where one of them is missing and such rows are left out.
  std::optional<std::pair<std::string_view, std::string_view>> fields(Index line, std::span<const std::string_view> row) const {
    if (row.size() != header_.size()) refuse(line, "found " + std::to_string(row.size()) + " fields, expected the header's " + std::to_string(header_.size()));
    const std::string_view text = row[text_], label = row[label_];
    const bool no_text = trimmed(text).empty(), no_label = SentimentReader::is_missing(label, options_.names);
    if (options_.skip_unlabelled && (no_text || no_label)) return std::nullopt;
    const std::string help = options_.help.skip_unlabelled.empty() ? "" : "; " + options_.help.skip_unlabelled + " leaves such rows out";
    if (no_text) refuse(line, in_quotes(text_name()) + ": found an empty text, expected a tweet" + help);
    if (no_label && !help.empty()) refuse(line, in_quotes(label_name()) + ": found " + (trimmed(label).empty() ? "an empty label" : in_quotes(label)) + ", expected a sentiment" + help);
    return std::pair{text, label};
  }
};

}  // namespace detail

/// The tweets of a CSV file with a column of texts and one of sentiments, in its order; other columns are not looked at. By default
/// these are tweet and sentiment, and a sentiment is -1, 0 or 1. Errors: LoadError with file, line, found and expected, of read_csv's kinds,
/// and for a column that is missing, or for which there are several, a row of another length, a tweet that is empty, an unknown
/// sentiment, sentiments of several kinds, no rows at all.
inline Tweets read_tweets(const std::filesystem::path& path, const TweetOptions& options = {}) {
  Tweets tweets;
  std::optional<detail::TweetColumns> columns;
  std::optional<SentimentReader> sentiments;
  const std::string file = path.string();
  const auto each = [&](Index line, std::span<const std::string_view> row) {
    if (!columns) {
      columns.emplace(file, line, row, options);
      sentiments.emplace(file, columns->label_name(), options.labels, options.names, options.help.names);
      return;
    }
    ++tweets.rows;
    const auto fields = columns->fields(line, row);
    if (!fields) return static_cast<void>(++tweets.unlabelled);
    AlpacaRecord record{std::string(tweet_instruction), std::string(fields->first), sentiments->read(line, fields->second)};
    if (options.drop_retweets && is_retweet(record.input)) ++tweets.retweets;
    else if (options.drop_links && has_link(record.input)) ++tweets.links;
    else tweets.records.push_back(std::move(record));
  };
  read_csv(path, each, options.separator);
  if (tweets.rows == 0) detail::fail(file, std::string("found ") + (columns ? "a header and no tweet" : "no header and no tweet") + ", expected at least one");
  tweets.notes = sentiments->finish();
  tweets.text_column = columns->text_name(), tweets.label_column = columns->label_name();
  tweets.notes.insert(tweets.notes.begin(), columns->notes().begin(), columns->notes().end());
  return tweets;
}

}  // namespace tfm::inline TFM_ABI
