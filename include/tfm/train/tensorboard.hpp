#pragma once
// TensorBoard's event files: curves of a run, written while it trains.
// Format: tensorflow/core/util/event.proto, summary.proto and tensorflow/core/lib/io/record_writer.h
#include <cstdint>
#include <memory>

#include "tfm/formats/append_file.hpp"
#include "tfm/formats/byte_views.hpp"
#include "tfm/formats/crc32c.hpp"
#include "tfm/text/protobuf.hpp"
#include "tfm/train/train_watch.hpp"

namespace tfm::inline TFM_ABI {

/// One event file in a folder, which TensorBoard shows as a run. Each scalar is there at once.
///   TensorBoard board("D/log", wall_clock, trainer.state().logged());  trainer.watch(board.watch());
class TensorBoard {
  struct State {
    AppendFile file;
    Clock clock;
  };
  std::shared_ptr<State> state_;
  std::filesystem::path path_;

  template <class T>
  static void append(std::string& out, T value) {  // the file's byte order is this machine's
    out.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  static std::uint32_t masked(std::string_view bytes) noexcept {
    const std::uint32_t crc = crc32c(bytes_of(bytes));
    return ((crc >> 15) | (crc << 17)) + 0xa282ead8u;
  }
  static void write(State& state, Index step, const std::string& what) {
    std::string event, record;
    ProtobufWriter out(event);
    out.number(1, state.clock());
    out.integer(2, static_cast<std::uint64_t>(step));
    event += what;
    append(record, std::uint64_t{event.size()});
    append(record, masked(record));
    record += event;
    append(record, masked(event));
    state.file.write(bytes_of(record));
  }
  static void scalars(State& state, Index step, const std::vector<std::pair<std::string, double>>& values) {
    std::string summary, what;
    for (const auto& [tag, number] : values) {
      std::string value;
      ProtobufWriter out(value);
      out.bytes(1, tag);
      out.number(2, static_cast<float>(number));
      ProtobufWriter(summary).bytes(1, value);
    }
    ProtobufWriter(what).bytes(5, summary);
    write(state, step, what);
  }

 public:
  /// Makes the folder and a new file in it. `from`: the step that a resumed run goes on from (TrainState::logged); what older files of the
  /// folder have of later steps is then hidden. Errors: LoadError where the system refuses.
  TensorBoard(const std::filesystem::path& folder, Clock clock, Index from = 0) {
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    if (error) raise(LoadError("tfm: cannot make the folder " + folder.string() + ": " + error.message()));
    const auto seconds = static_cast<std::uint64_t>(clock());
    for (int n = 0;; ++n) {
      path_ = folder / ("events.out.tfevents." + std::to_string(seconds) + ".tfm." + std::to_string(n));
      if (!std::filesystem::exists(path_, error)) break;
    }
    state_ = std::make_shared<State>(State{AppendFile(path_, AppendFile::Mode::create), std::move(clock)});
    std::string version, start, session;
    ProtobufWriter(version).bytes(3, "brain.Event:2");
    write(*state_, 0, version);
    ProtobufWriter(session).integer(1, 1);  // START: the first of a run is its beginning, every other one hides what came at its step and after
    ProtobufWriter(start).bytes(7, session);
    write(*state_, from + 1, start);
  }

  const std::filesystem::path& path() const noexcept { return path_; }
  void scalar(const std::string& tag, double value, Index step) { scalars(*state_, step, {{tag, value}}); }

  /// Every `every`-th step's loss, learning rate, gradient norm and epoch, under the tags of transformers' TensorBoardCallback ("train/loss"
  /// and so on), its loss per token, and every figure of evaluations ("eval/loss").
  TrainWatch watch(Index every = 1) const {
    TrainWatch watch;
    watch.step = [state = state_, every](const StepReport& r) {
      if (r.step % every != 0) return;
      scalars(*state, r.step, {{"train/loss", r.loss.value}, {"train/loss_per_token", r.loss.per_token()}, {"train/learning_rate", static_cast<double>(r.rate)},
                               {"train/grad_norm", r.gradient_norm}, {"train/epoch", r.epoch}});
    };
    watch.evaluation = [state = state_](const EvaluationReport& r) {
      std::vector<std::pair<std::string, double>> values{{"eval/loss", r.evaluation.loss}};
      for (const auto& [figure, value] : r.evaluation.figures) values.emplace_back("eval/" + figure, value);
      scalars(*state, r.step, values);
    };
    return watch;
  }
};

}  // namespace tfm::inline TFM_ABI
