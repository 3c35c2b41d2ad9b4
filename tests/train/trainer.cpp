#include "tfm/train/trainer.hpp"

#include "support/catch.hpp"
#include "support/error_of.hpp"
#include "train/tiny_task.hpp"

using namespace tfm;
using namespace tfm_test;

namespace {

TrainerOptions options() {
  TrainerOptions o;
  o.steps = 23;
  o.batch = 12;
  o.micro_batch = 5;
  o.rate = linear_schedule(0.05f, 4, 23);
  o.clip = 1;
  o.seed = 3;
  return o;
}

struct Run {
  std::uint64_t hash = 0;
  TrainResult result;
  std::vector<StepReport> steps;
  std::vector<double> evaluations;
};

Run run(const TrainerOptions& o, int threads, TinyTask* of = nullptr) {
  TinyModel model;
  TinyTask task{model};
  if (of != nullptr) task.dropout = of->dropout, task.reduction = of->reduction, task.poisoned = of->poisoned;
  Context context(threads);
  Trainer trainer(context, task, Parameters(model), Adam{}, o);
  Run r;
  trainer.watch({.step = [&](const StepReport& report) { r.steps.push_back(report); },
                 .evaluation = [&](const EvaluationReport& report) { r.evaluations.push_back(report.evaluation.loss); }});
  r.result = trainer.fit();
  r.hash = weights_hash(model);
  return r;
}

}  // namespace

TEST_CASE("a trainer learns, in order, with its schedule") {
  TrainerOptions o = options();
  o.steps = 0;
  o.epochs = 40;
  o.rate = constant_schedule(0.02f);
  o.evaluate_every = 50;
  const Run r = run(o, 2);
  CHECK(r.result.ending == Ending::finished);
  CHECK(r.result.steps == 200);  // 50 samples in steps of 12: 5 an epoch, the last of 2
  CHECK(r.result.updates == 200);
  REQUIRE(r.steps.size() == 200);
  for (std::size_t i = 0; i < 200; ++i) {
    REQUIRE(r.steps[i].step == static_cast<Index>(i) + 1);
    REQUIRE(r.steps[i].samples == (i % 5 == 4 ? 2 : 12));
    REQUIRE(r.steps[i].rate == 0.02f);
    REQUIRE(r.steps[i].gradient_norm > 0);
  }
  CHECK(r.steps[9].epoch == Approx(2));
  CHECK(r.steps[0].loss.per_token() > 1.3);  // ln 5 = 1.6
  REQUIRE(r.evaluations.size() == 4);
  CHECK(r.result.best_loss == *std::min_element(r.evaluations.begin(), r.evaluations.end()));
  CHECK(r.result.best_loss < 0.8);
}

TEST_CASE("training gives the same bits for any number of threads, with dropout and accumulation") {
  const Run one = run(options(), 1);
  for (const int threads : {2, 3}) {
    const Run other = run(options(), threads);
    CHECK(other.hash == one.hash);
    REQUIRE(other.steps.size() == one.steps.size());
    for (std::size_t i = 0; i < one.steps.size(); ++i) {
      REQUIRE(other.steps[i].loss.value == one.steps[i].loss.value);
      REQUIRE(other.steps[i].gradient_norm == one.steps[i].gradient_norm);
    }
  }
  TrainerOptions o = options();
  o.seed = 4;
  CHECK(run(o, 1).hash != one.hash);
  TinyModel model;
  TinyTask without{model};
  without.dropout = 0;
  CHECK(run(options(), 1, &without).hash != one.hash);
}

TEST_CASE("micro-batches sum up to the step, for either reduction") {
  for (const Reduction reduction : {Reduction::d2l, Reduction::tokens}) {
    TinyModel model;
    TinyTask task{model};
    task.reduction = reduction;
    TrainerOptions whole = options(), parts = options();
    whole.micro_batch = 0;
    parts.micro_batch = 5;
    whole.steps = parts.steps = 3;
    const Run a = run(whole, 1, &task), b = run(parts, 1, &task);
    for (std::size_t i = 0; i < 3; ++i) {  // they differ by rounding alone
      CHECK(a.steps[i].loss.tokens == b.steps[i].loss.tokens);
      CHECK(a.steps[i].loss.value == Approx(b.steps[i].loss.value).epsilon(1e-6));
      CHECK(a.steps[i].gradient_norm == Approx(b.steps[i].gradient_norm).epsilon(1e-5));
    }
  }
}

TEST_CASE("training ends early without improvement, and the best weights are in the model") {
  TrainerOptions o = options();
  o.steps = 400;
  o.rate = constant_schedule(0.5f);  // too fast to stay good
  o.evaluate_every = 5;
  o.patience = 3;
  const Run r = run(o, 1);
  CHECK(r.result.ending == Ending::no_improvement);
  CHECK(r.result.steps < 400);
  CHECK(r.result.best_step == r.result.steps - 15);
  const Run again = [&] {
    TrainerOptions to_best = o;
    to_best.steps = r.result.best_step;
    to_best.patience = to_best.evaluate_every = 0;
    return run(to_best, 1);
  }();
  CHECK(again.hash == r.hash);
  o.load_best = false;
  CHECK(run(o, 1).hash != r.hash);
}

