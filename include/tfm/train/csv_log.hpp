#pragma once
// The log of a run as CSV: what every step cost, and what evaluations found.
#include <memory>

#include "tfm/formats/append_file.hpp"
#include "tfm/formats/byte_views.hpp"
#include "tfm/train/train_watch.hpp"

namespace tfm::inline TFM_ABI {

/// folder/steps.csv and folder/evaluations.csv, a line each, written at once. They hold no time of day: a resumed run's files are in
/// the end those of one that was not interrupted. `from` is the step that a resumed run goes on from (TrainState::logged): lines of
/// later steps, of a program that was killed, are taken out first.
///   CsvLog log("D/log", trainer.state().logged());  trainer.watch(log.watch());
class CsvLog {
  struct State {
    std::filesystem::path folder;
    Index from;
    std::optional<AppendFile> steps, evaluations;

    // Nothing is touched before there is something to write.
    AppendFile& open(std::optional<AppendFile>& log, const char* name, const std::string& head) {
      if (!steps && !evaluations) cut(folder / "steps.csv", from), cut(folder / "evaluations.csv", from);
      if (!log) {
        std::error_code error;
        const auto path = folder / name;
        const bool fresh = !std::filesystem::exists(path, error) || std::filesystem::file_size(path, error) == 0;
        log.emplace(path, AppendFile::Mode::append);
        if (fresh) log->write(bytes_of(head));
      }
      return *log;
    }
  };
  std::shared_ptr<State> state_;

  static std::string cell(const std::string& text) {  // RFC 4180
    if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
    std::string quoted = "\"";
    for (const char c : text) quoted.append(c == '"' ? 2 : 1, c);
    return quoted + '"';
  }
  // Keeps the head and the whole lines of steps up to `from`.
  static void cut(const std::filesystem::path& file, Index from) {
    std::error_code error;
    if (!std::filesystem::exists(file, error)) return;
    if (std::filesystem::file_size(file, error) == 0) return;
    const auto mapped = MappedFile::open(file);
    const std::string_view all = text_of(mapped->bytes());
    std::string kept;
    for (std::size_t at = 0, end; (end = all.find('\n', at)) != std::string_view::npos; at = end + 1) {
      const std::string_view line = all.substr(at, end + 1 - at);
      Index step = 0;
      const bool number = std::from_chars(line.data(), line.data() + line.size(), step).ec == std::errc{};
      if (at == 0 || (number && step <= from)) kept += line;
    }
    if (kept.size() != all.size()) write_file(file, bytes_of(kept));
  }

 public:
  /// Errors: LoadError where the system refuses.
  explicit CsvLog(const std::filesystem::path& folder, Index from = 0) {
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    if (error) raise(LoadError("tfm: cannot make the folder " + folder.string() + ": " + error.message()));
    state_ = std::make_shared<State>(State{folder, from, std::nullopt, std::nullopt});
  }

  TrainWatch watch() const {
    TrainWatch watch;
    watch.step = [state = state_](const StepReport& r) {
      std::string line = std::to_string(r.step);
      for (const double value : {r.epoch, r.loss.value, r.loss.per_token(), static_cast<double>(r.rate), r.gradient_norm}) line += "," + number_text(value);
      for (const Index value : {r.samples, r.loss.tokens, Index{r.skipped ? 1 : 0}}) line += "," + std::to_string(value);
      state->open(state->steps, "steps.csv", "step,epoch,loss,loss_per_token,learning_rate,gradient_norm,samples,tokens,skipped\n").write(bytes_of(line + "\n"));
    };
    watch.evaluation = [state = state_](const EvaluationReport& r) {
      std::string head = "step,loss", line = std::to_string(r.step) + "," + number_text(r.evaluation.loss);
      for (const auto& [figure, value] : r.evaluation.figures) head += "," + cell(figure), line += "," + number_text(value);
      state->open(state->evaluations, "evaluations.csv", head + ",best\n").write(bytes_of(line + (r.best ? ",1\n" : ",0\n")));
    };
    return watch;
  }
};

}  // namespace tfm::inline TFM_ABI
