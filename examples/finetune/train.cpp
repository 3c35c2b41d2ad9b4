// finetune train: from a base model and records to a PEFT folder.
#include <iostream>
#include <nlohmann/json.hpp>

#include "base.hpp"
#include "losses.hpp"
#include "receipt.hpp"
#include "support/peak_memory.hpp"
#include "support/terminal.hpp"
#include "tfm/formats/atomic_file.hpp"
#include "tfm/train/causal_task.hpp"
#include "tfm/train/csv_log.hpp"
#include "tfm/train/data/alpaca.hpp"
#include "tfm/train/data/alpaca_samples.hpp"
#include "tfm/train/data/group_by_length.hpp"
#include "tfm/train/data/preflight.hpp"
#include "tfm/train/progress_bar.hpp"
#include "tfm/train/tensorboard.hpp"
#include "tfm/train/trainer.hpp"

namespace cli {

namespace {

/// Of all samples, by the split.
struct Samples {
  tfm::Split split;
  std::vector<tfm::CausalSample> training, validation;
};

/// CausalTask in the order that was asked for.
class Task : public tfm::CausalTask<tfm::AnyLlama> {
  std::vector<Index> lengths_;  // empty: any order
  Index samples_, batch_;

 public:
  Task(const tfm::AnyLlama& model, const tfm::Adapter& adapter, const Samples& samples, const TrainArguments& arguments)
      : CausalTask(model, &adapter, samples.training, samples.validation, options_of(arguments)),
        samples_(static_cast<Index>(samples.training.size())), batch_(arguments.batch) {
    if (arguments.group_by_length)
      for (const auto& sample : samples.training) lengths_.push_back(static_cast<Index>(sample.ids.size()));
  }
  std::vector<Index> order(tfm::RandomKey key) const {
    return lengths_.empty() ? tfm::shuffled(samples_, key) : tfm::grouped_by_length(lengths_, batch_, key);
  }

