// What a run tells on its way: progress, CSV, TensorBoard's event files.
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "support/catch.hpp"
#include "support/data.hpp"
#include "support/file_text.hpp"
#include "support/temporary_folder.hpp"
#include "tfm/train/csv_log.hpp"
#include "tfm/train/progress_bar.hpp"
#include "tfm/train/tensorboard.hpp"
#include "train/tiny_task.hpp"

using namespace tfm;
using tfm_test::file_text;

namespace {

StepReport report(Index step, Index steps, double nats, Index tokens, bool skipped = false) {
  return {step, steps, static_cast<double>(step) / 4, {nats / 7, nats, tokens}, 0.5, 0.25f, 3, tokens, skipped};
}

}  // namespace

TEST_CASE("progress without a terminal: plain lines at their times") {
  double now = 100;
  std::ostringstream out;
  const ProgressBar bar(out, [&] { return now; }, {.note = [] { return std::string("1 GB"); }});
  const TrainWatch watch = bar.watch();
  for (Index step = 1; step <= 30; ++step) {
    now += 1;
    watch.step(report(step, 30, step <= 10 ? 4000 : 2000, 2000));
    if (step == 15) watch.evaluation({15, 30, {1.25, {{"accuracy", 0.5}}}, true});
  }
  watch.end({Ending::finished, 30, 30, 0, {}, 15, 1.25});
  CHECK(out.str() ==
        "step 10/30  epoch 2.50  loss 2.0000  2,000 tokens/s  0:20 left  1 GB\n"
        "evaluation at step 15: loss 1.2500, accuracy 0.5000 (best so far)\n"
        "step 20/30  epoch 5.00  loss 1.0000  2,000 tokens/s  0:10 left  1 GB\n"
        "step 30/30  epoch 7.50  loss 1.0000  2,000 tokens/s  0:00 left  1 GB\n"
        "finished after 30 steps in 0:30, best loss 1.2500 at step 15\n");
}

TEST_CASE("progress on a terminal: one line, drawn over itself; of a resumed run, with a skipped step") {
  double now = 0;
  std::ostringstream out;
  const ProgressBar bar(out, [&] { return now; }, {.terminal = true, .bar = 10});
  const TrainWatch watch = bar.watch();
  now = 2;
  watch.step(report(51, 100, 10, 10));  // 49 to go, 2 seconds each
  now = 2.05;
  watch.step(report(52, 100, NAN, 10, true));
  now = 4;
  watch.step(report(53, 100, 5, 10));
  watch.evaluation({53, 100, {NAN, {}}, false});
  watch.end({Ending::stopped, 53, 52, 1, {}, -1, 0});
  const std::string first = "[#####-----] step 51/100  epoch 12.75  loss 1.0000  5 tokens/s  1:38 left";
  const std::string third = "[#####-----] step 53/100  epoch 13.25  loss 0.5000  7 tokens/s  1:03 left";
  const auto erased = [](const std::string& line) { return "\r" + std::string(line.size(), ' ') + "\r"; };
  CHECK(out.str() == "\r" + first + erased(first) + "step 52 is skipped: its loss is nan, the norm of its gradients 0.5\n\r" + third + erased(third) +
                         "evaluation at step 53: loss nan\nstopped on request after 53 steps in 0:04, 1 skipped\n");
  CHECK(duration_text(12345.4) == "3:25:45");
  CHECK(duration_text(59.6) == "1:00");
  CHECK(duration_text(INFINITY) == "?");
  CHECK(grouped_text(0) == "0");
  CHECK(grouped_text(999) == "999");
  CHECK(grouped_text(1'234'567) == "1,234,567");
}

