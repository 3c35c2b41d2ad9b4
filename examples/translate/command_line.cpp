// The commands, their options and their help.
#include "command_line.hpp"

#include <map>
#include <string>

#include "support/options.hpp"

namespace cli {

namespace {

constexpr const char* about =
    "translate trains the Transformer of \"Attention is all you need\" on pairs of sentences, and translates with it.";
constexpr const char* footer =
    R"(Examples:
  translate train --preset article --data fra.txt --out article
  translate train --preset large --data fra.txt --out large
  echo 'I am home.' | translate run --model large --beam 4
  translate bleu --model large --file large/held_out.txt

The data are lines "English<tab>French" in UTF-8, as on www.manythings.org/anki. Results go to standard output; progress,
skipped lines and errors to standard error.

Exit codes: 0 all went well; 1 an error, told on standard error; 2 the command line makes no sense;
130 interrupted with Ctrl-C.)";

constexpr const char* train_footer =
    R"(article: the model and the training of d2l.ai's chapter: width 32, 2 layers, 4 heads, the first 600 pairs, words that
occur twice, 200 epochs. At the end four sentences are translated, with BLEU of up to 1, 2, 3 and 4 words in a row.
large: width 256, 3 layers, 4 heads, a vocabulary of 8,000 subwords, all pairs but 2,000 whose English sentence is in no
other; their BLEU is told at the end, and they are in OUT/held_out.txt.

OUT gets config.json, model.safetensors, translation.json and the vocabularies, which are what run and bleu need;
log/ with CSV files and TensorBoard's events; loss.svg and attention-*.svg; checkpoints/, from which --resume goes on
after Ctrl-C or a crash, to the same bits. With --json the figures of the end are one JSON object on standard output.

Examples:
  translate train --preset article --data fra.txt --out article --seed 1
  translate train --preset large --data fra.txt --out large --resume)";

constexpr const char* run_footer =
    R"(Every line of standard input is a sentence; its translation is a line of standard output. It is normalised as the
training's sentences were: small letters, a space before , . ! ?. A line that is empty or no UTF-8 becomes an empty one; text in
UTF-16 or UTF-32 is refused, and a byte order mark is no part of the first sentence.
With --n-best above 1 a sentence becomes as many lines: the input's line number, the score and the translation, with
tabs between them. With --json a sentence becomes {"source", "translations": [{"text", "score", "log_probability",
"ended"}]}; the score is log_probability / tokens^length-penalty.

Examples:
  echo 'I lost.' | translate run --model article
  translate run --model large --beam 4 --n-best 4 --length-penalty 0.6 < english.txt)";

constexpr const char* bleu_footer =
    R"(The file has a pair on each line, as the training's data. Both sides are normalised as for training; each line has one
reference. The line is that of sacrebleu with tokenize='none' for these lines: the score, 0 to 100; the precisions of 1 to 4 words in a
row, in percent; the brevity penalty; the words of the translations by those of the references, and both numbers.
With --json: {"bleu", "precisions", "brevity_penalty", "ratio", "hyp_len", "ref_len", "pairs", "notes"}.

Examples:
  translate bleu --model large --file large/held_out.txt
  translate bleu --model large --file pairs.txt --beam 4 --json)";

const std::map<std::string, Preset> presets{{"article", article}, {"large", large}};
const std::map<std::string, bool> weights{{"f32", false}, {"int8", true}};

/// What the command line changes of a preset.
struct Changes {
  std::optional<Index> pairs, held_out, pieces, batch, epochs, save_every;
};

void add_optional(CLI::App& app, const std::string& flag, std::optional<Index>& value, Index least,
                  const std::string& help) {
  app.add_option(flag, value, help)->type_name("N")->check(range(least, most));
}

void describe(CLI::App& app, TrainArguments& train, Changes& changes) {
  app.footer(train_footer);
  add_choice(app, "--preset", train.preset, presets, "article|large", "What is trained, and how")->required();
  add_path(app, "--data", train.data, "F", "Pairs of sentences, one a line, with a tab between");
  add_path(app, "--out", train.out, "D", "The folder for the model, its log and its pictures");
  add_seed(app, train.seed, "The same seed gives the same model; 0, unless it is given");
  app.add_flag("--resume", train.resume, "Go on with what is in OUT, if there is anything");
  add_overwrite(app, train.overwrite);
  app.get_option("--overwrite")->excludes("--resume");
  add_json(app, train.json);
  add_threads(app, train.threads);
  app.option_defaults()->group("In place of the preset's");
  add_optional(app, "--pairs", changes.pairs, 1, "Read the first N pairs");
  add_optional(app, "--held-out", changes.held_out, 0, "Keep at least N pairs out of training");
  add_optional(app, "--pieces", changes.pieces, 0, "Subwords of the vocabulary; 0: whole words");
  add_optional(app, "--batch", changes.batch, 1, "Pairs of a step");
  add_optional(app, "--epochs", changes.epochs, 1, "Passes over the pairs");
  add_optional(app, "--save-every", changes.save_every, 0, "Steps between checkpoints; 0: one at the end");
}

void change(Preset& preset, const Changes& changes) {
  preset.pairs = changes.pairs.value_or(preset.pairs), preset.held_out = changes.held_out.value_or(preset.held_out);
  preset.pieces = changes.pieces.value_or(preset.pieces), preset.batch = changes.batch.value_or(preset.batch);
  preset.epochs = changes.epochs.value_or(preset.epochs);
  preset.save_every = changes.save_every.value_or(preset.save_every);
}

void add_search(CLI::App& app, SearchArguments& search) {
  add_path(app, "-m,--model", search.model, "D", "The folder that train has made");
  add_count(app, "--beam", search.beam, 1, "Translations of a sentence that are followed at once; 1: greedy");
  app.add_option("--length-penalty", search.length_penalty, "Translations are ranked by log p / tokens^X")
      ->type_name("X")
      ->check(range(0.0, 100.0))
      ->capture_default_str();
  add_count(app, "--batch", search.batch, 1, "Sentences that are translated at once. Results do not depend on it");
  add_choice(app, "--weights", search.int8, weights, "f32|int8", "Weights as they were trained (f32), or in 8 bits");
  add_threads(app, search.threads);
}

void describe(CLI::App& app, RunArguments& run) {
  app.footer(run_footer);
  add_search(app, run.search);
  add_count(app, "--n-best", run.search.n_best, 1, "Translations of each sentence, at most --beam");
  add_json(app, run.json);
}

void describe(CLI::App& app, BleuArguments& bleu) {
  app.footer(bleu_footer);
  add_search(app, bleu.search);
  add_path(app, "-f,--file", bleu.file, "F", "Pairs of sentences, one a line, with a tab between");
  add_json(app, bleu.json);
}

}  // namespace

std::variant<Arguments, int> parse_command_line(int count, const char* const* words) {
  CLI::App app(about, "translate");
  set_up(app, footer);

  TrainArguments train;
  Changes changes;
  RunArguments run;
  BleuArguments bleu;
  CLI::App* const train_command = app.add_subcommand("train", "Train a translator on pairs of sentences");
  CLI::App* const run_command = app.add_subcommand("run", "Translate the lines of standard input");
  CLI::App* const bleu_command = app.add_subcommand("bleu", "Measure translations of a file of pairs");
  describe(*train_command, train, changes);
  describe(*run_command, run);
  describe(*bleu_command, bleu);

  if (const auto code = parse(app, count, words)) return *code;
  if (train_command->parsed()) {
    change(train.preset, changes);
    return Arguments(train);
  }
  if (run_command->parsed()) return Arguments(run);
  return Arguments(bleu);
}

}  // namespace cli
