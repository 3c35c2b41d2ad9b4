#pragma once
// Trainer: from samples to trained weights. One loop for a translator from scratch and for adapters beside a frozen model.
#include <cmath>
#include <limits>

#include "tfm/train/optimizers.hpp"
#include "tfm/train/resume.hpp"
#include "tfm/train/schedules.hpp"
#include "tfm/train/train_watch.hpp"

namespace tfm::inline TFM_ABI {

struct TrainerOptions {
  Index steps = 0;         ///< optimizer steps in all; 0: `epochs` decide
  Index epochs = 0;        ///< passes over the samples
  Index batch = 32;        ///< samples of an optimizer step
  Index micro_batch = 0;   ///< samples that go through the model at once; 0: all of the step's
  Schedule rate = constant_schedule(1e-3f);
  float clip = 0;          ///< the largest norm of all gradients together; 0: no limit
  std::uint64_t seed = 0;  ///< of the order of the samples and of dropout
  Index evaluate_every = 0;  ///< steps; 0: never. The last step is evaluated too
  bool evaluate_first = false;  ///< and the weights that training begins with, which may then be the best
  Index patience = 0;      ///< evaluations without a better one after which training ends; 0: never
  bool load_best = true;   ///< at the end the model has the weights of the best evaluation
  Index most_skips = 0;    ///< steps that may be skipped because their loss or gradient is not finite; one more is a TrainError
  std::filesystem::path output{};  ///< where checkpoint-N and best.safetensors go; empty: nowhere
  Index save_every = 0;    ///< steps; 0: only when training ends or is stopped
  Index keep = 2;          ///< checkpoints that stay
};

/// Bytes of training beside the model: of what trains, and of the largest micro-batch's passes, where the task says them (task.hpp).
struct TrainerMemory {
  Index gradients{}, optimizer{}, best{};
  Index kept{}, scratch{};  ///< the context's arenas
  constexpr Index total() const noexcept { return gradients + optimizer + best + kept + scratch; }
};

/// Trains `parameters` on a task.
///
///   struct MyTask {                                                // see task.hpp
///     tfm::Index samples() const;
///     tfm::Loss train(tfm::Context&, const tfm::MicroBatch&, const tfm::Gradients&);
///     tfm::Evaluation evaluate(tfm::Context&);                     // where options.evaluate_every is set
///   };
///   tfm::Trainer trainer(context, task, tfm::Parameters(model), tfm::Adam{}, {.epochs = 200, .batch = 64, .rate = tfm::constant_schedule(0.005f), .clip = 1});
///   trainer.watch(bar.watch());
///   trainer.resume();                                              // if there is a checkpoint in options.output
///   trainer.fit();
///
/// The same seed, samples and options give the same bits for any number of threads; interrupted and resumed, too. The step's
/// RandomKey is RandomKey{seed}.with(1).with(step), an epoch's order has RandomKey{seed}.with(2).with(epoch).
/// When context.stop asks for it, the step that is under way is given up, a checkpoint is saved, and fit() returns.
template <Task T, Optimizer O = Adam>
class Trainer {
  Context& context_;
  T& task_;
  Parameters parameters_;
  O optimizer_;
  TrainerOptions options_;
  Buffer gradient_, best_;
  std::vector<Buffer> states_;
  TrainState state_;
  Index saved_ = -1, saved_evaluated_ = -1;  // of the state that was saved or loaded last
  bool resumed_ = false, begun_ = false;  // whether checkpoints in the output may be this run's
  EpochOrder order_;
  std::vector<TrainWatch> watches_;

