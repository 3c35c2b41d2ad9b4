// finetune prepare: a CSV file of tweets becomes instruction data, and what is in it is told and drawn.
#include <array>
#include <nlohmann/json.hpp>

#include "arguments.hpp"
#include "support/bar_chart.hpp"
#include "support/json_output.hpp"
#include "support/output_guard.hpp"
#include "support/terminal.hpp"
#include "tfm/formats/atomic_file.hpp"
#include "tfm/train/data/alpaca.hpp"
#include "tfm/train/data/split.hpp"
#include "tfm/train/data/tweets.hpp"

namespace cli {

namespace {

std::string share(Index part, Index all) {
  const Index tenths = (part * 1000 + all / 2) / all;
  return std::to_string(part) + " (" + std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " %)";
}

picture::BarChart label_chart(const std::vector<std::pair<std::string, Index>>& labels, Index records) {
  picture::BarChart chart{.title = "Labels of " + std::to_string(records) + " records", .bars = {}};
  for (const auto& [name, count] : labels) chart.bars.push_back({name, static_cast<double>(count), share(count, records)});
  return chart;
}

/// The beginning of a text, in one line.
std::string beginning(std::string_view text) {
  constexpr std::size_t longest = 60;
  std::string out = printable(text.substr(0, std::min(text.find('\n'), longest)));
  out.resize(out.size() - tfm::incomplete_tail(out));
  return out.size() < text.size() ? out + " ..." : out;
}

std::filesystem::path picture_beside(const std::filesystem::path& out) {
  return out.parent_path() / (out.stem().string() + "-labels.svg");
}

/// "LABEL=NAME" of the command line.
std::vector<std::pair<std::string, std::string>> names_of(const std::vector<std::string>& words) {
  std::vector<std::pair<std::string, std::string>> names;
  for (const std::string& word : words) {
    const std::size_t at = word.rfind('=');
    if (at == word.npos || at == 0 || at + 1 == word.size()) throw UsageError("--labels: found '" + word + "', expected LABEL=NAME: what stands in the file, and what it becomes");
    names.emplace_back(word.substr(0, at), word.substr(at + 1));
  }
  return names;
}

tfm::TweetOptions options_of(const PrepareArguments& arguments) {
  tfm::TweetOptions options{.drop_retweets = arguments.drop_retweets, .drop_links = arguments.drop_links};
  if (!arguments.text_column.empty()) options.text_columns = {arguments.text_column};
  else options.text_columns.insert(options.text_columns.end(), {"tweets", "text", "full_text", "tweet_text", "content", "message", "sentence", "review"});
  if (!arguments.label_column.empty()) options.label_columns = {arguments.label_column};
  else options.label_columns.insert(options.label_columns.end(), {"sentiments", "label", "labels", "polarity", "score", "class", "target"});
  options.labels = tfm::SentimentLabels::any;
  options.names = names_of(arguments.labels);
  options.skip_unlabelled = arguments.skip_unlabelled;
  options.separator = arguments.separator;
  options.help = {"--text-column", "--label-column", "--labels LABEL=NAME,...", "--skip-unlabelled", "--separator"};
  return options;
}

}  // namespace

int run(const PrepareArguments& arguments) {
  const std::filesystem::path picture = picture_beside(arguments.out);
  const std::vector<CommandInput> inputs{{"the file of tweets", arguments.tweets}};
  for (const auto& file : {arguments.out, picture}) guard_file("--out", file, inputs, true);
  const tfm::Tweets tweets = tfm::read_tweets(arguments.tweets, options_of(arguments));
  tell_notes(tweets.notes);
  const auto records = static_cast<Index>(tweets.records.size());
  if (records == 0)
    tfm::raise(tfm::LoadError("tfm: " + arguments.tweets.string() + ": nothing is left of " + std::to_string(tweets.rows) + " tweets without " +
                              (tweets.unlabelled > 0 ? "those unlabelled, " : "") + "retweets and links"));
  const auto labels = tfm::output_counts(tweets.records);
  const tfm::DistinctTexts texts = tfm::distinct_texts(tweets.records);
  const std::size_t commonest = texts.commonest();
  const Index copies = texts.copies[commonest];
  const std::string& common_text = tweets.records[texts.first[commonest]].input;
  const picture::BarChart chart = label_chart(labels, records);

  const std::array<std::pair<std::filesystem::path, std::string>, 2> files{
      {{arguments.out, tfm::alpaca_json(tweets.records)}, {picture, picture::svg(chart)}}};
  for (const auto& [file, text] : files)
    if (!says_already(file, text)) guard_file("--out", file, inputs, arguments.overwrite);
  for (const auto& [file, text] : files) tfm::write_file(file, tfm::bytes_of(text));
  if (arguments.json) {
    nlohmann::ordered_json counts;
    for (const auto& [name, count] : labels) counts[name] = count;
    nlohmann::ordered_json all{{"out", arguments.out.string()}, {"picture", picture.string()}, {"rows", tweets.rows},
                               {"retweets", tweets.retweets}, {"links", tweets.links}, {"records", records}, {"labels", counts},
                               {"distinct", texts.count()}, {"duplicates", texts.duplicates()},
                               {"commonest", {{"copies", copies}, {"text", common_text}}}};
    if (arguments.skip_unlabelled) all["unlabelled"] = tweets.unlabelled;
    print_json(std::move(all));
    return success;
  }
  print(picture::in_terminal(chart, static_cast<std::size_t>(terminal_size(standard_output).columns)) + "\n");
  if (tweets.unlabelled > 0)
    print("left out: " + std::to_string(tweets.unlabelled) + " rows without a text or a label, of " + std::to_string(tweets.rows) + "\n");
  if (tweets.retweets + tweets.links > 0)
    print("left out: " + std::to_string(tweets.retweets) + " retweets and " + std::to_string(tweets.links) + " tweets with a link, of " +
          std::to_string(tweets.rows) + "\n");
  if (texts.duplicates() > 0)
    print(std::to_string(texts.duplicates()) + " of " + std::to_string(records) + " records are copies of another: " + std::to_string(texts.count()) +
          " distinct texts, the commonest " + std::to_string(copies) + " times: " + beginning(common_text) +
          "\nA random split would put copies into training and validation both; finetune train splits by distinct text.\n");
  print("wrote " + arguments.out.string() + " and " + picture.string() + "\n");
  return success;
}

}  // namespace cli
