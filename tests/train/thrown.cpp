// Runs out of whose callbacks something is thrown, and runs that end before they begin.
#include "tfm/train/resume.hpp"

#include <fstream>

#include "support/catch.hpp"
#include "support/error_of.hpp"
#include "support/temporary_folder.hpp"
#include "train/interrupted_run.hpp"
#include "train/tiny_task.hpp"

using namespace tfm;
using namespace tfm_test;

TEST_CASE("what is thrown out of any callback lets a further fit() go on to the bits of an undisturbed run") {
  struct Burnt {};
  struct Fuse {
    int every = 0, calls = 0;
    void call() {
      if (++calls % std::max(every, 1) == 0 && every > 0) throw Burnt();
    }
  };
  struct FusedTask : TinyTask {
    Fuse& fuse;
    FusedTask(TinyModel& trained, Fuse& f) : TinyTask{trained}, fuse(f) {}
    Loss train(Context& context, const MicroBatch& batch, const Gradients& gradients) {
      const Loss loss = TinyTask::train(context, batch, gradients);
      fuse.call();  // the gradients are written already
      return loss;
    }
    Evaluation evaluate(Context& context) {
      fuse.call();
      return TinyTask::evaluate(context);
    }
    std::vector<Index> order(RandomKey key) const {
      fuse.call();
      return shuffled(samples(), key);
    }
  };
  struct Run {
    std::uint64_t hash;
    TrainResult result;
    std::vector<Index> steps, evaluations;
    std::vector<std::pair<std::string, std::string>> files;
    int thrown;
  };
  const auto run = [](int every, bool with_output) {
    const TemporaryFolder folder;
    Fuse fuse{every};
    TinyModel model;
    FusedTask task(model, fuse);
    Context context(1);
    TrainerOptions o = options(with_output ? folder / "out" : std::filesystem::path());
    if (!with_output) o.save_every = 0;
    const Schedule rate = o.rate;
    o.rate = [&fuse, rate](Index step) {
      fuse.call();
      return rate(step);
    };
    Trainer trainer(context, task, Parameters(model), Adam{}, o);
    Run r{};
    trainer.watch({.step = [&](const StepReport& report) { r.steps.push_back(report.step), fuse.call(); },
                   .evaluation = [&](const EvaluationReport& report) { r.evaluations.push_back(report.step), fuse.call(); },
                   .save = [&](SaveStage, const std::filesystem::path&) { fuse.call(); },
                   .end = [&](const TrainResult&) { fuse.call(); }});
    for (bool done = false; !done;) {
      try {
        r.result = trainer.fit();
        done = true;
      } catch (const Burnt&) {
        ++r.thrown;
        REQUIRE((!context.training && !context.stop.stop_requested()));
      }
    }
    r.hash = weights_hash(model);
    if (with_output) r.files = files_in(folder / "out");
    return r;
  };
  for (const bool with_output : {true, false}) {
    const Run undisturbed = run(0, with_output);
    REQUIRE(undisturbed.steps.size() == 23);
    for (const int every : {9, 10, 11, 13, 17, 23}) {
      INFO("thrown at every " << every << "th call");
      const Run r = run(every, with_output);
      CHECK(r.thrown > 4);
      CHECK(r.hash == undisturbed.hash);
      CHECK((r.steps == undisturbed.steps && r.evaluations == undisturbed.evaluations));
      CHECK((r.result.best_step == undisturbed.result.best_step && r.result.best_loss == undisturbed.result.best_loss));
      CHECK((r.result.updates == undisturbed.result.updates && r.result.ending == undisturbed.result.ending));
      CHECK(r.files == undisturbed.files);
    }
  }
}

TEST_CASE("a run that is stopped before its first step goes on, and a checkpoint that cannot take another's place leaves that") {
  const TemporaryFolder folder;
  TinyModel model;
  TinyTask task{model};
  Context context(1);
  StopSource source;
  context.stop = source.token();
  Trainer trainer(context, task, Parameters(model), Adam{}, options(folder.path()));
  source.request_stop();
  CHECK(trainer.fit().ending == Ending::stopped);
  CHECK(checkpoints_in(folder.path()) == std::vector<Index>{0});
  source.reset();
  CHECK(trainer.fit().ending == Ending::finished);

  const auto before = file_text(folder / "checkpoint-23/model.safetensors");
  CHECK_THROWS_AS(save_checkpoint(folder.path(), trainer.state(), trainer.parameters(), {},
                                  [](SaveStage stage, const std::filesystem::path& path) {
                                    if (stage == SaveStage::state) std::filesystem::remove_all(path);  // so that it cannot be renamed
                                  }),
                  LoadError);
  CHECK(checkpoints_in(folder.path()).back() == 23);
  CHECK(file_text(folder / "checkpoint-23/model.safetensors") == before);
}
