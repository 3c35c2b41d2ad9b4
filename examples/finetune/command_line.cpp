// The commands, their options and their help.
#include "command_line.hpp"

#include <cstdlib>
#include <map>
#include <string>
#include <type_traits>

#include "common_options.hpp"
#include "support/model_path.hpp"
#include "support/template_names.hpp"

namespace cli {

namespace {

constexpr const char* about = "finetune teaches a LLaMA a task from examples, by a LoRA adapter beside its weights, on the CPU.";
constexpr const char* footer =
    R"(Examples:
  finetune prepare bitcoin-sentiment-tweets.csv --out tweets.json
  finetune train --model model.gguf --data tweets.json --out adapter --seed 1
  finetune evaluate --model model.gguf --adapter adapter --data adapter/validation.json
  finetune predict --model model.gguf --adapter adapter < tweets.txt
  finetune chat --model model.gguf --adapter adapter
  finetune merge --model model.gguf --adapter adapter --out merged

A model is a GGUF file or a Hugging Face folder (config.json, safetensors or .bin, tokenizer.model or tokenizer.json).
Results go to standard output; progress, notes and errors to standard error.

Exit codes: 0 all went well; 1 an error, told on standard error; 2 the command line makes no sense;
130 interrupted with Ctrl-C.)";

constexpr const char* prepare_footer =
    R"(F is CSV in UTF-8 with a header. Its columns tweet and sentiment are used, in small or large letters; or else the only one
there is of text, content, message ..., and of label, polarity, score ...; or those that --text-column and
--label-column name. A label is -1, 0 or 1; or negative, neutral or positive; or, where one of the file is a fraction or negative, any
number, which counts by its sign; or what --labels says. J becomes an array of records
{"instruction", "input", "output"} as Alpaca has them, written whole or not at all, and over another file only with --overwrite: the instruction asks for the
sentiment of the tweet, the input is the tweet, the output Negative, Neutral or Positive. Beside J the labels are drawn
into a picture, J's name without its ending and -labels.svg.

With --json: {"out", "picture", "rows", "retweets", "links", "records", "labels": {...}, "distinct", "duplicates",
"commonest": {"copies", "text"}}; retweets and links are those that were left out, and with --skip-unlabelled "unlabelled" too.

Examples:
  finetune prepare bitcoin-sentiment-tweets.csv --out tweets.json
  finetune prepare BTC_Tweets.csv --out tweets.json --drop-retweets --drop-links --json
  finetune prepare training.csv --out tweets.json --text-column text --label-column target --labels 0=Negative,2=Neutral,4=Positive)";

constexpr const char* train_footer =
    R"(J is JSON or JSON lines: records of instruction, input and output as Alpaca has them; or conversations, {"messages": [{"role", "content"}]} as
OpenAI and Hugging Face have them, or {"conversations": [{"from", "value"}]} as ShareGPT has them, with calls of tools or without. Conversations are
written by the model's chat template, and what the assistant says in them is learnt. The defaults are those of Alpaca-LoRA's recipe.
Some texts, with all their copies, are kept for validation; what is found in the data, the memory and the time that it will
take are told before the first step. Beside these options' names, docs/finetune.md has those of PEFT and transformers.

OUT is the adapter, as PEFT opens it (adapter_config.json, adapter_model.safetensors): that of the best validation loss.
It also gets run.json, a receipt of all that decides its bits; validation.json, the records that were held out; log/ with CSV
files and TensorBoard's events; loss.svg; and checkpoint-N, from which --resume goes on after Ctrl-C or a crash, to the same
bits. With --json the figures of the end are one JSON object on standard output.

Examples:
  finetune train --model model.gguf --data tweets.json --out adapter --seed 1
  finetune train --model model.gguf --data tweets.json --out adapter --seed 1 --resume
  finetune train --model model.gguf --data chats.jsonl --out adapter --cutoff 1024 --validation 0.1
  finetune train --model folder/ --data alpaca.json --out adapter --steps 60 --batch 16 --micro-batch 8 --lr 1e-3 --response-only
  finetune train --model folder/ --data more.json --out second --init-adapter adapter --epochs 0.5 --warmup-ratio 0.1 --validation 0.1)";

constexpr const char* evaluate_footer =
    R"(Of conversations the loss of what the assistant says is measured, in nats per token; with --adapter, before and after. With --json: {"loss",
"perplexity", "tokens", "conversations", "cut", "left_out", "notes"}, and then "before": {"loss", "perplexity"}.

