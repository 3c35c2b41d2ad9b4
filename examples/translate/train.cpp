// translate train: from a file of pairs to a folder with a model.
#include <chrono>
#include <iostream>

#include "notes.hpp"
#include "report.hpp"
#include "support/interrupt.hpp"
#include "support/output_guard.hpp"
#include "tfm/checkpoint/transformer_file.hpp"
#include "tfm/train/csv_log.hpp"
#include "tfm/train/initialise.hpp"
#include "tfm/train/progress_bar.hpp"
#include "tfm/train/tensorboard.hpp"
#include "tfm/train/trainer.hpp"
#include "tfm/train/translation_task.hpp"
#include "translator.hpp"

namespace cli {

namespace {

using Task = tfm::TranslationTask<tfm::TrainableTransformer>;

tfm::HeldOutPairs read_pairs(const TrainArguments& arguments) {
  const Preset& preset = arguments.preset;
  tfm::SentencePairs read = tfm::read_sentence_pairs(arguments.data, preset.pairs > 0 ? preset.pairs : PTRDIFF_MAX);
  tell_skipped(arguments.data, read.skipped);
  const std::size_t all = read.pairs.size();
  tfm::HeldOutPairs pairs = tfm::hold_out(std::move(read.pairs), preset.held_out, 0);  // the same for every seed
  if (pairs.training.empty())
    tfm::raise(tfm::LoadError("tfm: " + arguments.data.string() + ": " + std::to_string(all) + " pairs, expected more than the " +
                              std::to_string(preset.held_out) + " that are held out"));
  return pairs;
}

std::string as_lines(const std::vector<tfm::SentencePair>& pairs) {
  std::string text;
  for (const auto& pair : pairs) text += pair.source + "\t" + pair.target + "\n";
  return text;
}

/// Refuses a folder in which a run would write over what is not its own. One that was ended while it wrote its vocabularies has left them,
/// and --resume begins it again.
void guard_output(const TrainArguments& arguments) {
  std::vector<std::string> files{"config.json", "model.safetensors", "checkpoints", "log", "loss.svg", "attention-encoder.svg", "attention-decoder-self.svg",
                                 "attention-decoder-cross.svg"};
  for (const char* const name : vocabulary_files)
    if (!arguments.resume) files.emplace_back(name);
  if (!arguments.resume) files.emplace_back("held_out.txt");
  guard_inputs("--out", arguments.out, files, {{"the file of pairs", arguments.data}});
  guard_files("--out", arguments.out, files, arguments.overwrite);
}

/// What --overwrite removes of a run, so that none of its checkpoints is taken for the new one's.
void remove_run(const std::filesystem::path& folder) {
  std::error_code ignored;
  std::filesystem::remove(folder / "translation.json", ignored);
  for (const Index step : tfm::checkpoints_in(folder / "checkpoints")) std::filesystem::remove_all(tfm::checkpoint_path(folder / "checkpoints", step), ignored);
}

/// The vocabularies of a new run, written; or of the one that goes on, which must be of the same pairs.
Vocabularies vocabularies(const TrainArguments& arguments, const tfm::HeldOutPairs& pairs) {
  const Preset& preset = arguments.preset;
  TranslationFile file{std::string(preset.name), preset.steps, fingerprint(as_lines(pairs.training)), {}};
  if (!arguments.overwrite && std::filesystem::exists(arguments.out / "translation.json")) {
    if (!arguments.resume)
      throw UsageError("there is a run in " + arguments.out.string() + " already: give --resume, or another --out (or --overwrite, which begins anew)");
    const TranslationFile there = read_translation_file(arguments.out);
    if (there.training != file.training || there.preset != file.preset)
      throw UsageError("the run in " + arguments.out.string() + " is of other pairs or another preset, and cannot go on with these");
    return load_vocabularies(arguments.out, there.vocabularies);
  }
  guard_output(arguments);
  if (arguments.overwrite) remove_run(arguments.out);
  std::error_code error;
  std::filesystem::create_directories(arguments.out, error);
  if (error) tfm::raise(tfm::LoadError("tfm: cannot make the folder " + arguments.out.string() + ": " + error.message()));
  file.vocabularies = make_vocabularies(pairs.training, preset.pieces, arguments.out);
  if (!pairs.held_out.empty()) tfm::write_file(arguments.out / "held_out.txt", tfm::bytes_of(as_lines(pairs.held_out)));
  write_translation_file(arguments.out, file);  // the last: a run that has it has the others
  return load_vocabularies(arguments.out, file.vocabularies);
}

tfm::DynamicTransformerShape shape_of(const Preset& preset, const Vocabularies& words) {
  return {.source_vocab = words.source.size(), .target_vocab = words.target.size(), .dim = preset.dim, .layers = preset.layers,
          .heads = preset.heads, .ffn = preset.ffn, .context = std::max<Index>(preset.steps, 64), .dropout = preset.dropout};
}

tfm::TrainerOptions options_of(const TrainArguments& arguments, Index steps_per_epoch) {
  const Preset& preset = arguments.preset;
  const Index steps = preset.epochs * steps_per_epoch, warmup = std::min<Index>(4000, std::max<Index>(1, steps / 5));
  tfm::TrainerOptions options{.epochs = preset.epochs, .batch = preset.batch, .clip = 1, .seed = arguments.seed.value_or(0),
                              .evaluate_every = preset.held_out > 0 ? steps_per_epoch : 0, .load_best = false,
                              .output = arguments.out / "checkpoints", .save_every = preset.save_every};
  options.rate = preset.d2l ? tfm::constant_schedule(0.005f) : tfm::inverse_square_root_schedule(1e-3f, warmup);
  return options;
}

/// Seconds, from any beginning.
double seconds() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }
/// Seconds since 1970.
double wall_clock() { return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count(); }

/// Projections uniform as Glorot & Bengio have them; embeddings normal: of deviation 1 as in PyTorch (and d2l.ai), or so that
/// they are of deviation 1 once the model has scaled them.
void draw_weights(const tfm::Parameters& parameters, const TrainArguments& arguments) {
  const float deviation = arguments.preset.d2l ? 1.f : 1 / std::sqrt(static_cast<float>(arguments.preset.dim));
  const auto draw = [&](const tfm::Parameter& p, tfm::RandomKey key) {
    if (p.role == tfm::WeightRole::embedding) tfm::Normal{deviation}(p, key);
    else tfm::XavierUniform{}(p, key);
  };
  tfm::initialise(parameters, draw, arguments.seed.value_or(0));
}

}  // namespace