 private:
  static tfm::CausalTaskOptions options_of(const TrainArguments& arguments) {
    tfm::CausalTaskOptions options;
    options.accumulation = arguments.mean_of_tokens ? tfm::Accumulation::tokens : tfm::Accumulation::means;
    if (arguments.pad_left) options.left_pad = 0;  // the article's pad_token_id
    options.multiple = arguments.multiple;
    options.evaluation_batch = arguments.micro_batch;
    return options;
  }
};

tfm::Schedule schedule_of(const TrainArguments& arguments) {
  const auto rate = static_cast<float>(arguments.rate);
  switch (arguments.schedule) {
    case ScheduleName::cosine: return tfm::cosine(rate, arguments.warmup, arguments.steps);
    case ScheduleName::constant: return tfm::constant(rate);
    default: return tfm::linear(rate, arguments.warmup, arguments.steps);
  }
}

tfm::TrainerOptions options_of(const TrainArguments& arguments) {
  const bool evaluates = arguments.validation > 0;
  return {.steps = arguments.steps,
          .batch = arguments.batch,
          .micro_batch = arguments.micro_batch,
          .rate = schedule_of(arguments),
          .clip = static_cast<float>(arguments.clip),
          .seed = arguments.seed,
          .evaluate_every = evaluates ? arguments.evaluate_every : 0,
          .patience = evaluates ? arguments.patience : 0,
          .output = arguments.out,
          .save_every = arguments.save_every,
          .keep = arguments.keep};
}

tfm::AdapterOptions adapter_options(const TrainArguments& arguments) {
  return {.rank = arguments.rank,
          .alpha = static_cast<float>(arguments.alpha),
          .dropout = static_cast<float>(arguments.dropout),
          .targets = arguments.targets,
          .rank_stabilised = arguments.rslora,
          .seed = arguments.seed};
}

std::string mebibytes(Index bytes) { return std::to_string((bytes + tfm::MiB / 2) / tfm::MiB) + " MiB"; }

/// Seconds that the run will take, by one micro-batch that changes nothing.
double estimated_seconds(tfm::Context& context, const Task& task, const tfm::Parameters& parameters, const Samples& samples, const TrainArguments& arguments, Index steps) {
  std::vector<Index> some(tfm::to_size(std::min(arguments.micro_batch, task.samples())));
  std::iota(some.begin(), some.end(), Index{0});
  const auto tokens_of = [](const tfm::CausalSample& sample) { return static_cast<double>(sample.ids.size()); };
  const auto all_tokens = [&](const std::vector<tfm::CausalSample>& of) {
    double n = 0;
    for (const auto& sample : of) n += tokens_of(sample);
    return n;
  };
  double tokens = 0, took = 0;
  for (const Index i : some) tokens += tokens_of(samples.training[tfm::to_size(i)]);
  tfm::Buffer gradients = parameters.flat();
  context.training = true;
  for (int attempt = 0; attempt < 2 && took < 1; ++attempt) {  // the first asks for memory too, which a long one does not notice
    const double begin = seconds();
    static_cast<void>(task.train(context, {some, some, some}, parameters.gradients(gradients)));
    took = seconds() - begin;
  }
  context.training = false;
  const double of_a_step = all_tokens(samples.training) / static_cast<double>(samples.training.size()) * static_cast<double>(arguments.batch);
  const double evaluations = samples.validation.empty() ? 0 : static_cast<double>(tfm::ceil_div(steps, arguments.evaluate_every));
  constexpr double forward = 1.0 / 3;  // of forward, forward again and backward
  return took / tokens * (static_cast<double>(steps) * of_a_step + evaluations * forward * all_tokens(samples.validation));
}

Samples samples_of(const TrainArguments& arguments, const std::vector<tfm::AlpacaRecord>& records, const tfm::DistinctTexts& texts, const Base& base, const tfm::AlpacaPrompt& prompt) {
  Samples samples{tfm::split_by_text(texts, arguments.validation, arguments.split_seed), {}, {}};
  const tfm::AlpacaOptions options{.cutoff = arguments.cutoff, .response_only = arguments.response_only};
  samples.training = tfm::alpaca_samples(base.loaded.tokenizer, prompt, records, samples.split.training, options);
  samples.validation = tfm::alpaca_samples(base.loaded.tokenizer, prompt, records, samples.split.validation, options);
  if (samples.validation.empty() && arguments.validation > 0)
    tfm::raise(tfm::OptionError("tfm: " + arguments.data.string() + ": no text is so rare that its copies are among " + std::to_string(arguments.validation) +
                                " validation samples; a greater --validation, or 0"));
  return samples;
}

/// The instruction of all records; empty if they differ.
std::string common_instruction(const std::vector<tfm::AlpacaRecord>& records) {
  for (const auto& record : records)
    if (record.instruction != records[0].instruction) return "";
  return records[0].instruction;
}

/// The records that were held out, to be measured with by `finetune evaluate`.
void write_held_out(const TrainArguments& arguments, const std::vector<tfm::AlpacaRecord>& records, const tfm::Split& split) {
  std::vector<tfm::AlpacaRecord> held_out;
  for (const Index i : split.validation) held_out.push_back(records[tfm::to_size(i)]);
  if (!held_out.empty()) tfm::write_file(arguments.out / "validation.json", tfm::bytes_of(tfm::alpaca_json(held_out)));
}

struct Trained {
  tfm::TrainResult result;
  double seconds = 0;
  Index tokens = 0;  // of this call's steps, with a label
  Index trainable = 0, base_parameters = 0;
  std::string adapter_sha256;
};

void report(const TrainArguments& arguments, const Samples& samples, const Trained& trained) {
  const picture::LineChart chart = losses_by_step(arguments.out / "log");
  tfm::write_file(arguments.out / "loss.svg", tfm::bytes_of(picture::svg(chart)));
  const tfm::TrainResult& result = trained.result;
  const double speed = trained.seconds > 0 ? static_cast<double>(trained.tokens) / trained.seconds : 0;
  if (arguments.json) {
    nlohmann::ordered_json all{{"steps", result.steps}, {"training", samples.training.size()}, {"validation", samples.validation.size()},
                               {"trainable", trained.trainable}, {"loss", result.last_loss.per_token()}, {"seconds", trained.seconds},
                               {"tokens_per_second", speed}, {"peak_memory_bytes", peak_memory_bytes()}, {"adapter_sha256", trained.adapter_sha256}};
    if (result.best_step >= 0) all["best_step"] = result.best_step, all["best_loss"] = result.best_loss;
    print(all.dump() + "\n");
    return;
  }
  print(picture::in_terminal(chart, static_cast<std::size_t>(terminal_size(standard_output).columns), 18) + "\n");
  if (result.best_step >= 0) print("the best of the validation losses: " + tfm::number_text(result.best_loss) + " nats per token, after step " + std::to_string(result.best_step) + "\n");
  print("saved, read back and compared: " + arguments.out.string() + ", adapter_model.safetensors has SHA-256 " + trained.adapter_sha256 + "\n");
}

}  // namespace

int run(const TrainArguments& arguments) {
  RunPrompt prompt = prompt_of(arguments.prompt, {});
  const std::vector<tfm::AlpacaRecord> records = tfm::read_alpaca(arguments.data);
  prompt.instruction = common_instruction(records);
  const Base base = open_base(arguments.base, prompt.prompt);
  const tfm::AnyLlama& model = base.loaded.model;
  const tfm::DistinctTexts texts = tfm::distinct_texts(records);
  const Samples samples = samples_of(arguments, records, texts, base, prompt.prompt);
  tfm::Adapter adapter(model, adapter_options(arguments));
  tfm::Context context = context_of(arguments.base);
  Task task(model, adapter, samples, arguments);
  const tfm::AdamW optimizer{.decay = static_cast<float>(arguments.weight_decay)};
  tfm::Trainer trainer(context, task, tfm::adapter_parameters(adapter), optimizer, options_of(arguments));

  const Receipt receipt{arguments, base.identity, file_sha256(arguments.data), static_cast<Index>(records.size()), static_cast<Index>(samples.training.size()),
                        static_cast<Index>(samples.validation.size()), prompt};
  begin_run(receipt);
  write_held_out(arguments, records, samples.split);
  if (arguments.resume) trainer.resume();

  Trained trained;
  trained.trainable = trainer.parameters().elements();
  tfm::visit_weights(model, "", [&](const std::string&, const auto& weight, tfm::WeightRole) { trained.base_parameters += weight.rows() * weight.cols(); });
  for (const std::string& line : tfm::preflight(texts, samples.split, samples.training, samples.validation, base.loaded.tokenizer).lines()) tell("tfm: " + line + "\n");
  const double percent = 100 * static_cast<double>(trained.trainable) / static_cast<double>(trained.base_parameters + trained.trainable);
  tell("tfm: trainable: " + tfm::detail::with_commas(trained.trainable) + " of " + tfm::detail::with_commas(trained.base_parameters + trained.trainable) + " parameters (" +
       tfm::detail::fixed(percent, 3) + " %)\n");
  if (const Index left = arguments.steps - trainer.state().step; left > 0) {
    const double time = estimated_seconds(context, task, trainer.parameters(), samples, arguments, left);
    const Index passes = context.kept.peak() + context.scratch.peak();
    tell("tfm: memory: " + mebibytes(model.weight_bytes() + passes + trainer.memory().total()) + " (weights " + mebibytes(model.weight_bytes()) + ", passes " +
         mebibytes(passes) + ", gradients and optimizer " + mebibytes(trainer.memory().total()) + "); estimated time: " + tfm::detail::duration(time) + "\n");
  }

  const tfm::CsvLog log(arguments.out / "log", trainer.state().step);
  const tfm::TensorBoard board(arguments.out / "log", [] { return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count(); },
                               trainer.state().step);
  const tfm::ProgressBar bar(std::cerr, seconds, {.terminal = has_escapes(standard_error), .note = [] { return mebibytes(peak_memory_bytes()); }});
  for (const tfm::TrainWatch& watch : {log.watch(), board.watch(10), bar.watch()}) trainer.watch(watch);
  tfm::TrainWatch count;
  count.step = [&](const tfm::StepReport& step) { trained.tokens += step.loss.tokens; };
  trainer.watch(count);
  const double begin = seconds();
  trained.result = trainer.fit();
  trained.seconds = seconds() - begin;
  if (trained.result.ending == tfm::Ending::stopped) {
    tell("tfm: stopped after step " + std::to_string(trained.result.steps) + " of " + std::to_string(trainer.steps()) + "; --resume goes on from there\n");
    return interrupted;
  }
  tfm::peft::save(adapter, model, arguments.out, {.base = base.identity, .rslora = arguments.rslora, .base_model = arguments.base.model.string()});
  trained.adapter_sha256 = file_sha256(arguments.out / "adapter_model.safetensors");
  end_run(receipt, {trained.result.steps, trained.result.best_step, trained.result.best_loss, trained.adapter_sha256});
  report(arguments, samples, trained);
  return success;
}

}  // namespace cli
