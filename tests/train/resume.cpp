// Runs that are stopped, killed or refused by the system, and what is left of them.
#include "tfm/train/resume.hpp"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "support/as_nobody.hpp"
#include "support/catch.hpp"
#include "support/error_of.hpp"
#include "support/temporary_folder.hpp"
#include "train/interrupted_run.hpp"
#include "train/tiny_task.hpp"

using namespace tfm;
using namespace tfm_test;

namespace {

/// Stops when `when` comes, in the middle of a step's gradients or of an evaluation.
struct StoppingTask : TinyTask {
  StopSource source{};
  Index trains = 0, evaluations = 0, stop_at_train = -1, stop_at_evaluation = -1;

  Loss train(Context& context, const MicroBatch& batch, const Gradients& gradients) {
    if (trains++ == stop_at_train) source.request_stop();
    if (trains % 2 == 0 && context.stop.stop_requested()) raise(Stopped());  // as models do; otherwise the result is simply worth nothing
    return TinyTask::train(context, batch, gradients);
  }
  Evaluation evaluate(Context& context) {
    if (evaluations++ == stop_at_evaluation) source.request_stop();
    return TinyTask::evaluate(context);
  }
};

struct Run {
  std::uint64_t hash = 0;
  TrainResult result;
};

/// A run in the folder, resumed if it can be.
Run run(const std::filesystem::path& folder, int threads, Index stop_at_train = -1, Index stop_at_evaluation = -1, const SaveWatch& save = {}) {
  TinyModel model(folder.empty() ? 1 : 1);
  StoppingTask task{{model}};
  task.stop_at_train = stop_at_train;
  task.stop_at_evaluation = stop_at_evaluation;
  Context context(threads);
  context.stop = task.source.token();
  Trainer trainer(context, task, Parameters(model), AdamW{}, options(folder));
  trainer.watch({.save = save});
  trainer.resume();
  Run r;
  r.result = trainer.fit();
  r.hash = weights_hash(model);
  return r;
}

/// What is left of a run that nobody interrupted.
struct Uninterrupted {
  TemporaryFolder folder;
  Run run_ = run(folder.path(), 2);
  std::vector<std::pair<std::string, std::string>> files = files_in(folder.path());
};
const Uninterrupted& uninterrupted() {
  static const Uninterrupted reference;
  return reference;
}
void require_same_end(const std::filesystem::path& folder, const Run& last) {
  const Uninterrupted& reference = uninterrupted();
  REQUIRE(last.result.ending == Ending::finished);
  REQUIRE(last.hash == reference.run_.hash);
  REQUIRE(last.result.best_step == reference.run_.result.best_step);
  REQUIRE(last.result.best_loss == reference.run_.result.best_loss);
  const auto files = files_in(folder);
  for (const auto& [name, bytes] : reference.files) {
    if (name.find("checkpoint-21") == 0) continue;  // the last but one: where a stopped run saved in between, another is
    INFO(name);
    const auto found = std::find_if(files.begin(), files.end(), [wanted = name](const auto& f) { return f.first == wanted; });
    REQUIRE(found != files.end());
    REQUIRE(found->second == bytes);
  }
  for (const auto& [name, bytes] : files) {
    INFO(name);
    REQUIRE(name.find(".tfm-") == std::string::npos);
  }
}

}  // namespace

TEST_CASE("a run leaves its newest checkpoints and the best weights") {
  const Uninterrupted& reference = uninterrupted();
  std::vector<std::string> names;
  for (const auto& [name, bytes] : reference.files) names.push_back(name);
  const std::vector<std::string> expected{"best.safetensors", "checkpoint-21", "checkpoint-21/model.safetensors", "checkpoint-21/optimizer.safetensors",
                                          "checkpoint-21/state.json", "checkpoint-23", "checkpoint-23/model.safetensors",
                                          "checkpoint-23/optimizer.safetensors", "checkpoint-23/state.json"};
  CHECK(names == expected);
  TinyModel model(9);
  load_weights(reference.folder / "best.safetensors", Parameters(model));
  CHECK(weights_hash(model) == reference.run_.hash);
}

TEST_CASE("a run stopped anywhere and resumed ends with the bits of one that was not, for any number of threads") {
  for (const int threads : {1, 2, 3})
    for (const Index at : {0, 1, 7, 20, 40}) {  // micro-batches: a step has 3, the last of an epoch 1
      INFO(threads << " threads, stopped at micro-batch " << at);
      TemporaryFolder folder;
      const Run first = run(folder.path(), threads, at);
      REQUIRE(first.result.ending == Ending::stopped);
      REQUIRE(checkpoints_in(folder.path()).back() == first.result.steps);
      REQUIRE(first.result.steps < 23);
      const Run second = run(folder.path(), 1 + threads % 3, 5);  // and once more, with other threads
      REQUIRE(second.result.ending == Ending::stopped);
      require_same_end(folder.path(), run(folder.path(), threads));
    }
}