Of records the labels are the different outputs of the records, with those that the adapter learnt, or those of --labels, which may name some that no
record has. Each record's label is the likeliest of them after its prompt (its tokens, without EOS; but with it where another label goes on
from it); and, "generated", the one that the model's own answer begins with, if any. With --adapter, before and after side by side.
A record that is longer than --cutoff or the model's context, with its answer, loses the end of its input; a note tells how many do.

With --json: {"accuracy", "macro_f1", "confusion", "majority", "precision", "recall", "f1", "generated": {...}, "labels", "records", "notes"}, by the
adapter where there is one, and then "before": {...} without it. Rows of "confusion" are the records' labels, in the order of "labels",
columns what was given; "other" counts answers that are no label. "majority" is the commonest label's share. "cut" and "left_out" count
records that were too long, if there are any.

Examples:
  finetune evaluate --model model.gguf --data tweets.json
  finetune evaluate --model model.gguf --adapter adapter --data adapter/validation.json --picture confusion.svg
  finetune evaluate --model model.gguf --adapter adapter --data adapter/validation.json --json)";

constexpr const char* chat_footer =
    R"(Each line of standard input becomes a prompt as the adapter's training made them, and the answer is a line of standard
output: the likeliest token, one after the other. The template and the instruction are those that run.json in the first
adapter's folder keeps; where it learnt conversations, a line is a user's turn by its chat template, and the instruction the system's. /adapter NAME changes the adapter, /adapter NAME=0.5 NAME=0.5 takes a weighted sum, /adapter none takes none;
/help tells more. Where standard input is no terminal, every line gives one line of output, a blank one for blank lines and commands;
other lines that begin with / are answered, and breaks in an answer are written \n. For a file of texts there is finetune predict.

Examples:
  finetune chat --model model.gguf --adapter adapter
  finetune chat --model model.gguf --adapter tweets --adapter poems=0
  echo 'Bitcoin is going to the moon' | finetune chat --model model.gguf --adapter adapter)";

constexpr const char* merge_footer =
    R"(O becomes a Hugging Face folder with the base's weights, the adapters added to them, and its tokenizer; or, where it ends in .gguf, a
GGUF file, in which all that the adapters do not change keeps the base's bytes, and what they change its types. It is read back and
compared with the base with the adapters, over --text, or else over records that the first adapter's training held out:
the KL divergence between their predictions, and how often both find the same token the likeliest. With a quantised --base
the sums are quantised again, which costs more than an adapter over it. O is never the base's or an adapter's own folder, and is
empty unless --overwrite is given.
With --json: {"out", "kl_divergence", "top_1_agreement", "tokens", "notes"}.

Examples:
  finetune merge --model model.gguf --adapter adapter --out merged
  finetune merge --model model.gguf --adapter adapter --out merged.gguf --base file
  finetune merge --model folder/ --adapter one=0.7 --adapter other=0.3 --out merged --base bf16 --type bf16)";

const std::map<std::string, std::optional<tfm::Format>> formats{
    {"file", std::nullopt}, {"f32", tfm::Format::f32}, {"bf16", tfm::Format::bf16}, {"int8", tfm::Format::int8}};
const std::map<std::string, tfm::Format> file_formats{{"f32", tfm::Format::f32}, {"bf16", tfm::Format::bf16}, {"f16", tfm::Format::f16},
                                                             {"q8_0", tfm::Format::q8_0}, {"q4_0", tfm::Format::q4_0}, {"q4_1", tfm::Format::q4_1}};
const std::map<std::string, char> separators{{"comma", ','}, {"semicolon", ';'}, {"tab", '\t'}, {"bar", '|'}};
const std::map<std::string, bool> backwards{{"float", false}, {"int8", true}};
const std::map<std::string, ScheduleName> schedules{
    {"linear", ScheduleName::linear}, {"cosine", ScheduleName::cosine}, {"constant", ScheduleName::constant}};
const std::map<std::string, bool> paddings{{"left", true}, {"right", false}};
const std::map<std::string, std::optional<RecordKind>> kinds{{"alpaca", RecordKind::alpaca}, {"chat", RecordKind::chat}};
const std::map<std::string, bool> accumulations{{"means", false}, {"tokens", true}};

void add_number(CLI::App& app, const std::string& flag, double& value, double least, double greatest, const std::string& help) {
  app.add_option(flag, value, help)->type_name("X")->check(range(least, greatest))->capture_default_str();
}

}  // namespace

void add_optional_path(CLI::App& app, const std::string& flag, std::filesystem::path& path, const std::string& name, const std::string& help) {
  add_path(app, flag, path, name, help);
  app.get_option(flag.substr(flag.rfind(',') + 1))->required(false);
}

