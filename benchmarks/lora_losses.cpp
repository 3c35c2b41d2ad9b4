// The losses of an adapter's first steps, and all that another implementation needs to take the same steps: lora_peft.py.
//   lora_losses MODEL DATA OUT [--base f32|int8] [--outliers none|token] [--arithmetic exact|fast|bf16] [--backward float|int8]
//               [--steps N] [--batch N] [--micro-batch N] [--threads N]
// writes OUT/start (the adapter at first, PEFT's folder), OUT/steps.json (each step's micro-batches: ids and labels) and, for
// each base, a line of JSON with the losses and the loss on the 200 records held out. No dropout.
#include <chrono>
#include <fstream>
#include <iostream>
#include <map>

#include <tfm/checkpoint/load_llama.hpp>
#include <tfm/checkpoint/peft.hpp>
#include <tfm/train/causal_task.hpp>
#include <tfm/train/data/alpaca.hpp>
#include <tfm/train/data/alpaca_samples.hpp>
#include <tfm/train/data/split.hpp>
#include <tfm/train/trainer.hpp>

namespace {

using namespace tfm;

/// CausalTask that remembers which samples each micro-batch had.
struct Recorded : CausalTask<AnyLlama> {
  using CausalTask::CausalTask;
  std::vector<std::vector<Index>> parts{};

  Loss train(Context& context, const MicroBatch& batch, const Gradients& gradients) {
    parts.emplace_back(batch.samples.begin(), batch.samples.end());
    return CausalTask::train(context, batch, gradients);
  }
};

double seconds() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

template <class Range>
void write_list(std::ostream& out, const Range& values) {
  out << '[';
  for (std::size_t i = 0; i < values.size(); ++i) out << (i > 0 ? ", " : "") << values[i];
  out << ']';
}

}  // namespace

int main(int count, char** words) try {
  if (count < 4) return 2;
  std::map<std::string, std::string> options{{"--base", "f32"}, {"--outliers", "token"}, {"--arithmetic", "exact"}, {"--backward", "float"}, {"--steps", "60"},
                                             {"--batch", "8"}, {"--micro-batch", "4"}, {"--threads", "2"}};
  for (int i = 4; i + 1 < count; i += 2) options.at(words[i]) = words[i + 1];
  const auto number = [&](const char* name) { return static_cast<Index>(std::stol(options.at(name))); };
  const std::filesystem::path out = words[3];

  const auto llama = load_llama(words[1], {.format = options["--base"] == "f32" ? Format::f32 : Format::int8});
  const auto records = read_alpaca(words[2]);
  const DistinctTexts texts = distinct_texts(records);
  std::vector<AlpacaRecord> distinct;
  for (const std::size_t i : texts.first) distinct.push_back(records[i]);
  const Split split = split_by_text(distinct, 200, 42);
  const auto training = alpaca_samples(llama.tokenizer, {}, distinct, split.training, {.response_only = true});
  const auto validation = alpaca_samples(llama.tokenizer, {}, distinct, split.validation, {.response_only = true});

  Context context(static_cast<int>(number("--threads")));
  context.arithmetic = options["--arithmetic"] == "exact" ? Arithmetic::exact : options["--arithmetic"] == "bf16" ? Arithmetic::bf16 : Arithmetic::fast;
  context.int8.backward = options["--backward"] == "int8";
  if (options["--outliers"] == "none") context.int8.outliers = Outliers::none;
  Adapter adapter(llama.model, {.dropout = 0});
  peft::save(adapter, llama.model, out / "start");
  Recorded task(llama.model, &adapter, training, validation);
  Trainer trainer(context, task, adapter_parameters(adapter), AdamW{.decay = 0},
                  {.steps = number("--steps"), .batch = number("--batch"), .micro_batch = number("--micro-batch"),
                   .rate = linear_schedule(1e-3f, number("--steps") / 10, number("--steps")), .clip = 1});
  std::vector<double> losses;
  TrainWatch watch;
  watch.step = [&](const StepReport& step) { losses.push_back(step.loss.value); };
  trainer.watch(watch);
  const double begin = seconds();
  trainer.fit();
  const double took = seconds() - begin, held_out = task.evaluate(context).loss;

  std::ofstream steps(out / "steps.json");
  steps << "[";
  for (std::size_t i = 0; i < task.parts.size(); ++i) {
    steps << (i > 0 ? ",\n[" : "\n[");
    for (std::size_t k = 0; k < task.parts[i].size(); ++k) {
      const CausalSample& sample = training[to_size(task.parts[i][k])];
      steps << (k > 0 ? ", " : "") << "{\"ids\": ";
      write_list(steps, sample.ids);
      steps << ", \"labels\": ";
      write_list(steps, sample.labels);
      steps << '}';
    }
    steps << ']';
  }
  steps << "\n]\n";
  std::cout.precision(9);
  std::cout << "{\"base\": \"" << options["--base"] << "\", \"outliers\": \"" << options["--outliers"] << "\", \"arithmetic\": \"" << options["--arithmetic"]
            << "\", \"backward\": \"" << options["--backward"] << "\", \"seconds\": " << took << ", \"validation\": " << held_out << ", \"losses\": ";
  write_list(std::cout, losses);
  std::cout << "}" << std::endl;
} catch (const tfm::Error& error) {
  std::cerr << error.what() << '\n';
  return 1;
}
