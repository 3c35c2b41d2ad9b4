// finetune train: from a base model and records or conversations to a PEFT folder.
#include <iostream>

#include "receipt.hpp"
#include "recipe.hpp"
#include "report.hpp"
#include "support/peak_memory.hpp"
#include "support/terminal.hpp"
#include "tfm/formats/atomic_file.hpp"
#include "tfm/train/csv_log.hpp"
#include "tfm/train/data/alpaca.hpp"
#include "tfm/train/progress_bar.hpp"
#include "tfm/train/tensorboard.hpp"

namespace cli {

namespace {

using Task = tfm::CausalTask<tfm::AnyModel>;
using Trainer = tfm::Trainer<Task, tfm::AdamW>;

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
  const double evaluations = samples.validation.empty() ? 0 : static_cast<double>(tfm::ceil_div(steps, arguments.evaluate_every) + (arguments.evaluate_first ? 1 : 0));
  constexpr double forward = 1.0 / 3;  // of forward, forward again and backward
  return took / tokens * (static_cast<double>(steps) * of_a_step + evaluations * forward * tokens_of(samples.validation));
}

Outlook outlook_of(tfm::Context& context, const Task& task, const Trainer& trainer, const Samples& samples, const TrainArguments& arguments,
                   const tfm::AnyModel& model) {
  Outlook outlook{.trainable = trainer.parameters().elements(), .weights = model.weight_bytes(), .memory = trainer.memory()};
  tfm::visit_weights(model, "",
                     [&](const std::string&, const auto& weight, tfm::WeightRole) { outlook.parameters += weight.rows() * weight.cols(); });
  context.kept.reserve(outlook.memory.kept);
  context.scratch.reserve(outlook.memory.scratch);
  if (const Index left = trainer.steps() - trainer.state().step; left > 0)
    outlook.seconds = estimated_seconds(context, task, trainer.parameters(), samples, arguments, left);
  return outlook;
}

/// Of the tensors of the adapter that training begins with.
std::string init_sha256(const std::filesystem::path& folder) {
  if (folder.empty()) return {};
  std::error_code absent;
  const std::filesystem::path tensors = folder / "adapter_model.safetensors";
  return file_sha256(std::filesystem::exists(tensors, absent) ? tensors : folder / "adapter_model.bin");
}

/// Seconds since 1970.
double wall_clock() { return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count(); }

}  // namespace

int run(const TrainArguments& asked) {
  TrainArguments arguments = asked;
  check_backward(arguments);
  guard_output(arguments);
  Records records = read_records(arguments.data, arguments.kind);
  check_kind(arguments, records.talks.has_value());
  RunPrompt prompt = records.talks ? chat_prompt(arguments.chat_template) : prompt_of(arguments.prompt, {});
  fill_in_validation(arguments, records.size());
  prompt.instruction = common_instruction(records.alpaca);
  const Base base = open_base(arguments.base, prompt);
  const tfm::AnyModel& model = base.loaded.model;
  fill_in_backward(arguments, model);
  const Samples samples = samples_of(arguments, std::move(records), base);
  fill_in_steps(arguments, static_cast<Index>(samples.training.size()));
  tfm::Adapter adapter = first_adapter(arguments, base);
  tfm::Context context = context_of(arguments.base);
  context.int8.backward = *arguments.int8_backward;
  Task task(model, &adapter, samples.training, samples.validation, task_options(arguments));
  const tfm::AdamW optimizer{.decay = static_cast<float>(arguments.weight_decay)};
  Trainer trainer(context, task, tfm::adapter_parameters(adapter), optimizer, trainer_options(arguments, samples.can_measure()));

  const Receipt receipt{arguments, base.identity, file_sha256(arguments.data), init_sha256(arguments.init_adapter), samples, prompt};
  clear_output(arguments);
  begin_run(receipt);
  if (const std::string held_out = samples.held_out(); !held_out.empty()) tfm::write_file(arguments.out / "validation.json", tfm::bytes_of(held_out));
  if (arguments.resume) trainer.resume();
  const Outlook outlook = outlook_of(context, task, trainer, samples, arguments, model);
  tell_outlook(samples, base, outlook);

  Trained trained{.result = {}, .trainable = outlook.trainable, .adapter_sha256 = {}};
  const tfm::CsvLog log(arguments.out / "log", trainer.state().logged());
  const tfm::TensorBoard board(arguments.out / "log", wall_clock, trainer.state().logged());
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
  tfm::peft::save(adapter, model, arguments.out, {.base = base.identity, .rslora = *arguments.rslora, .base_model = arguments.base.model.string()});
  trained.adapter_sha256 = file_sha256(arguments.out / "adapter_model.safetensors");
  end_run(receipt, trained.result, trained.adapter_sha256);
  report(arguments, samples, trained);
  return success;
}

}  // namespace cli