void add_base(CLI::App& app, BaseArguments& base) {
  add_path(app, "-m,--model", base.model, "M", "The base: a GGUF file, or a Hugging Face folder");
  app.option_defaults()->group("Running");
  add_choice(app, "--base", base.format, formats, "file|f32|bf16|int8",
             "What the base's weights are kept in; " + std::string(base.format == tfm::Format::f32 ? "f32" : "int8 (as LLM.int8())") +
                 ",\nunless it is given");
  add_arithmetic(app, base.arithmetic);
  add_threads(app, base.threads);
  app.option_defaults()->group("Options");
}

void add_prompt(CLI::App& app, std::filesystem::path& prompt, const std::string& otherwise) {
  add_optional_path(app, "--template", prompt, "F", "Alpaca-LoRA's template file: how records become prompts; " + otherwise);
}

/// What the data is, and the chat template of conversations.
void add_kind(CLI::App& app, std::optional<RecordKind>& kind, std::string& chat_template, const std::string& otherwise) {
  add_choice(app, "--as", kind, kinds, "alpaca|chat", "What J holds: records of instruction, input and output, or conversations; as its first\nrecord shows, unless it is given");
  app.add_option("--chat-template", chat_template, "How conversations are written, by name or by a file with a Jinja template; " + otherwise)
      ->type_name(template_names("|") + "|F")
      ->check(template_fault);
}

void add_cutoff(CLI::App& app, std::optional<Index>& cutoff) {
  app.add_option("--cutoff", cutoff, "Tokens of a prompt and its answer, at most: longer texts lose their end; as many as the\nadapter's training had, unless it is given")
      ->type_name("N")
      ->check(range(Index{2}, most));
}