int run(const TrainArguments& arguments) {
  const Preset& preset = arguments.preset;
  const tfm::HeldOutPairs pairs = read_pairs(arguments);
  const Vocabularies words = vocabularies(arguments, pairs);
  tfm::TrainableTransformer model(shape_of(preset, words));
  draw_weights(tfm::Parameters(model), arguments);
  Task task(model, tfm::encode_pairs(pairs.training, words.source, words.target, preset.steps),
            tfm::encode_pairs(pairs.held_out, words.source, words.target, preset.steps),
            {.bos = *words.target.bos(), .reduction = preset.d2l ? tfm::Reduction::d2l : tfm::Reduction::tokens,
             .steps = preset.steps, .label_smoothing = preset.d2l ? 0 : 0.1f});

  tfm::Context context(arguments.threads > 0 ? arguments.threads : tfm::Threads::hardware());
  context.stop = interrupt_token();
  const tfm::Adam adam = preset.d2l ? tfm::Adam{} : tfm::Adam{0.9f, 0.98f, 1e-9f};
  tfm::Trainer trainer(context, task, tfm::Parameters(model), adam,
                       options_of(arguments, tfm::EpochOrder::steps(task.samples(), preset.batch)));
  Trained trained{.pairs = task.samples(), .held_out = static_cast<Index>(pairs.held_out.size()),
                  .parameters = trainer.parameters().elements(), .losses = {}};
  if (arguments.resume) trainer.resume();
  const tfm::CsvLog log(arguments.out / "log", trainer.state().logged());
  const tfm::TensorBoard board(arguments.out / "log", wall_clock, trainer.state().logged());
  const tfm::ProgressBar bar(std::cerr, seconds, {.terminal = has_escapes(standard_error)});
  for (const tfm::TrainWatch& watch : {log.watch(), board.watch(10), bar.watch()}) trainer.watch(watch);
  tfm::TrainWatch count;
  count.step = [&](const tfm::StepReport& step) { trained.tokens += static_cast<double>(step.loss.tokens); };
  trainer.watch(count);
  const double begin = seconds();
  const tfm::TrainResult result = trainer.fit();
  trained.seconds = seconds() - begin;
  trained.steps = result.steps;
  if (result.ending == tfm::Ending::stopped) {
    tell("tfm: stopped after step " + std::to_string(result.steps) + " of " + std::to_string(trainer.steps()) + "; --resume goes on from there\n");
    return interrupted;
  }
  trained.losses = losses_by_epoch(arguments.out / "log/steps.csv", preset.steps);
  trained.evaluated = task.evaluate(context).loss;
  tfm::save_transformer(arguments.out, model);
  report(arguments, trained);
  return success;
}

}  // namespace cli
