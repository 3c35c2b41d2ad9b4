// finetune train: from a base model and records to a PEFT folder.
#include <iostream>

#include "receipt.hpp"
#include "report.hpp"
#include "support/peak_memory.hpp"
#include "support/terminal.hpp"
#include "tfm/formats/atomic_file.hpp"
#include "tfm/train/causal_task.hpp"
#include "tfm/train/csv_log.hpp"
#include "tfm/train/data/alpaca.hpp"
#include "tfm/train/progress_bar.hpp"
#include "tfm/train/tensorboard.hpp"

namespace cli {

namespace {

using Task = tfm::CausalTask<tfm::AnyLlama>;
using Trainer = tfm::Trainer<Task, tfm::AdamW>;

tfm::CausalTaskOptions task_options(const TrainArguments& arguments) {
  tfm::CausalTaskOptions options;
  options.accumulation = arguments.mean_of_tokens ? tfm::Accumulation::tokens : tfm::Accumulation::means;
  if (arguments.pad_left) options.left_pad = 0;  // the article's pad_token_id
  options.multiple = arguments.multiple;
  options.evaluation_batch = arguments.micro_batch;
  options.group_by_length = arguments.group_by_length ? arguments.batch : 0;
  return options;
}

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

/// Seconds that `steps` will take, by one micro-batch whose gradients are thrown away.
double estimated_seconds(tfm::Context& context, const Task& task, const tfm::Parameters& parameters, const Samples& samples,
                         const TrainArguments& arguments, Index steps) {
  std::vector<Index> some(tfm::to_size(std::min(arguments.micro_batch, task.samples())));
  double tokens = 0, took = 0;
  for (std::size_t i = 0; i < some.size(); ++i) {  // evenly out of all
    some[i] = task.samples() * static_cast<Index>(i) / static_cast<Index>(some.size());
    tokens += static_cast<double>(samples.training[tfm::to_size(some[i])].ids.size());
  }
  tfm::Buffer gradients = parameters.flat();
  context.training = true;
  for (int attempt = 0; attempt < 2 && took < 1; ++attempt) {  // the first asks for memory too, which a long one does not notice
    const double begin = seconds();
    static_cast<void>(task.train(context, {some, some, some}, parameters.gradients(gradients)));
    took = seconds() - begin;
  }
  context.training = false;
  const double of_a_step = tokens_of(samples.training) / static_cast<double>(samples.training.size()) * static_cast<double>(arguments.batch);
  const double evaluations = samples.validation.empty() ? 0 : static_cast<double>(tfm::ceil_div(steps, arguments.evaluate_every));
  constexpr double forward = 1.0 / 3;  // of forward, forward again and backward
  return took / tokens * (static_cast<double>(steps) * of_a_step + evaluations * forward * tokens_of(samples.validation));
}

Outlook outlook_of(tfm::Context& context, const Task& task, const Trainer& trainer, const Samples& samples, const TrainArguments& arguments,
                   const tfm::AnyLlama& model) {
  Outlook outlook{.trainable = trainer.parameters().elements(), .weights = model.weight_bytes(), .memory = trainer.memory()};
  tfm::visit_weights(model, "",
                     [&](const std::string&, const auto& weight, tfm::WeightRole) { outlook.parameters += weight.rows() * weight.cols(); });
  context.kept.reserve(outlook.memory.kept);
  context.scratch.reserve(outlook.memory.scratch);
  if (const Index left = trainer.steps() - trainer.state().step; left > 0)
    outlook.seconds = estimated_seconds(context, task, trainer.parameters(), samples, arguments, left);
  return outlook;
}

/// --backward int8 is refused where no product would be of it.
void check_backward(const TrainArguments& arguments) {
  if (!arguments.int8_backward) return;
  if (arguments.base.arithmetic == tfm::Arithmetic::exact) throw UsageError("--backward int8 is of products in 8 bits, and --arithmetic exact has none");
  if (arguments.base.format && *arguments.base.format != tfm::Format::int8)
    throw UsageError("--backward int8 is for a base in int8, and --base is " + std::string(name(*arguments.base.format)));
}
void check_backward(const TrainArguments& arguments, const tfm::AnyLlama& model) {
  bool any = !arguments.int8_backward;
  tfm::visit_weights(model, "", [&](const std::string&, const auto& weight, tfm::WeightRole) {
    if constexpr (requires { weight.format(); }) any = any || weight.format() == tfm::Format::int8;
  });
  if (!any) throw UsageError("--backward int8 is for a base in int8, and no weight of " + arguments.base.model.string() + " is");
}

/// Seconds since 1970.
double wall_clock() { return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count(); }

}  // namespace

int run(const TrainArguments& arguments) {
  check_backward(arguments);
  RunPrompt prompt = prompt_of(arguments.prompt, {});
  std::vector<tfm::AlpacaRecord> records = tfm::read_alpaca(arguments.data);
  prompt.instruction = common_instruction(records);
  const Base base = open_base(arguments.base, prompt.prompt);
  const tfm::AnyLlama& model = base.loaded.model;
  check_backward(arguments, model);
  const Samples samples = samples_of(arguments, std::move(records), base, prompt.prompt);
  tfm::Adapter adapter(model, adapter_options(arguments));
  tfm::Context context = context_of(arguments.base);
  context.int8.backward = arguments.int8_backward;
  Task task(model, &adapter, samples.training, samples.validation, task_options(arguments));
  const tfm::AdamW optimizer{.decay = static_cast<float>(arguments.weight_decay)};
  tfm::TrainerOptions options = options_of(arguments);
  if (!samples.can_measure()) options.evaluate_every = options.patience = 0;
  Trainer trainer(context, task, tfm::adapter_parameters(adapter), optimizer, options);

  const Receipt receipt{arguments, base.identity, file_sha256(arguments.data), samples, prompt};
  begin_run(receipt);
  if (const std::string held_out = samples.held_out(); !held_out.empty()) tfm::write_file(arguments.out / "validation.json", tfm::bytes_of(held_out));
  if (arguments.resume) trainer.resume();
  const Outlook outlook = outlook_of(context, task, trainer, samples, arguments, model);
  tell_outlook(samples, base, outlook);

  Trained trained{.result = {}, .trainable = outlook.trainable, .adapter_sha256 = {}};
  const tfm::CsvLog log(arguments.out / "log", trainer.state().step);
  const tfm::TensorBoard board(arguments.out / "log", wall_clock, trainer.state().step);
  const tfm::ProgressBar bar(std::cerr, seconds, {.terminal = has_escapes(standard_error), .note = [] { return mebibytes(peak_memory_bytes()); }});
  for (const tfm::TrainWatch& watch : {log.watch(), board.watch(10), bar.watch()}) trainer.watch(watch);
  tfm::TrainWatch count;
  count.step = [&](const tfm::StepReport& step) { trained.tokens += static_cast<double>(step.tokens); };
  trainer.watch(count);
  const double begin = seconds();
  trained.result = trainer.fit();
  trained.seconds = seconds() - begin;
  if (trained.result.ending == tfm::Ending::stopped) {
    tell("tfm: stopped after step " + std::to_string(trained.result.steps) + " of " + std::to_string(trainer.steps()) +
         "; --resume goes on from there\n");
    return interrupted;
  }
  tfm::peft::save(adapter, model, arguments.out, {.base = base.identity, .rslora = arguments.rslora, .base_model = arguments.base.model.string()});
  trained.adapter_sha256 = file_sha256(arguments.out / "adapter_model.safetensors");
  end_run(receipt, trained.result, trained.adapter_sha256);
  report(arguments, samples, trained);
  return success;
}

}  // namespace cli