TEST_CASE("a stop in the middle of an evaluation loses no evaluation") {
  for (const Index at : {0, 3, 5}) {
    INFO("evaluation " << at);
    TemporaryFolder folder;
    const Run first = run(folder.path(), 2, -1, at);
    REQUIRE(first.result.ending == Ending::stopped);
    require_same_end(folder.path(), run(folder.path(), 2));
  }
}

TEST_CASE("a stop while weights are updated waits until all of them are") {
  struct Stopping : AdamW {
    const StopSource* source = nullptr;
    void update(Context& context, const Parameters& parameters, View gradient, std::span<Buffer> state, const UpdateOptions& step) const {
      if (step.number == 10) source->request_stop();
      AdamW::update(context, parameters, gradient, state, step);
    }
  };
  TemporaryFolder folder;
  TinyModel model;
  TinyTask task{model};
  const StopSource source;
  Context context(2);
  context.stop = source.token();
  Stopping optimizer;
  optimizer.source = &source;
  Trainer trainer(context, task, Parameters(model), optimizer, options(folder.path()));
  const TrainResult result = trainer.fit();
  REQUIRE(result.ending == Ending::stopped);
  REQUIRE(result.steps == 10);
  require_same_end(folder.path(), run(folder.path(), 2));
}

TEST_CASE("killed at each stage of a save, the run goes on with the same bits") {
  for (int stage = 0; stage < save_stage_count; ++stage)
    for (const Index save : {0, 2}) {
      INFO("stage " << stage << " of save " << save);
      TemporaryFolder folder;
      const pid_t child = ::fork();
      if (child == 0) {
        Index saves = 0;
        run(folder.path(), 2, -1, -1, [&](SaveStage s, const std::filesystem::path&) {
          if (static_cast<int>(s) == stage && saves++ == save) ::kill(::getpid(), SIGKILL);
        });
        ::_exit(0);
      }
      int status = 0;
      REQUIRE(::waitpid(child, &status, 0) == child);
      REQUIRE((WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL));
      const auto found = checkpoints_in(folder.path());
      REQUIRE(static_cast<Index>(found.size()) <= 3);  // two, and one that was about to go
      REQUIRE((found.empty() ? 0 : found.back()) == 3 * (save + (stage >= static_cast<int>(SaveStage::renamed) ? 1 : 0)));
      require_same_end(folder.path(), run(folder.path(), 2));
    }
}

TEST_CASE("killed at random, again and again, the run goes on with the same bits") {
  TemporaryFolder folder;
  int kills = 0;
  for (std::uint64_t i = 0; i < 200 && kills < 30; ++i) {
    if (!checkpoints_in(folder.path()).empty() && checkpoints_in(folder.path()).back() >= 20) std::filesystem::remove_all(folder.path());
    const pid_t child = ::fork();
    if (child == 0) {
      run(folder.path(), 2);
      ::_exit(0);
    }
    ::usleep(static_cast<useconds_t>(500 + RandomKey{i}.bits(0) % 30'000));
    ::kill(child, SIGKILL);
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    kills += WIFSIGNALED(status) ? 1 : 0;
    if (WIFEXITED(status)) REQUIRE(WEXITSTATUS(status) == 0);
  }
  CHECK(kills == 30);
  require_same_end(folder.path(), run(folder.path(), 2));
}

TEST_CASE("a full disk is a clear error, nothing half written, and the last good checkpoint is untouched") {
  TemporaryFolder folder;
  REQUIRE(run(folder.path(), 1, 20).result.ending == Ending::stopped);
  const auto before = files_in(folder.path());
  rlimit limit{}, small{};
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &limit) == 0);
  small = limit;
  small.rlim_cur = 6000;  // the weights are 5500 bytes, the optimizer's state twice as much
  const auto old_handler = ::signal(SIGXFSZ, SIG_IGN);
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
  const std::string message = error_of<LoadError>([&] { run(folder.path(), 1); });
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &limit) == 0);
  ::signal(SIGXFSZ, old_handler);
  CHECK(message.find("tfm: cannot write " + folder.path().string() + "/") == 0);
  CHECK(message.find(".safetensors: after ") != std::string::npos);
  auto after = files_in(folder.path());
  std::erase_if(after, [](const auto& f) { return f.first == "best.safetensors"; });
  for (const auto& [name, bytes] : after) {
    INFO(name);
    const auto was = std::find_if(before.begin(), before.end(), [wanted = name](const auto& f) { return f.first == wanted; });
    REQUIRE(was != before.end());
    CHECK(was->second == bytes);
  }
  require_same_end(folder.path(), run(folder.path(), 1));
}

