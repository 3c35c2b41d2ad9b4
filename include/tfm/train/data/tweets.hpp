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

namespace tfm::inline TFM_ABI {

/// What every record asks.
inline constexpr std::string_view tweet_instruction = "Detect the sentiment of the tweet.";

struct TweetOptions {
  bool drop_retweets = false;  ///< leaves out tweets that begin with "RT", a word of its own
  bool drop_links = false;     ///< leaves out tweets with http:// or https:// in them
};

struct Tweets {
  std::vector<AlpacaRecord> records;  ///< input: the tweet; output: Positive, Neutral or Negative
  Index rows = 0;                     ///< tweets in the file
  Index retweets = 0, links = 0;      ///< left out; what is both counts as a retweet
};

constexpr bool is_retweet(std::string_view tweet) noexcept {
  const auto is_letter_or_digit = [](char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_'; };
  return tweet.starts_with("RT") && (tweet.size() == 2 || !is_letter_or_digit(tweet[2]));
}
constexpr bool has_link(std::string_view tweet) noexcept { return tweet.find("http://") != tweet.npos || tweet.find("https://") != tweet.npos; }

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

namespace detail {

/// Where the columns that are needed stand in a header.
class TweetColumns {
  std::string_view file_;
  std::size_t columns_, tweet_, sentiment_;

  std::size_t find(std::span<const std::string_view> header, std::string_view name, Index line) const {
    const auto n = std::count(header.begin(), header.end(), name);
    if (n == 1) return static_cast<std::size_t>(std::find(header.begin(), header.end(), name) - header.begin());
    std::string found;
    for (std::size_t i = 0; i < header.size() && i < 6; ++i) found += (i > 0 ? ", " : "") + in_quotes(header[i]);
    if (header.size() > 6) found += " and " + std::to_string(header.size() - 6) + " more";
    fail(file_, "line " + std::to_string(line) + ": found " + (n == 0 ? "no column " : std::to_string(n) + " columns ") + in_quotes(name) +
                    " in " + found + "; expected a header with the columns 'tweet' and 'sentiment', separated by commas");
  }

 public:
  TweetColumns(std::string_view file, Index line, std::span<const std::string_view> header)
      : file_(file), columns_(header.size()), tweet_(find(header, "tweet", line)), sentiment_(find(header, "sentiment", line)) {}

  AlpacaRecord record(Index line, std::span<const std::string_view> row) const {
    const auto refuse = [&](const std::string& what) { fail(file_, "line " + std::to_string(line) + ": " + what); };
    if (row.size() != columns_) refuse("found " + std::to_string(row.size()) + " fields, expected the header's " + std::to_string(columns_));
    if (row[tweet_].empty()) refuse("'tweet': found an empty text, expected a tweet");
    const auto name = sentiment_name(row[sentiment_]);
    if (!name) refuse("'sentiment': found " + in_quotes(row[sentiment_]) + ", expected -1, 0 or 1");
    return {std::string(tweet_instruction), std::string(row[tweet_]), std::string(*name)};
  }
};

}  // namespace detail

/// The tweets of a CSV file with the columns tweet and sentiment (-1, 0 or 1; also -1.0 and so on), in its order; other columns are not
/// looked at. Errors: LoadError with file, line, found and expected, of read_csv's kinds, and for a column that is missing or there
/// twice, a row of another length, a tweet that is empty, an unknown sentiment, no rows at all.
inline Tweets read_tweets(const std::filesystem::path& path, const TweetOptions& options = {}) {
  Tweets tweets;
  std::optional<detail::TweetColumns> columns;
  const std::string file = path.string();
  read_csv(path, [&](Index line, std::span<const std::string_view> row) {
    if (!columns) return static_cast<void>(columns.emplace(file, line, row));
    AlpacaRecord record = columns->record(line, row);
    ++tweets.rows;
    if (options.drop_retweets && is_retweet(record.input)) ++tweets.retweets;
    else if (options.drop_links && has_link(record.input)) ++tweets.links;
    else tweets.records.push_back(std::move(record));
  });
  if (tweets.rows == 0) detail::fail(file, std::string("found ") + (columns ? "a header and no tweet" : "no header and no tweet") + ", expected at least one");
  return tweets;
}

}  // namespace tfm::inline TFM_ABI