 public:
  /// Errors: OptionError for options that make no sense.
  Trainer(Context& context, T& task, Parameters parameters, O optimizer, TrainerOptions options)
      : context_(context), task_(task), parameters_(std::move(parameters)), optimizer_(std::move(optimizer)), options_(std::move(options)) {
    if (options_.micro_batch == 0) options_.micro_batch = options_.batch;
    check_options();
    if (options_.steps == 0) options_.steps = options_.epochs * steps_per_epoch();
    gradient_ = parameters_.flat();
    for (std::size_t i = 0; i < O::states.size(); ++i) states_.push_back(parameters_.flat());
    state_.seed = options_.seed;
    state_.samples = static_cast<Index>(task_.samples());
    state_.batch = options_.batch;
    state_.optimizer = std::string(std::string_view(O::name));
  }
  Trainer(const Trainer&) = delete;
  Trainer& operator=(const Trainer&) = delete;

  void watch(TrainWatch watch) { watches_.push_back(std::move(watch)); }

  const Parameters& parameters() const noexcept { return parameters_; }
  const TrainState& state() const noexcept { return state_; }
  Index steps() const noexcept { return options_.steps; }
  Index steps_per_epoch() const { return EpochOrder::steps(static_cast<Index>(task_.samples()), options_.batch); }
  /// Known before the first step: every micro-batch that is to come is looked at, nothing is computed.
  TrainerMemory memory() const {
    const Index each = parameters_.floats() * static_cast<Index>(sizeof(float));
    const bool keeps_best = options_.evaluate_every > 0 && options_.load_best && options_.output.empty();
    TrainerMemory memory{each, each * static_cast<Index>(O::states.size()), keeps_best ? each : 0};
    const auto count = [&](const auto& pass) { memory.kept = std::max(memory.kept, pass.kept), memory.scratch = std::max(memory.scratch, pass.scratch); };
    if constexpr (says_memory) count(task_.memory(context_, [this](const auto& f) { this->for_each_micro_batch(f); }));
    if constexpr (requires { task_.evaluation_memory(context_); })
      if (options_.evaluate_every > 0) count(task_.evaluation_memory(context_));
    return memory;
  }

  /// Goes on from the newest checkpoint in options.output; false where there is none.
  bool resume() {
    const auto found = options_.output.empty() ? std::vector<Index>{} : checkpoints_in(options_.output);
    if (found.empty()) return false;
    resume(checkpoint_path(options_.output, found.back()));
    return true;
  }
  /// Goes on from this one. Errors: LoadError for what is unreadable or of another model, OptionError for one of another run (another
  /// seed, number of samples, batch, or optimizer). Nothing has changed then.
  void resume(const std::filesystem::path& checkpoint) {
    state_ = load_checkpoint(checkpoint, parameters_, named_states(), [&](const TrainState& s) { check_same_run(checkpoint, s); });
    saved_ = state_.step;
    saved_evaluated_ = state_.evaluated;
    resumed_ = true;
  }

  /// Trains until the end, until it stops improving, or until context.stop asks for a stop.
  /// Errors: TrainError for a loss or gradient that is not finite (the weights are those before that step), LoadError where a
  /// checkpoint cannot be written, OptionError if options.output holds checkpoints and nothing was resumed; and whatever the task,
  /// the rate or a watch throws. Older checkpoints are untouched by all of them. Steps and evaluations are done as a whole or not at
  /// all: the trainer is as it was before where the task or the rate throws, and as it is after what a watch was told of where that
  /// throws; a save that did not come to its end is begun anew. So a further fit() goes on to the bits of a run that nothing disturbed.
  TrainResult fit() {
    begin_output();
    reserve();
    TrainResult result;
    for (;;) {
      if (context_.stop.stop_requested()) {
        result.ending = Ending::stopped;
        break;
      }
      if (evaluation_is_due()) {
        evaluate();
        continue;
      }
      if (options_.patience > 0 && state_.stale >= options_.patience) {
        result.ending = Ending::no_improvement;
        break;
      }
      if (state_.step >= options_.steps) break;
      if (options_.save_every > 0 && state_.step > 0 && state_.step % options_.save_every == 0) save();
      if (const auto loss = step()) result.last_loss = *loss;
    }
    save();
    if (result.ending != Ending::stopped) load_best();
    result.steps = state_.step;
    result.updates = state_.updates;
    result.skipped = state_.skipped;
    result.best_step = state_.best_step;
    result.best_loss = state_.best_loss;
    for (const TrainWatch& w : watches_)
      if (w.end) w.end(result);
    return result;
  }