TEST_CASE("the weights that training begins with are evaluated on request, and may be the best") {
  TrainerOptions o = options();
  o.evaluate_every = 5;
  const Run without = run(o, 1);
  o.evaluate_first = true;
  const Run first = run(o, 1);
  CHECK(first.hash == without.hash);
  REQUIRE(first.evaluations.size() == without.evaluations.size() + 1);
  CHECK(std::vector<double>(first.evaluations.begin() + 1, first.evaluations.end()) == without.evaluations);
  CHECK(first.evaluations[0] > 1.3);  // ln 5 = 1.6
  o.rate = constant_schedule(100);             // every step makes it worse
  o.patience = 2;
  const Run worse = run(o, 1);
  CHECK(worse.result.ending == Ending::no_improvement);
  CHECK((worse.result.steps == 10 && worse.result.best_step == 0 && worse.result.best_loss == first.evaluations[0]));
  TinyModel untouched;
  CHECK(worse.hash == weights_hash(untouched));
}

TEST_CASE("a loss that is no number ends training with the weights before it, or is skipped and counted") {
  TinyModel model;
  TinyTask task{model};
  task.poisoned = 17;
  Context context(2);
  TrainerOptions o = options();
  o.steps = 15;
  Index done = 0;
  std::uint64_t before = 0;
  const std::string message = error_of<TrainError>([&] {
    Trainer trainer(context, task, Parameters(model), Adam{}, o);
    trainer.watch({.step = [&](const StepReport& report) { done = report.step, before = weights_hash(model); }});
    trainer.fit();
  });
  CHECK(message.find("tfm: step " + std::to_string(done + 1) + ": the loss is nan at a learning rate of ") == 0);
  CHECK((done > 0 ? weights_hash(model) == before : weights_hash(model) == [] { TinyModel fresh; return weights_hash(fresh); }()));

  o.most_skips = 3;
  const Run r = run(o, 1, &task);
  CHECK(r.result.skipped == 3);  // once in each of three epochs
  CHECK(r.result.updates == 12);
  CHECK(r.result.steps == 15);
  CHECK(std::count_if(r.steps.begin(), r.steps.end(), [](const StepReport& s) { return s.skipped; }) == 3);
  o.most_skips = 2;
  CHECK(error_of<TrainError>([&] { run(o, 1, &task); }).find(", after 2 skipped steps; the weights are those before this step") != std::string::npos);
}

TEST_CASE("a task's own order is used, and checked") {
  struct Ordered : TinyTask {
    bool wrong = false;
    mutable std::vector<std::uint64_t> keys{};
    std::vector<Index> order(RandomKey key) const {
      keys.push_back(key.seed);
      std::vector<Index> all(to_size(samples()));
      std::iota(all.begin(), all.end(), Index{0});
      if (wrong) all[3] = 4;
      return all;
    }
    std::vector<Index> seen{};
    Loss train(Context& context, const MicroBatch& batch, const Gradients& gradients) {
      seen.insert(seen.end(), batch.samples.begin(), batch.samples.end());
      return TinyTask::train(context, batch, gradients);
    }
  };
  TinyModel model;
  Ordered task{{model}};
  Context context(1);
  TrainerOptions o = options();
  o.steps = 10;
  Trainer trainer(context, task, Parameters(model), Adam{}, o);
  trainer.fit();
  REQUIRE(task.seen.size() == 100);
  for (std::size_t i = 0; i < 100; ++i) REQUIRE(task.seen[i] == static_cast<Index>(i % 50));
  CHECK(task.keys.size() == 2);
  CHECK(task.keys[0] != task.keys[1]);
  task.wrong = true;
  Trainer wrong(context, task, Parameters(model), Adam{}, o);
  for (int i = 0; i < 2; ++i) CHECK(error_of<OptionError>([&] { wrong.fit(); }) == "tfm: a task's order() must hold each of its 50 samples once");
}

TEST_CASE("options that make no sense are refused") {
  TinyModel model;
  TinyTask task{model};
  Context context(1);
  const auto message = [&](auto change) {
    TrainerOptions o = options();
    change(o);
    return error_of<OptionError>([&] { Trainer trainer(context, task, Parameters(model), Adam{}, o); });
  };
  CHECK(message([](TrainerOptions& o) { o.epochs = 1; }) == "tfm: training needs a number of steps or of epochs, and not both; found 23 and 1");
  CHECK(message([](TrainerOptions& o) { o.batch = 0; o.micro_batch = 0; }) == "tfm: batch must be at least 1, found 0");
  CHECK(message([](TrainerOptions& o) { o.micro_batch = 13; }) == "tfm: micro_batch must be from 1 to batch (12), found 13");
  CHECK(message([](TrainerOptions& o) { o.keep = 0; }) == "tfm: keep must be at least 1, found 0");
  CHECK(message([](TrainerOptions& o) { o.patience = 1; }) == "tfm: patience counts evaluations: set evaluate_every");
  CHECK(message([](TrainerOptions& o) { o.evaluate_first = true; }) == "tfm: evaluate_first is set, and evaluate_every is not");
  CHECK(message([](TrainerOptions& o) { o.save_every = 1; }) == "tfm: save_every is set, and no output folder");
  CHECK(message([](TrainerOptions& o) { o.clip = -1; }) == "tfm: clip must be a norm, or 0 for no limit");
  CHECK(error_of<OptionError>([&] { Trainer trainer(context, task, Parameters{}, Adam{}, options()); }) == "tfm: there is nothing to train: no weight is a parameter");
  task.count = 0;
  CHECK(message([](TrainerOptions&) {}) == "tfm: there is nothing to train on: the task has no samples");
}