TEST_CASE("the CSV log of a resumed run is in the end that of one that was not") {
  const auto run = [](const std::filesystem::path& folder, std::vector<Index> kills) {
    kills.push_back(-1);
    for (const Index kill : kills) {  // checkpoints at multiples of 3; after step `kill` the program is gone
      tfm_test::TinyModel model;
      tfm_test::TinyTask task{model};
      Context context(1);
      Trainer trainer(context, task, Parameters(model), Adam{}, {.steps = 11, .batch = 20, .evaluate_every = 2, .evaluate_first = true, .output = folder / "run", .save_every = 3});
      trainer.resume();
      struct Gone {};
      const CsvLog log(folder, trainer.state().logged());
      trainer.watch(log.watch());
      trainer.watch({.step = [&](const StepReport& r) {
        if (r.step == kill) throw Gone{};
      }});
      try {
        trainer.fit();
      } catch (const Gone&) {
        std::ofstream(folder / "steps.csv", std::ios::app) << "9";  // a line that was cut off
      }
    }
  };
  const tfm_test::TemporaryFolder whole, parts;
  run(whole.path(), {});
  run(parts.path(), {2, 5, 8});
  const std::string steps = file_text(whole / "steps.csv"), evaluations = file_text(whole / "evaluations.csv");
  CHECK(steps.find("step,epoch,loss,loss_per_token,learning_rate,gradient_norm,samples,tokens,skipped\n1,0.3333333333333333,") == 0);
  CHECK(std::count(steps.begin(), steps.end(), '\n') == 12);
  CHECK(evaluations.find("step,loss,accuracy,best\n0,") == 0);
  CHECK(std::count(evaluations.begin(), evaluations.end(), '\n') == 8);
  CHECK(file_text(parts / "steps.csv") == steps);
  CHECK(file_text(parts / "evaluations.csv") == evaluations);
}

namespace {

/// What read_events.py expects to find in the files of a folder.
std::string write_events(const std::filesystem::path& folder) {
  double now = 1'700'000'000.25;
  const Clock clock = [&] { return now += 0.5; };
  std::ostringstream expected;
  expected.precision(9);
  {
    const TensorBoard board(folder, clock);
    const TrainWatch watch = board.watch(2);
    for (Index step = 1; step <= 8; ++step) watch.step(report(step, 12, static_cast<double>(100 - step), 10));
    watch.evaluation({8, 12, {1.5, {{"accuracy", 0.75}}}, true});
  }
  TensorBoard board(folder, clock, 5);  // resumed from step 5: steps 6 and 8 of the file before are hidden
  const TrainWatch watch = board.watch(2);
  for (Index step = 6; step <= 12; ++step) watch.step(report(step, 12, static_cast<double>(50 - step), 10));
  watch.evaluation({12, 12, {0.5, {{"accuracy", 1.0}}}, true});
  board.scalar("own \"tag\", \xc3\xa9", -3e38, 2'000'000'000'000);
  for (const Index step : {2, 4, 6, 8, 10, 12}) {
    const StepReport r = report(step, 12, static_cast<double>((step < 6 ? 100 : 50) - step), 10);
    for (const auto& [tag, value] : {std::pair{"loss", r.loss.value}, {"loss_per_token", r.loss.per_token()}, {"learning_rate", 0.25}, {"grad_norm", 0.5}, {"epoch", r.epoch}})
      expected << "train/" << tag << '\t' << step << '\t' << static_cast<float>(value) << '\n';
  }
  expected << "eval/loss\t12\t0.5\neval/accuracy\t12\t1\nown \"tag\", \xc3\xa9\t2000000000000\t" << -3e38f << '\n';
  return expected.str();
}

}  // namespace

TEST_CASE("event files are records with their checksums") {
  const tfm_test::TemporaryFolder folder;
  write_events(folder.path());
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
    ++files;
    const std::string bytes = file_text(entry.path());
    CHECK(entry.path().filename().string().find("events.out.tfevents.17000000") == 0);
    std::size_t at = 0, records = 0;
    const auto number = [&](std::size_t place, std::size_t n) {
      std::uint64_t value = 0;
      for (std::size_t i = 0; i < n; ++i) value |= std::uint64_t{static_cast<unsigned char>(bytes.at(place + i))} << (8 * i);
      return value;
    };
    const auto checked = [&](std::size_t from, std::size_t n) {
      const std::uint32_t crc = crc32c(bytes_of(std::string_view(bytes).substr(from, n)));
      return number(from + n, 4) == static_cast<std::uint32_t>(((crc >> 15) | (crc << 17)) + 0xa282ead8u);
    };
    for (; at < bytes.size(); ++records) {
      const auto length = static_cast<std::size_t>(number(at, 8));
      REQUIRE(checked(at, 8));
      REQUIRE(checked(at + 12, length));
      at += 16 + length;
    }
    CHECK(at == bytes.size());
    CHECK(records > 5);
    CHECK(bytes.find("brain.Event:2") < 40);
  }
  CHECK(files == 2);
}

// Run by read_events.py alone, which then reads them with TensorBoard's own package.
TEST_CASE("writes event files and what is in them", "[.events]") {
  const char* folder = std::getenv("TFM_EVENTS");
  REQUIRE(folder != nullptr);
  const std::string expected = write_events(std::filesystem::path(folder) / "run");
  std::ofstream(std::filesystem::path(folder) / "expected.tsv", std::ios::binary) << expected;
}