 private:
  static constexpr bool says_memory = requires(const T& task, const Context& context, const EachMicroBatch& each) { task.memory(context, each); };

  template <class F>
  void for_each_micro_batch(F&& f) const {
    EpochOrder order;
    for (Index step = 0; step < options_.steps; ++step) {
      auto samples = order.of(step, state_.samples, options_.batch, [&](Index epoch) { return make_order(epoch); });
      while (!samples.empty()) {
        const std::size_t n = std::min(samples.size(), to_size(options_.micro_batch));
        f(samples.first(n));
        samples = samples.subspan(n);
      }
    }
  }
  // So that the arenas are as large as memory() says, and not what they would grow to.
  void reserve() {
    const TrainerMemory all = memory();
    context_.kept.reserve(all.kept);
    context_.scratch.reserve(all.scratch);
  }

  /// Restores what a call sets in the context.
  struct Restore {
    Context& context;
    RandomKey random = context.random;
    bool training = context.training;
    StopToken stop = context.stop;
    explicit Restore(Context& c) : context(c) {}
    ~Restore() {
      context.random = random;
      context.training = training;
      context.stop = stop;
    }
    Restore(const Restore&) = delete;
    Restore& operator=(const Restore&) = delete;
  };

  void check_options() const {
    const auto need = [](bool ok, const std::string& what) {
      if (!ok) raise(OptionError("tfm: " + what));
    };
    need(parameters_.count() > 0, "there is nothing to train: no weight is a parameter");
    need(static_cast<Index>(task_.samples()) > 0, "there is nothing to train on: the task has no samples");
    need((options_.steps > 0) != (options_.epochs > 0), "training needs a number of steps or of epochs, and not both; found " + std::to_string(options_.steps) + " and " + std::to_string(options_.epochs));
    need(options_.steps >= 0 && options_.epochs >= 0, "the numbers of steps and epochs must not be negative");
    need(options_.batch > 0, "batch must be at least 1, found " + std::to_string(options_.batch));
    need(options_.micro_batch > 0 && options_.micro_batch <= options_.batch, "micro_batch must be from 1 to batch (" + std::to_string(options_.batch) + "), found " + std::to_string(options_.micro_batch));
    need(std::isfinite(options_.clip) && options_.clip >= 0, "clip must be a norm, or 0 for no limit");
    need(options_.keep > 0, "keep must be at least 1, found " + std::to_string(options_.keep));
    need(options_.evaluate_every >= 0 && options_.save_every >= 0 && options_.patience >= 0 && options_.most_skips >= 0, "evaluate_every, save_every, patience and most_skips must not be negative");
    need(options_.patience == 0 || options_.evaluate_every > 0, "patience counts evaluations: set evaluate_every");
    need(options_.evaluate_every == 0 || requires(T& task, Context& c) { { task.evaluate(c) } -> std::convertible_to<Evaluation>; },
         "evaluate_every is set, and the task has no evaluate(Context&)");
    need(!options_.evaluate_first || options_.evaluate_every > 0, "evaluate_first is set, and evaluate_every is not");
    need(options_.save_every == 0 || !options_.output.empty(), "save_every is set, and no output folder");
  }
  void check_same_run(const std::filesystem::path& checkpoint, const TrainState& s) const {
    const auto need = [&](const std::string& what, const std::string& found, const std::string& expected) {
      if (found != expected) raise(OptionError("tfm: " + checkpoint.string() + " is of another run: its " + what + " is " + found + ", this one's " + expected));
    };
    need("optimizer", s.optimizer, state_.optimizer);
    need("seed", std::to_string(s.seed), std::to_string(state_.seed));
    need("number of samples", std::to_string(s.samples), std::to_string(state_.samples));
    need("batch", std::to_string(s.batch), std::to_string(state_.batch));
  }

