#include "report.hpp"

#include <nlohmann/json.hpp>

#include "losses.hpp"
#include "support/json_output.hpp"
#include "support/peak_memory.hpp"
#include "support/terminal.hpp"
#include "tfm/formats/atomic_file.hpp"
#include "tfm/train/data/preflight.hpp"
#include "tfm/train/progress_bar.hpp"

namespace cli {

std::string mebibytes(Index bytes) { return std::to_string((bytes + tfm::MiB / 2) / tfm::MiB) + " MiB"; }

void tell_outlook(const Samples& samples, const Base& base, const Outlook& outlook) {
  tfm::PreflightFacts facts{.records = samples.records.alpaca, .context = base.loaded.model.shape.context, .cutoff = samples.cutoff};
  const auto& talks = samples.records.talks;
  const std::vector<std::string> faults = talks ? talks->lines() : std::vector<std::string>();
  if (talks) facts.cut = samples.cut, facts.unstopped = samples.unstopped, facts.data = faults;
  for (const std::string& line : tfm::preflight(samples.texts, samples.split, samples.training, samples.validation, base.loaded.tokenizer, facts).lines())
    tell("tfm: " + line + "\n");
  if (!samples.validation.empty() && !samples.can_measure()) tell("tfm: validation is left out, and the last step is kept, as with --validation 0\n");
  const Index all = outlook.parameters + outlook.trainable, passes = outlook.memory.kept + outlook.memory.scratch;
  tell("tfm: " + tfm::grouped_text(outlook.trainable) + " of " + tfm::grouped_text(all) + " parameters train (" +
       tfm::fixed_text(100 * static_cast<double>(outlook.trainable) / static_cast<double>(all), 3) + " %)\n");
  tell("tfm: memory " + mebibytes(outlook.weights + outlook.memory.total()) + ": base " + mebibytes(outlook.weights) + ", passes " + mebibytes(passes) +
       ", gradients and optimizer " + mebibytes(outlook.memory.total() - passes) + "\n");
  if (outlook.seconds > 0) tell("tfm: estimated time " + tfm::duration_text(outlook.seconds) + ", by one micro-batch that changed nothing\n");
}

void report(const TrainArguments& arguments, const Samples& samples, const Trained& trained) {
  const auto charts = losses_by_step(arguments.out / "log");
  tfm::write_file(arguments.out / "loss.svg", tfm::bytes_of(picture::svg(charts)));
  const tfm::TrainResult& result = trained.result;
  if (arguments.json) {
    nlohmann::ordered_json all{{"steps", result.steps},
                               {"ending", name(result.ending)},
                               {"training", samples.training.size()},
                               {"validation", samples.validation.size()},
                               {"trainable", trained.trainable},
                               {"backward", *arguments.int8_backward ? "int8" : "float"},
                               {"loss", result.last_loss.per_token()},
                               {"seconds", trained.seconds},
                               {"tokens_per_second", trained.seconds > 0 ? trained.tokens / trained.seconds : 0},
                               {"peak_memory_bytes", peak_memory_bytes()},
                               {"adapter_sha256", trained.adapter_sha256}};
    if (const auto& talks = samples.records.talks) {
      Index left_out = talks->read - samples.records.size();
      all["conversations"] = {{"read", talks->read}, {"left_out", left_out}, {"cut", samples.cut}};
    }
    if (result.best_step >= 0) all["best_step"] = result.best_step, all["best_loss"] = result.best_loss;
    print_json(std::move(all));
    return;
  }
  print(picture::in_terminal(charts.front(), static_cast<std::size_t>(terminal_size(standard_output).columns), 18) + "\n");
  if (result.best_step >= 0)
    print("best validation loss " + tfm::fixed_text(result.best_loss, 4) + " nats per token, after step " + std::to_string(result.best_step) + "\n");
  print("saved, read back and compared: " + arguments.out.string() + ", whose adapter_model.safetensors has SHA-256 " + trained.adapter_sha256 + "\n");
}

}  // namespace cli