namespace {

void describe(CLI::App& app, PrepareArguments& prepare) {
  app.footer(prepare_footer);
  add_path(app, "F", prepare.tweets, "", "Tweets, as CSV");
  add_path(app, "--out", prepare.out, "J", "The file for the records");
  app.add_option("--text-column", prepare.text_column, "The column of the tweets, by its name in the header")->type_name("NAME");
  app.add_option("--label-column", prepare.label_column, "The column of the sentiments")->type_name("NAME");
  add_names(app, "--labels", prepare.labels, "What the labels of the file become: LABEL=NAME,LABEL=NAME");
  add_choice(app, "--separator", prepare.separator, separators, "comma|semicolon|tab|bar", "What stands between fields; a comma, unless it is given");
  app.add_flag("--skip-unlabelled", prepare.skip_unlabelled, "Leave out rows without a text or a label");
  app.add_flag("--drop-retweets", prepare.drop_retweets, "Leave out tweets that begin with RT");
  app.add_flag("--drop-links", prepare.drop_links, "Leave out tweets with a link in them");
  add_overwrite(app, prepare.overwrite);
  add_json(app, prepare.json);
}

/// An option that has no default of its own.
template <class T>
CLI::Option* add_optional(CLI::App& app, const std::string& flag, std::optional<T>& value, T least, T greatest, const std::string& help) {
  return app.add_option(flag, value, help)->type_name(std::is_integral_v<T> ? "N" : "X")->check(range(least, greatest));
}

/// Records that are held out: so many, or a share of them, as train_test_split takes test_size.
void add_validation(CLI::App& app, TrainArguments& train) {
  const auto is_count = [](const std::string& word) { return !word.empty() && word.size() < 10 && word.find_first_not_of("0123456789") == word.npos; };
  const auto share_of = [](const std::string& word) {
    char* end = nullptr;
    const double share = std::strtod(word.c_str(), &end);
    return end == word.c_str() + word.size() && share > 0 && share < 1 ? share : 0;
  };
  const auto parse = [&train, is_count, share_of](const CLI::results_t& words) {
    train.validation_share.reset();
    if (is_count(words.front())) train.validation = std::stol(words.front());
    else train.validation_share = share_of(words.front());
    return true;
  };
  app.add_option("--validation", parse, "Records that are held out to choose the best step by: so many, or, below 1, a share of all")
      ->type_name("N|X")
      ->expected(1)
      ->default_str(std::to_string(train.validation))
      ->check([is_count, share_of](const std::string& word) {
        return is_count(word) || share_of(word) > 0 ? std::string() : "found '" + word + "', expected a number of records, or a share of them between 0 and 1";
      });
}

void describe(CLI::App& app, TrainArguments& train, std::optional<std::uint64_t>& seed) {
  app.footer(train_footer);
  add_base(app, train.base);
  add_choice(app, "--backward", train.int8_backward, backwards, "float|int8",
             "How gradients go through the base's int8 weights: float, or, faster, int8: products\nof 8 bits, as fast arithmetic's are; int8 with --arithmetic fast, else float, unless it is given")
      ->group("Running");
  add_path(app, "--data", train.data, "J", "Records of instruction, input and output, or conversations");
  add_path(app, "--out", train.out, "D", "The folder for the adapter, its log and its checkpoints");
  add_seed(app, seed, "Of the adapter's beginning, the samples' order, dropout; 0, unless it is given");
  CLI::Option* const resume = app.add_flag("--resume", train.resume, "Go on with what is in OUT, if there is anything");
  app.add_flag("--overwrite", train.overwrite, "Take away what is in OUT of an earlier run, and write over files of an adapter's names")->excludes(resume);
  add_json(app, train.json);

  app.option_defaults()->group("The adapter");
  add_optional(app, "--rank", train.rank, Index{1}, most, "Rank of the change of each matrix; 8, unless it is given");
  add_optional(app, "--alpha", train.alpha, 1e-6, 1e6, "The change is scaled by alpha / rank; 16, unless it is given");
  add_optional(app, "--dropout", train.dropout, 0.0, 0.999, "Of what the adapter sees while it trains; 0.05, unless it is given");
  add_names(app, "--targets", train.targets,
            "Matrices that get one: q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj,\ndown_proj, or all-linear; q_proj,v_proj, unless it is given");
  app.add_flag_callback("--rslora", [&train] { train.rslora = true; }, "Scale by alpha / sqrt(rank)");
  add_optional_path(app, "--init-adapter", train.init_adapter, "D",
                    "Begin with the weights of the adapter in this PEFT folder; rank, alpha, targets and\nrslora are its own, and dropout unless it is given");
  add_any_base(app, train.any_base);

  app.option_defaults()->group("The data");
  add_kind(app, train.kind, train.chat_template, "the model's own, unless it is given");
  add_prompt(app, train.prompt, "Alpaca's, unless it is given");
  add_count(app, "--cutoff", train.cutoff, 2, "Tokens of a sample; longer ones are cut");
  app.add_flag("--response-only", train.response_only, "Learn the output alone, and not the prompt");
  add_validation(app, train);
  app.add_option("--split-seed", train.split_seed, "Which they are")->type_name("N")->capture_default_str();
  add_choice(
      app, "--padding", train.pad_left, paddings, "left|right",
      "Where samples are padded. left, the default: the first token of a shorter one\nis asked of padding, as transformers does; right: of nothing");
  add_count(app, "--multiple", train.multiple, 1, "Lengths are padded to a multiple of this");
  app.add_flag("--group-by-length", train.group_by_length, "Put samples of like lengths into a step");

  app.option_defaults()->group("Training");
  add_count(app, "--steps", train.steps, 1, "Steps of the optimizer");
  add_optional(app, "--epochs", train.epochs, 1e-6, 1e6, "In place of --steps: passes over the records, also parts of one")->excludes("--steps");
  add_count(app, "--batch", train.batch, 1, "Samples of a step");
  add_count(app, "--micro-batch", train.micro_batch, 1, "Samples that go through the model at once");
  add_choice(app, "--accumulation", train.mean_of_tokens, accumulations, "means|tokens",
             "A step's loss: the mean of its micro-batches' means (the default), or of its tokens");
  add_number(app, "--lr", train.rate, 0, 1e38, "Learning rate of AdamW");
  add_optional(app, "--warmup", train.warmup, Index{0}, most, "Steps in which the rate rises from 0; 100, at most a third of all, unless it is given");
  add_optional(app, "--warmup-ratio", train.warmup_ratio, 0.0, 1.0, "In place of --warmup: the part of all steps")->excludes("--warmup");
  add_choice(app, "--schedule", train.schedule, schedules, "linear|cosine|constant",
             "How the rate falls to 0 afterwards; linear, unless it is given");
  add_number(app, "--weight-decay", train.weight_decay, 0, 1e6, "Of AdamW");
  add_number(app, "--clip", train.clip, 0, 1e6, "The largest norm of the gradients; 0: any");
  add_count(app, "--eval-every", train.evaluate_every, 1, "Steps between validations");
  app.add_flag("--eval-on-start", train.evaluate_first, "A validation before the first step too, whose adapter may then be the best");
  add_count(app, "--save-every", train.save_every, 0, "Steps between checkpoints; 0: one at the end");
  add_count(app, "--keep", train.keep, 1, "Checkpoints that stay");
  add_count(app, "--patience", train.patience, 0, "Validations without a better one after which training ends; 0: never");
}

void finish(TrainArguments& train, const std::optional<std::uint64_t>& seed) {
  train.seed = seed.value_or(0);
  if (train.targets == std::vector<std::string>{"all-linear"} || train.targets == std::vector<std::string>{"all"})
    train.targets = {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"};
}

void describe(CLI::App& app, EvaluateArguments& evaluate) {
  app.footer(evaluate_footer);
  add_base(app, evaluate.base);
  add_optional_path(app, "-a,--adapter", evaluate.adapter, "D", "A PEFT folder");
  add_path(app, "--data", evaluate.data, "J", "Records of instruction, input and output, or conversations");
  add_kind(app, evaluate.kind, evaluate.chat_template, "the adapter's, or else the model's own, unless it is given");
  add_prompt(app, evaluate.prompt, "the adapter's own, or else Alpaca's");
  add_names(app, "--labels", evaluate.labels, "The labels, in the order of the confusion matrix; all outputs, sorted, and those that\nthe adapter learnt, unless they are given");
  add_cutoff(app, evaluate.cutoff);
  add_optional_path(app, "--picture", evaluate.picture, "F", "Write the confusion matrices to this SVG file");
  add_overwrite(app, evaluate.overwrite);
  add_any_base(app, evaluate.any_base);
  add_json(app, evaluate.json);
}

void describe(CLI::App& app, ChatArguments& chat) {
  app.footer(chat_footer);
  add_base(app, chat.base);
  add_adapters(app, chat.adapters)->required();
  add_any_base(app, chat.any_base);
  add_prompt(app, chat.prompt, "the first adapter's own, or else Alpaca's");
  app.add_option("--instruction", chat.instruction, "What is to be done with each line; the adapter's own, unless it is given")->type_name("TEXT");
  add_count(app, "-n,--max-tokens", chat.max_tokens, 1, "Tokens of an answer, at most");
}

void describe(CLI::App& app, MergeArguments& merge) {
  app.footer(merge_footer);
  add_base(app, merge.base);
  add_adapters(app, merge.adapters)->required();
  add_any_base(app, merge.any_base);
  add_path(app, "--out", merge.out, "O", "The folder, or GGUF file, for the merged model");
  add_choice(app, "--type,--format", merge.type, file_formats, "f32|bf16|f16|q8_0|q4_0|q4_1",
             "What the tensors are kept in, of a folder f32, bf16 or f16; unless it is given, what\nthe base's are, or in a folder f16 where that is quantised");
  add_optional_path(app, "--text", merge.text, "F", "A text over which the models are compared");
  add_overwrite(app, merge.overwrite);
  add_json(app, merge.json);
}

}  // namespace

std::variant<Arguments, int> parse_command_line(int count, const char* const* words) {
  CLI::App app(about, "finetune");
  set_up(app, footer);

  PrepareArguments prepare;
  TrainArguments train;
  EvaluateArguments evaluate;
  PredictArguments predict;
  ChatArguments chat;
  MergeArguments merge;
  std::optional<std::uint64_t> seed;
  const auto add = [&](const char* name, const char* help, auto&... arguments) {
    CLI::App* const command = app.add_subcommand(name, help);
    describe(*command, arguments...);
    return command;
  };
  const CLI::App* const prepare_command = add("prepare", "Make instruction data of a CSV file of tweets", prepare);
  const CLI::App* const train_command = add("train", "Train an adapter on records", train, seed);
  const CLI::App* const evaluate_command = add("evaluate", "Measure how often a model gives records their labels", evaluate);
  const CLI::App* const predict_command = add("predict", "Label or answer each line of standard input", predict);
  const CLI::App* const chat_command = add("chat", "Try adapters by hand, change and mix them", chat);
  add("merge", "Make adapters part of their base", merge);

  if (const auto code = parse(app, count, words)) return *code;
  if (prepare_command->parsed()) return Arguments(prepare);
  const auto with_model = [](auto& arguments) {
    arguments.base.model = model_at(arguments.base.model);
    return Arguments(arguments);
  };
  if (train_command->parsed()) {
    finish(train, seed);
    return with_model(train);
  }
  if (evaluate_command->parsed()) return with_model(evaluate);
  if (predict_command->parsed()) return with_model(predict);
  if (chat_command->parsed()) return with_model(chat);
  return with_model(merge);
}

}  // namespace cli