  std::vector<NamedState> named_states() {
    std::vector<NamedState> named;
    for (std::size_t i = 0; i < states_.size(); ++i) named.push_back({O::states[i], states_[i]});
    return named;
  }

  void begin_output() {
    if (options_.output.empty()) return;
    std::error_code error;
    std::filesystem::create_directories(options_.output, error);
    if (error) raise(LoadError("tfm: cannot make the folder " + options_.output.string() + ": " + error.message()));
    if (!resumed_ && !begun_)
      if (const auto found = checkpoints_in(options_.output); !found.empty())
        raise(OptionError("tfm: " + options_.output.string() + " holds checkpoint-" + std::to_string(found.back()) + " of an earlier run: resume it, or choose another folder"));
    remove_unfinished(options_.output);
    begun_ = true;
  }

  std::vector<Index> make_order(Index epoch) const {
    const RandomKey key = RandomKey{options_.seed}.with(2).with(static_cast<std::uint64_t>(epoch));
    if constexpr (requires(const T& task) { { task.order(key) } -> std::convertible_to<std::vector<Index>>; }) return task_.order(key);
    else return shuffled(state_.samples, key);
  }

  // One optimizer step. Nothing if a stop came in between: nothing has changed then but the gradients, which begin anew.
  std::optional<Loss> step() {
    const Index number = state_.step;
    const auto samples = order_.of(number, state_.samples, options_.batch, [&](Index epoch) { return make_order(epoch); });
    const Restore restore(context_);
    context_.training = true;
    context_.random = RandomKey{options_.seed}.with(1).with(static_cast<std::uint64_t>(number));
    if constexpr (!says_memory) {
      context_.kept.reserve(context_.kept.peak());
      context_.scratch.reserve(context_.scratch.peak());
    }
    fill(gradient_, 0);
    const auto loss = gradients_of(samples, number % steps_per_epoch() * options_.batch);
    if (!loss || context_.stop.stop_requested()) return std::nullopt;

    context_.stop = {};  // from here on the step is done as a whole
    StepReport report{number + 1, options_.steps, 0, *loss, gradient_norm(context_, gradient_), options_.rate(number), static_cast<Index>(samples.size())};
    if constexpr (requires { { task_.tokens(samples) } -> std::convertible_to<Index>; }) report.tokens = task_.tokens(samples);
    else report.tokens = loss->tokens;
    report.epoch = static_cast<double>(number + 1) / static_cast<double>(steps_per_epoch());
    report.skipped = !std::isfinite(loss->value) || !std::isfinite(report.gradient_norm);
    if (report.skipped && state_.skipped >= options_.most_skips) refuse(report);
    if (report.skipped) ++state_.skipped;
    else optimizer_.update(context_, parameters_, gradient_, states_, {report.rate, clipping(report.gradient_norm, options_.clip), state_.updates + 1}), ++state_.updates;
    ++state_.step;
    for (const TrainWatch& w : watches_)
      if (w.step) w.step(report);
    return loss;
  }

  // The gradients of a step's samples, micro-batch by micro-batch. `first`: the first one's number in the epoch.
  std::optional<Loss> gradients_of(std::span<const Index> samples, Index first) {
    const Gradients gradients = parameters_.gradients(gradient_);
    const auto count = static_cast<Index>(samples.size());
    std::vector<Index> numbers(samples.size());
    std::iota(numbers.begin(), numbers.end(), first);
    MicroBatch batch{{}, {}, samples, 0, ceil_div(count, options_.micro_batch)};
    Loss loss;
    for (; batch.part < batch.parts; ++batch.part) {
      const auto at = to_size(batch.part * options_.micro_batch), n = to_size(std::min(options_.micro_batch, count - batch.part * options_.micro_batch));
      batch.samples = samples.subspan(at, n);
      batch.numbers = std::span<const Index>(numbers).subspan(at, n);
      const Arena::Frame kept(context_.kept), scratch(context_.scratch);
      if (!unless_stopped([&] { loss += task_.train(context_, batch, gradients); })) return std::nullopt;
    }
    return loss;
  }

