// CSV row by row, and tweets with a sentiment as Alpaca records.
#include "tfm/train/data/tweets.hpp"

#include <fstream>

#include "support/catch.hpp"
#include "support/data.hpp"
#include "support/error_of.hpp"
#include "support/temporary_folder.hpp"
#include "tfm/train/data/alpaca.hpp"

namespace {

using tfm::Index;

struct File {
  tfm_test::TemporaryFolder folder;
  std::filesystem::path path = folder / "x.csv";
  explicit File(std::string_view text) { std::ofstream(path, std::ios::binary) << text; }
};

struct Row {
  Index line;
  std::vector<std::string> fields;
  bool operator==(const Row&) const = default;
};

std::vector<Row> rows(std::string_view text) {
  const File file(text);
  std::vector<Row> all;
  tfm::read_csv(file.path, [&](Index line, std::span<const std::string_view> fields) { all.push_back({line, {fields.begin(), fields.end()}}); });
  return all;
}

// What stands behind the file's name.
std::string after_name(const std::string& error) { return error.substr(std::min(error.size(), error.find("x.csv: ") + 7)); }
std::string csv_error(std::string_view text) {
  return after_name(tfm_test::error_of<tfm::LoadError>([&] { rows(text); }));
}
std::string tweet_error(std::string_view text) {
  const File file(text);
  return after_name(tfm_test::error_of<tfm::LoadError>([&] { tfm::read_tweets(file.path); }));
}

TEST_CASE("CSV rows have the number of the line where they begin, whatever ends it", "[csv]") {
  const std::vector<Row> expected{{1, {"a", "b"}}, {3, {" 1 ", "two\nlines, \"quoted\""}}, {5, {"", ""}}, {6, {"end", ""}}};
  for (const std::string end : {"\n", "\r\n", "\r"}) {
    CAPTURE(end);
    auto wanted = expected;
    std::string text = "\xEF\xBB\xBF" "a,b\n\n 1 ,\"two\nlines, \"\"quoted\"\"\"\n,\nend,\"\"";
    for (std::size_t at = 0; (at = text.find('\n', at)) != text.npos; at += end.size()) text.replace(at, 1, end);
    wanted[1].fields[1] = "two" + end + "lines, \"quoted\"";
    CHECK(rows(text) == wanted);
    CHECK(rows(text + end) == wanted);
    CHECK(rows(text + end + end) == wanted);
  }
  CHECK(rows("\n\n").empty());
  CHECK(rows("a").size() == 1);
  CHECK(rows(std::string("a\0b,c", 5))[0].fields[0] == std::string("a\0b", 3));
}

TEST_CASE("a CSV field may be a megabyte, and a row have many", "[csv]") {
  std::string large(1 << 20, 'x');
  large += "\xC3\xA9";
  const auto quoted = rows("a,b\n1,\"" + large + "\"\n2,3\n");
  REQUIRE(quoted.size() == 3);
  CHECK(quoted[1].fields[1] == large);
  CHECK(quoted[2] == Row{3, {"2", "3"}});
  std::string commas(5000, ',');
  CHECK(rows("a" + commas + "b")[0].fields.size() == 5001);
}

TEST_CASE("what is no CSV is refused with its line", "[csv]") {
  CHECK(csv_error("a,b\n1,2\n3,caf\xE9\n").starts_with("line 3: found '\\xe9' at byte 6, which is not UTF-8; if the file is in ISO-8859-1, iconv "));
  CHECK(csv_error(std::string("\xFF\xFE" "a\0,\0b\0\n\0", 10)).starts_with("line 1: found text in UTF-16, expected UTF-8; iconv "));
  CHECK(csv_error("a,b\n1,\xF0\x9F\x98\n").starts_with("line 2: found '\\xf0' at byte 3"));
  CHECK(csv_error("a,b\n1,\"never\n closed\n").starts_with("line 2: a quote is opened in this row and never closed"));
  CHECK(csv_error("a,b\n1,2\n3,he \"said\" so\n") ==
        "line 3: found a quote where none can stand, expected quotes around the whole field and those inside it twice");
  CHECK(csv_error("a,b\n1,\"two\nlines\"x\n").starts_with("line 3: found a quote where none can stand"));
  CHECK(tfm_test::error_of<tfm::LoadError>([] { rows(""); }).find("x.csv: it is empty") != std::string::npos);
}

TEST_CASE("an error while a CSV file is read leaves through the reader", "[csv]") {
  const File file("a\nb\nc\n");
  int seen = 0;
  CHECK_THROWS_AS(tfm::read_csv(file.path,
                                [&](Index line, auto) {
                                  ++seen;
                                  if (line == 2) tfm::raise(tfm::LoadError("tfm: enough"));
                                }),
                  tfm::LoadError);
  CHECK(seen == 2);
}

TEST_CASE("the article's CSV becomes the article's JSON, byte for byte", "[tweets]") {
  const auto folder = tfm_test::require(tfm_test::shared() / "data/tweets");
  if (!folder) return;
  const tfm::Tweets tweets = tfm::read_tweets(*folder / "bitcoin-sentiment-tweets.csv");
  CHECK(tweets.rows == 1897);
  const auto expected = tfm::MappedFile::open(*folder / "alpaca-bitcoin-sentiment-dataset.json");
  CHECK(tfm::alpaca_json(tweets.records) == tfm::text_of(expected->bytes()));
  const tfm::Tweets fewer = tfm::read_tweets(*folder / "bitcoin-sentiment-tweets.csv", {.drop_links = true});
  CHECK(fewer.links == 2);
  CHECK(fewer.records.size() == 1895);
}

TEST_CASE("tweets come from their columns, wherever these stand; retweets and links go on request", "[tweets]") {
  const File file(
      "id,sentiment,tweet\n1,1,RT @a: b\n2,-1.0,see https://t.co/x\n3,0.0,RTX cards\n4,-0.0,RT: http://x\n5,1.,plain\n6,1,RT\n");
  const auto texts = [&](tfm::TweetOptions options) {
    std::string all;
    for (const auto& record : tfm::read_tweets(file.path, options).records) all += record.input + "=" + record.output + ";";
    return all;
  };
  CHECK(texts({}) == "RT @a: b=Positive;see https://t.co/x=Negative;RTX cards=Neutral;RT: http://x=Neutral;plain=Positive;RT=Positive;");
  CHECK(texts({.drop_retweets = true}) == "see https://t.co/x=Negative;RTX cards=Neutral;plain=Positive;");
  CHECK(texts({.drop_links = true}) == "RT @a: b=Positive;RTX cards=Neutral;plain=Positive;RT=Positive;");
  const auto both = tfm::read_tweets(file.path, {true, true});
  CHECK(both.rows == 6);
  CHECK(both.retweets == 3);
  CHECK(both.links == 1);
  CHECK(both.records.size() == 2);
  CHECK(both.records[0].instruction == "Detect the sentiment of the tweet.");
}

TEST_CASE("what is wrong with tweets is told with file, line, found and expected", "[tweets]") {
  const std::string header = "date,tweet,sentiment\nx,ok,1.0\n";
  CHECK(tweet_error("date,tweet\nx,y\n") ==
        "line 1: found no column 'sentiment' in 'date', 'tweet'; expected a header with the columns 'tweet' and 'sentiment', separated by commas");
  CHECK(tweet_error("tweet,tweet,sentiment\na,b,1\n").starts_with("line 1: found 2 columns 'tweet' in 'tweet', 'tweet', 'sentiment'; expected"));
  CHECK(tweet_error("\na,b,c,d,e,f,g,h\n").starts_with("line 2: found no column 'tweet' in 'a', 'b', 'c', 'd', 'e', 'f' and 2 more; expected"));
  CHECK(tweet_error(header + "x,y\n") == "line 3: found 2 fields, expected the header's 3");
  CHECK(tweet_error(header + "x,\"a\nb\",1\nx,y,1,more\n") == "line 5: found 4 fields, expected the header's 3");
  CHECK(tweet_error(header + "x,,1\n") == "line 3: 'tweet': found an empty text, expected a tweet");
  CHECK(tweet_error("date,tweet,sentiment\n") == "found a header and no tweet, expected at least one");
  CHECK(tweet_error("\n\n") == "found no header and no tweet, expected at least one");
  for (const char* label : {"2.0", "", "nan", "inf", "positive", " 1", "0.5", "0x1p0", "1e0", ".", ".0", "-", "--1", "+1", "1.0.0", "01"}) {
    CAPTURE(label);
    CHECK(tweet_error(header + "x,y," + label + "\n") == "line 3: 'sentiment': found '" + std::string(label) + "', expected -1, 0 or 1");
  }
  for (const char* label : {"-1", "0", "1", "-1.0", "0.00", "1.000", "-0.0"}) CHECK(tfm::read_tweets(File(header + "x,y," + label + "\n").path).rows == 2);
}

}  // namespace
