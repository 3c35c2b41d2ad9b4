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
std::string tweet_error(std::string_view text, const tfm::TweetOptions& options = {}) {
  const File file(text);
  return after_name(tfm_test::error_of<tfm::LoadError>([&] { tfm::read_tweets(file.path, options); }));
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

TEST_CASE("quotes where RFC 4180 has none are read as Python's csv module reads them", "[csv]") {
  struct Case {
    std::string text;
    std::vector<std::vector<std::string>> rows;
  };
  // list(csv.reader(io.StringIO(text, newline="")))
  const std::vector<Case> cases{
      {"she said \"hi\" ok,1\n", {{"she said \"hi\" ok", "1"}}},
      {"5\" screen,1\n", {{"5\" screen", "1"}}},
      {" \"hello\",1\n", {{" \"hello\"", "1"}}},
      {"\"hello\" there,1\n", {{"hello there", "1"}}},
      {"\"a\"b\"c,d\n", {{"ab\"c", "d"}}},
      {"\"a\"\"b\"c\"\",d\n", {{"a\"bc\"\"", "d"}}},
      {"a\"b,c\"d\n", {{"a\"b", "c\"d"}}},
      {"\"a\",b\"\n", {{"a", "b\""}}},
      {"\"\"x,\"y\"z\n", {{"x", "yz"}}},
      {"\"a\"\n\"b\" c\n", {{"a"}, {"b c"}}},
      {"\"x,y\"z,w\n", {{"x,yz", "w"}}},
      {"\"two\nlines\" and more,1\n", {{"two\nlines and more", "1"}}},
      {"\"a\" \"b\",c\n", {{"a \"b\"", "c"}}},
      {"\"\"\"\",1\n", {{"\"", "1"}}},
      {"\"a\"\"\"\n", {{"a\""}}},
      {"x\"\"y,1\n", {{"x\"\"y", "1"}}},
  };
  for (const Case& one : cases)
    for (const bool ends : {true, false}) {  // with a line end, and without
      CAPTURE(one.text, ends);
      std::vector<std::vector<std::string>> found;
      for (const Row& row : rows(ends ? one.text : one.text.substr(0, one.text.size() - 1))) found.push_back(row.fields);
      CHECK(found == one.rows);
    }
  const File file("a;\"b;c\" d;e,f\n");
  tfm::read_csv(file.path, [](Index, std::span<const std::string_view> fields) {
    CHECK(std::vector<std::string>(fields.begin(), fields.end()) == std::vector<std::string>{"a", "b;c d", "e,f"});
  }, ';');
}

TEST_CASE("what is no CSV is refused with its line", "[csv]") {
  CHECK(csv_error("a,b\n1,2\n3,caf\xE9\n").starts_with("line 3: found '\\xe9' at byte 6, which is not UTF-8; if the file is in ISO-8859-1, iconv "));
  CHECK(csv_error("a,b\n1,\xF0\x9F\x98\n").starts_with("line 2: found '\\xf0' at byte 3"));
  CHECK(csv_error("a,b\n1,\"never\n closed\n").starts_with("line 2: a quote is opened in this row and never closed"));
  CHECK(csv_error("a,b\n1,\"two\nlines\"x,\"\n").starts_with("line 2: a quote is opened in this row and never closed"));
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


const tfm::TweetOptions any{.text_columns = {"tweet", "text", "content"}, .label_columns = {"sentiment", "label"}, .labels = tfm::SentimentLabels::any};

// The sentiments of a file, as "+0-".
std::string signs(const std::string& text, const tfm::TweetOptions& options = any) {
  const File file(text);
  std::string all;
  for (const auto& record : tfm::read_tweets(file.path, options).records) all += record.output == "Positive" ? '+' : record.output == "Neutral" ? '0' : '-';
  return all;
}

TEST_CASE("columns are found in small and large letters, and by other names where there is one such", "[tweets]") {
  CHECK(signs("Tweet,Sentiment\na,1\n") == "+");
  CHECK(signs(" TWEET , sentimenT\na,1\n") == "+");
  CHECK(signs("label,Text\n-1,a\n") == "-");
  auto named = any;
  named.text_columns = {"Corps"}, named.label_columns = {"\xC3\x89TAT"};
  CHECK(signs("tweet,corps,\xC3\xA9tat\n1,a,-1\n", named) == "-");
  CHECK(tweet_error("text,content,label\na,b,1\n", any) == "line 1: found the columns 'text' and 'content', each of which may hold the tweet, expected one");
  CHECK(tweet_error("TWEET,Tweet,label\na,b,1\n", any).starts_with("line 1: found the columns 'TWEET' and 'Tweet'"));
  auto helped = any;
  helped.help = {.text_column = "--text-column", .separator = "--separator"};
  CHECK(tweet_error("text,content,label\na,b,1\n", helped).ends_with(", expected one; --text-column names it"));
  CHECK(tweet_error("a;b\n", helped).ends_with("separated by commas; --text-column names another; the header seems to be separated by semicolons, which --separator allows"));
  auto same = any;
  same.label_columns = {"tweet"};
  CHECK(tweet_error("tweet,x\na,1\n", same) == "line 1: the column 'tweet' is both the tweet and the sentiment, expected two columns");
  // The first name stands before the others, and a note tells.
  const File two("text,tweet,Tweet,sentiment\na,b,c,1\n");
  const auto tweets = tfm::read_tweets(two.path, helped);
  CHECK(tweets.records[0].input == "b");
  CHECK(tweets.text_column == "tweet");
  CHECK(tweets.notes == std::vector<std::string>{"the tweet is read from the column 'tweet', not from 'Tweet'; --text-column names another",
                                                 "the tweet is read from the column 'tweet', not from 'text'; --text-column names another"});
  auto tabs = any;
  tabs.separator = '\t';
  CHECK(signs("tweet\tsentiment\na, b\t1\n", tabs) == "+");
}

TEST_CASE("sentiments are classes, words, or scores by their sign", "[tweets]") {
  const std::string header = "tweet,sentiment\n";
  const auto all = [&](std::initializer_list<const char*> labels) {
    std::string text = header;
    for (const char* label : labels) text += std::string("x,") + label + "\n";
    return text;
  };
  CHECK(signs(all({"1", "0", "-1", "1.0", "-1.00", "-0.0", "+1", " 1 ", "01"})) == "+0-+-0+++");
  CHECK(signs(all({"positive", "NEGATIVE", "Neutral", " positive", "['negative']", "\"[\"\"Neutral\"\"]\""})) == "+-0+-0");
  CHECK(signs(all({"0.73", "-1e-3", "1.0", "0", "0.000", "-.5", "5.", "1E2", "-0e5", "1e-300"})) == "+-+00-++0+");
  CHECK(signs(all({"-5", "0", "3"})) == "-0+");  // a scale with a sign
  for (const char* label : {"nan", "inf", "-inf", "1e400", "0x1p0", "1,5", "--1", ".", "-", "1e", "good", "\xE2\x88\x92" "1", "1_0"}) {
    CAPTURE(label);
    CHECK(tweet_error(all({"1", ("\"" + std::string(label) + "\"").c_str()}), any).starts_with("line 3: 'sentiment': found '"));
  }
  CHECK(tweet_error(all({"1", "0", "positive", "negative"}), any) ==
        "'sentiment': found words and numbers: 'positive' in line 4 and '1' in line 2, expected one kind of label");
  CHECK(tweet_error(all({"0", "4", "2"}), any) ==
        "line 3: 'sentiment': found '4', expected -1, 0 or 1; no label of the file is negative or a fraction, so that these are no scores with a sign");
  auto helped = any;
  helped.help.names = "--labels";
  const auto notes = [&](std::initializer_list<const char*> labels) { return tfm::read_tweets(File(all(labels)).path, helped).notes; };
  CHECK(notes({"0", "1"}) == std::vector<std::string>{"no number of the column 'sentiment' is negative: 0 is read as Neutral; --labels says so if it means another"});
  CHECK(notes({"0", "1", "-1"}).empty());
  CHECK(notes({"1"}).empty());
  CHECK(notes({"neutral", "positive"}).empty());
  auto named = any;
  named.names = {{"0", "Negative"}, {"4", "Positive"}, {"None", "Neutral"}};
  CHECK(signs(all({"4", "0", "none"}), named) == "+-0");
  CHECK(tweet_error(all({"4", "2"}), named) == "line 3: 'sentiment': found '2', expected one of '0', '4', 'none'");
}

TEST_CASE("rows without a text or a label are left out on request, and counted", "[tweets]") {
  const std::string text = "tweet,sentiment\nhello,1\nbye,\n,1\nx,nan\n\" \",-1\nNA,-1\ny,NULL\n";
  auto options = any;
  CHECK(tweet_error(text, options).starts_with("line 3: 'sentiment': found '', expected"));
  options.help.skip_unlabelled = "--skip-unlabelled";
  CHECK(tweet_error(text, options) == "line 3: 'sentiment': found an empty label, expected a sentiment; --skip-unlabelled leaves such rows out");
  CHECK(tweet_error("tweet,sentiment\n,1\n", options) == "line 2: 'tweet': found an empty text, expected a tweet; --skip-unlabelled leaves such rows out");
  options.skip_unlabelled = true;
  const auto tweets = tfm::read_tweets(File(text).path, options);
  CHECK(tweets.rows == 7);
  CHECK(tweets.unlabelled == 5);
  REQUIRE(tweets.records.size() == 2);
  CHECK(tweets.records[1].input == "NA");  // a text may say anything
  CHECK(tweet_error("tweet,sentiment\nx,1\ny\n", options) == "line 3: found 1 fields, expected the header's 2");
}

}  // namespace