  // False if a stop was asked for meanwhile: what `work` gave is then worth nothing.
  template <class Work>
  bool unless_stopped(Work&& work) {
#if defined(__cpp_exceptions)
    try {
      work();
    } catch (const Stopped&) {
      return false;
    }
#else
    work();
#endif
    return !context_.stop.stop_requested();
  }

  [[noreturn]] void refuse(const StepReport& report) const {
    const bool in_loss = !std::isfinite(report.loss.value);
    std::string what = "tfm: step " + std::to_string(report.step) + ": the " + (in_loss ? "loss is " + number_text(report.loss.value) : "norm of the gradients is " + number_text(report.gradient_norm));
    what += " at a learning rate of " + number_text(static_cast<double>(report.rate));
    if (state_.skipped > 0) what += ", after " + std::to_string(state_.skipped) + " skipped steps";
    what += "; the weights are those before this step";
    if (saved_ >= 0) what += ", the last checkpoint is " + checkpoint_path(options_.output, saved_).string();
    raise(TrainError(what));
  }

  bool evaluation_is_due() const noexcept {
    if (options_.evaluate_every == 0 || state_.evaluated == state_.step) return false;
    if (state_.step == 0) return options_.evaluate_first;
    return state_.step % options_.evaluate_every == 0 || state_.step >= options_.steps;
  }

  void evaluate() {
    if constexpr (requires { { task_.evaluate(context_) } -> std::convertible_to<Evaluation>; }) {
      Evaluation found;
      {
        const Restore restore(context_);
        context_.training = false;
        const Arena::Frame scratch(context_.scratch);
        if (!unless_stopped([&] { found = task_.evaluate(context_); })) return;
      }
      const bool best = std::isfinite(found.loss) && (state_.best_step < 0 || found.loss < state_.best_loss);
      if (best) keep_best(found);
      state_.evaluated = state_.step;
      if (best) {
        state_.best_step = state_.step;
        state_.best_loss = found.loss;
      }
      state_.stale = best ? 0 : state_.stale + 1;
      for (const TrainWatch& w : watches_)
        if (w.evaluation) w.evaluation({state_.step, options_.steps, found, best});
    }
  }

  std::filesystem::path best_file() const { return options_.output / "best.safetensors"; }
  void keep_best(const Evaluation& found) {
    if (!options_.output.empty()) {
      save_weights(best_file(), parameters_, {{"format", "pt"}, {"loss", number_text(found.loss)}, {"step", std::to_string(state_.step)}});
    } else if (options_.load_best) {
      if (best_.view().size() == 0) best_ = parameters_.flat();
      parameters_.read(best_);
    }
  }
  void load_best() {
    if (!options_.load_best || state_.best_step < 0 || state_.best_step == state_.step) return;
    if (!options_.output.empty()) load_weights(best_file(), parameters_);
    else if (best_.view().size() > 0) parameters_.write(best_);
  }

  void save() {
    if (options_.output.empty() || (saved_ == state_.step && saved_evaluated_ == state_.evaluated)) return;
    const auto stage = [&](SaveStage s, const std::filesystem::path& path) {
      for (const TrainWatch& w : watches_)
        if (w.save) w.save(s, path);
    };
    save_checkpoint(options_.output, state_, parameters_, named_states(), stage);
    prune_checkpoints(options_.output, options_.keep);
    saved_ = state_.step;
    saved_evaluated_ = state_.evaluated;
    stage(SaveStage::pruned, checkpoint_path(options_.output, saved_));
  }
};

}  // namespace tfm::inline TFM_ABI