TEST_CASE("a folder without permission is a clear error") {
  TemporaryFolder folder;
  std::filesystem::create_directory(folder / "out");
  std::filesystem::permissions(folder.path(), std::filesystem::perms::others_all, std::filesystem::perm_options::add);
  std::filesystem::permissions(folder / "out", std::filesystem::perms::owner_read | std::filesystem::perms::owner_exec | std::filesystem::perms::others_read | std::filesystem::perms::others_exec);
  const AsNobody nobody;
  const std::string message = error_of<LoadError>([&] { run(folder / "out", 1); });
  CHECK(message.find("tfm: ") == 0);
  CHECK(message.find((folder / "out").string()) != std::string::npos);
  CHECK(message.find("ermission denied") != std::string::npos);
}

TEST_CASE("checkpoints of another model, of another run or damaged are refused, and nothing has changed") {
  TemporaryFolder folder;
  REQUIRE(run(folder.path(), 1, 20).result.ending == Ending::stopped);
  const auto path = checkpoint_path(folder.path(), checkpoints_in(folder.path()).back());
  const auto before = files_in(folder.path());
  const auto refusal = [&]<class E>(E, auto change, Index inner = ffn) {
    TinyModel model(5, inner);
    TinyTask task{model};
    const std::uint64_t hash = weights_hash(model);
    Context context(1);
    TrainerOptions o = options(folder.path());
    change(task, o);
    Trainer trainer(context, task, Parameters(model), AdamW{}, o);
    std::string message = error_of<E>([&] { trainer.resume(); });
    CHECK(weights_hash(model) == hash);
    CHECK(trainer.state().step == 0);
    return message;
  };
  const LoadError load("");
  const OptionError option("");
  const auto none = [](TinyTask&, TrainerOptions&) {};
  CHECK(refusal(load, none, 24) == "tfm: " + (path / "model.safetensors").string() + ": tensor 'mlp.gate_proj.weight': found F32 [20, 16], expected F32 [24, 16]");
  CHECK(refusal(option, [](TinyTask&, TrainerOptions& o) { o.seed = 5; }) ==
        "tfm: " + path.string() + " is of another run: its seed is 18446744073709551613, this one's 5");
  CHECK(refusal(option, [](TinyTask& t, TrainerOptions&) { t.count = 51; }).find("its number of samples is 50, this one's 51") != std::string::npos);
  CHECK(refusal(option, [](TinyTask&, TrainerOptions& o) { o.batch = 13; }).find("its batch is 12, this one's 13") != std::string::npos);
  {
    TinyModel model;
    TinyTask task{model};
    Context context(1);
    Trainer trainer(context, task, Parameters(model), Sgd{}, options(folder.path()));
    CHECK(error_of<OptionError>([&] { trainer.resume(); }).find("its optimizer is AdamW, this one's Sgd") != std::string::npos);
    CHECK(error_of<OptionError>([&] { trainer.fit(); }) == "tfm: " + folder.path().string() + " holds " + path.filename().string() + " of an earlier run: resume it, or choose another folder");
  }
  for (const std::string name : {"model.safetensors", "optimizer.safetensors", "state.json"}) {
    const std::string good = file_text(path / name);
    for (const std::string& bad : {std::string(), good.substr(0, good.size() / 2), good.substr(0, good.size() - 3)}) {
      INFO(name << " with " << bad.size() << " of " << good.size() << " bytes");
      std::ofstream(path / name, std::ios::binary) << bad;
      CHECK(refusal(load, none).find((path / name).string()) != std::string::npos);
    }
    std::filesystem::remove(path / name);
    CHECK(refusal(load, none) == "tfm: cannot open " + (path / name).string() + ": No such file or directory");
    std::ofstream(path / name, std::ios::binary) << good;
  }
  CHECK(files_in(folder.path()) == before);
}

TEST_CASE("what is no checkpoint's name is none") {
  TemporaryFolder folder;
  for (const char* name : {"checkpoint-7", "checkpoint-12", "checkpoint-", "checkpoint-x", "checkpoint-03", "checkpoint--1", "checkpoint-9999999999999999999999", "other"})
    std::filesystem::create_directory(folder / name);
  CHECK(checkpoints_in(folder.path()) == std::vector<Index>{7, 12});
  CHECK(checkpoints_in(folder / "none").empty());
}
