// The commands, their options and their help.
#include "command_line.hpp"

#include <iostream>
#include <string>

#include "support/options.hpp"

namespace cli {

namespace {

constexpr const char* about = "finetune makes a LLaMA model better at a task, with a LoRA adapter beside its frozen weights.";
constexpr const char* footer =
    R"(Examples:
  finetune prepare bitcoin-sentiment-tweets.csv --out tweets.json

Results go to standard output; progress, notes and errors to standard error.

Exit codes: 0 all went well; 1 an error, told on standard error; 2 the command line makes no sense;
130 interrupted with Ctrl-C.)";

constexpr const char* prepare_footer =
    R"(F is CSV in UTF-8 with a header; its columns tweet and sentiment (-1, 0 or 1) are used. J becomes an array of records
{"instruction", "input", "output"} as Alpaca has them, written whole or not at all: the instruction asks for the
sentiment of the tweet, the input is the tweet, the output Negative, Neutral or Positive. Beside J the labels are drawn
into a picture, J's name without its ending and -labels.svg.

With --json: {"out", "picture", "rows", "retweets", "links", "records", "labels": {...}, "distinct", "duplicates",
"commonest": {"copies", "text"}}; retweets and links are those that were left out.

Examples:
  finetune prepare bitcoin-sentiment-tweets.csv --out tweets.json
  finetune prepare BTC_Tweets.csv --out tweets.json --drop-retweets --drop-links --json)";

void describe(CLI::App& app, PrepareArguments& prepare) {
  app.footer(prepare_footer);
  add_path(app, "F", prepare.tweets, "", "Tweets, as CSV");
  add_path(app, "--out", prepare.out, "J", "The file for the records");
  app.add_flag("--drop-retweets", prepare.drop_retweets, "Leave out tweets that begin with RT");
  app.add_flag("--drop-links", prepare.drop_links, "Leave out tweets with a link in them");
  add_json(app, prepare.json);
}

}  // namespace

std::variant<Arguments, int> parse_command_line(int count, const char* const* words) {
  CLI::App app(about, "finetune");
  app.footer(footer);
  app.require_subcommand(1);
  app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  app.set_version_flag("--version", "finetune " + std::to_string(TFM_VERSION_MAJOR) + "." + std::to_string(TFM_VERSION_MINOR) + "." +
                                        std::to_string(TFM_VERSION_PATCH));
  app.get_formatter()->column_width(34);

  PrepareArguments prepare;
  CLI::App* const prepare_command = app.add_subcommand("prepare", "Make instruction data of a CSV file of tweets");
  describe(*prepare_command, prepare);

  const auto is_first_word = [&](const CLI::App* command) { return command->get_name() == words[1]; };
  if (count > 1 && words[1][0] != '-' && app.get_subcommands(is_first_word).empty()) {
    std::cerr << "tfm: there is no command " << words[1] << ", expected prepare\n";
    return usage;
  }
  try {
    app.parse(count, words);
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);
    return code == 0 ? success : usage;
  }
  return Arguments(prepare);
}

}  // namespace cli
