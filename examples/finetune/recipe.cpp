#include "recipe.hpp"

#include <algorithm>
#include <cmath>

#include "receipt.hpp"
#include "support/output_guard.hpp"

namespace cli {

namespace {

/// What a run writes over in its folder, beside run.json and its checkpoints.
const std::vector<std::string> files{"adapter_config.json", "adapter_model.safetensors", "tfm_adapter.json", "validation.json",
                                     "best.safetensors",    "loss.svg",                  "log"};

void take_away(const std::filesystem::path& path) {
  std::error_code error;
  std::filesystem::remove_all(path, error);
  if (error) tfm::raise(tfm::LoadError("tfm: cannot remove " + path.string() + ": " + error.message()));
}

/// A new adapter's options, by what is said or as the article has them.
tfm::AdapterOptions new_adapter(const TrainArguments& arguments) {
  return {.rank = *arguments.rank,
          .alpha = static_cast<float>(*arguments.alpha),
          .dropout = static_cast<float>(*arguments.dropout),
          .targets = *arguments.targets,
          .rank_stabilised = *arguments.rslora,
          .seed = arguments.seed};
}

template <class T>
void fill_in(std::optional<T>& argument, T usual) {
  if (!argument) argument = std::move(usual);
}

/// Takes what is found in the adapter that training begins with; what was said must be the same.
template <class T, class Text>
void adopt(std::optional<T>& argument, const T& found, const char* option, const std::filesystem::path& folder, Text&& text) {
  if (argument && *argument != found)
    throw UsageError(std::string(option) + " is " + text(*argument) + ", and that of --init-adapter " + folder.string() + " " + text(found) +
                     ": leave the option out, or begin with another adapter");
  argument = found;
}

std::string joined_names(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ",") + name;
  return text;
}

tfm::Schedule schedule_of(const TrainArguments& arguments) {
  const auto rate = static_cast<float>(arguments.rate);
  switch (arguments.schedule) {
    case ScheduleName::cosine: return tfm::cosine_schedule(rate, *arguments.warmup, arguments.steps);
    case ScheduleName::constant: return tfm::constant_schedule(rate);
    default: return tfm::linear_schedule(rate, *arguments.warmup, arguments.steps);
  }
}

}  // namespace

void guard_output(const TrainArguments& arguments) {
  guard_inputs("--out", arguments.out, files,
               {{"the base", arguments.base.model}, {"the data", arguments.data}, {"the template", arguments.prompt}, {"the chat template", arguments.chat_template}, {"the adapter to begin with", arguments.init_adapter}});
  if (holds_run(arguments.out)) {
    if (arguments.resume || arguments.overwrite) return;
    throw UsageError("there is a run in " + arguments.out.string() + " already: give --resume, --overwrite, or another --out");
  }
  if (const auto found = tfm::checkpoints_in(arguments.out); !found.empty() && !arguments.overwrite)
    throw UsageError(arguments.out.string() + " holds checkpoint-" + std::to_string(found.back()) + " and no run.json that says of what: give --overwrite, or another --out");
  guard_files("--out", arguments.out, files, arguments.overwrite);
}

void clear_output(const TrainArguments& arguments) {
  std::error_code absent;
  if (!arguments.overwrite || !std::filesystem::exists(arguments.out, absent)) return;
  for (const Index step : tfm::checkpoints_in(arguments.out)) take_away(tfm::checkpoint_path(arguments.out, step));
  for (const std::string& file : files)
    if (file != "log") take_away(arguments.out / file);
  for (std::filesystem::directory_iterator entry(arguments.out / "log", absent), end; !absent && entry != end; entry.increment(absent)) {
    const std::string name = entry->path().filename().string();
    if (name == "steps.csv" || name == "evaluations.csv" || name.starts_with("events.out.tfevents.")) take_away(entry->path());
  }
  take_away(arguments.out / "run.json");  // the last: where it is, it is a run's folder
}

void check_kind(const TrainArguments& arguments, bool conversations) {
  const std::string data = arguments.data.string();
  if (conversations && !arguments.prompt.empty()) throw UsageError("--template is for records of instruction, input and output, and " + data + " has conversations; --chat-template is for those");
  if (conversations && arguments.response_only) throw UsageError("--response-only is for records of instruction, input and output: of conversations, as " + data + " has them, only what the assistant says is learnt");
  if (!conversations && !arguments.chat_template.empty()) throw UsageError("--chat-template is for conversations, and " + data + " has records of instruction, input and output; --template is for those");
}

void fill_in_validation(TrainArguments& arguments, Index records) {
  if (arguments.validation_share) arguments.validation = static_cast<Index>(std::ceil(*arguments.validation_share * static_cast<double>(records)));
}

void fill_in_steps(TrainArguments& arguments, Index training) {
  constexpr Index usual_warmup = 100;
  if (arguments.epochs) {
    constexpr double most = Index{1} << 30;
    const double steps = std::ceil(*arguments.epochs * static_cast<double>(tfm::EpochOrder::steps(training, arguments.batch)));
    if (steps > most) throw UsageError("--epochs are " + tfm::number_text(steps) + " steps, expected at most 2^30");
    arguments.steps = static_cast<Index>(steps);
  }
  if (arguments.warmup_ratio) arguments.warmup = static_cast<Index>(std::ceil(*arguments.warmup_ratio * static_cast<double>(arguments.steps)));
  fill_in(arguments.warmup, std::min(usual_warmup, arguments.steps / 3));
}

void check_backward(const TrainArguments& arguments) {
  if (!arguments.int8_backward.value_or(false)) return;
  if (arguments.base.arithmetic == tfm::Arithmetic::exact) throw UsageError("--backward int8 is of products in 8 bits, and --arithmetic exact has none");
  if (arguments.base.format && *arguments.base.format != tfm::Format::int8)
    throw UsageError("--backward int8 is for a base in int8, and --base is " + std::string(name(*arguments.base.format)));
}

void fill_in_backward(TrainArguments& arguments, const tfm::AnyModel& model) {
  bool any = false;
  tfm::visit_weights(model, "", [&](const std::string&, const auto& weight, tfm::WeightRole) {
    if constexpr (requires { weight.format(); }) any = any || weight.format() == tfm::Format::int8;
  });
  if (!any && arguments.int8_backward.value_or(false))
    throw UsageError("--backward int8 is for a base in int8, and no weight of " + arguments.base.model.string() + " is");
  fill_in(arguments.int8_backward, any && usual_int8_backward(arguments.base.arithmetic));
}

tfm::Adapter first_adapter(TrainArguments& arguments, const Base& base) {
  const std::filesystem::path& folder = arguments.init_adapter;
  if (folder.empty()) {
    fill_in(arguments.rank, Index{8}), fill_in(arguments.alpha, 16.0), fill_in(arguments.dropout, 0.05);
    fill_in(arguments.targets, {"q_proj", "v_proj"}), fill_in(arguments.rslora, false);
    return {base.loaded.model, new_adapter(arguments)};
  }
  tfm::peft::LoadedAdapter loaded = load_adapter(folder, base, arguments.any_base);
  // What adapter_config.json will say: of one whose layers differ in rank or scaling it could not, and it is refused now.
  tfm::peft::LoraConfig found = tfm::peft::detail::config_of(loaded.adapter, base.loaded.model, {.rslora = loaded.config.rslora});
  std::sort(found.targets.begin(), found.targets.end());
  if (arguments.targets) std::sort(arguments.targets->begin(), arguments.targets->end());
  const auto number = [](auto value) { return tfm::number_text(static_cast<double>(value)); };
  adopt(arguments.rank, found.r, "--rank", folder, number);
  adopt(arguments.rslora, found.rslora, "--rslora", folder, [](bool is) { return std::string(is ? "on" : "off"); });
  adopt(arguments.alpha, found.alpha, "--alpha", folder, number);
  adopt(arguments.targets, found.targets, "--targets", folder, joined_names);
  fill_in(arguments.dropout, loaded.config.dropout);
  loaded.adapter.dropout = static_cast<float>(*arguments.dropout);
  return std::move(loaded.adapter);
}

tfm::CausalTaskOptions task_options(const TrainArguments& arguments) {
  tfm::CausalTaskOptions options;
  options.accumulation = arguments.mean_of_tokens ? tfm::Accumulation::tokens : tfm::Accumulation::means;
  if (arguments.pad_left) options.left_pad = 0;  // the article's pad_token_id
  options.multiple = arguments.multiple;
  options.evaluation_batch = arguments.micro_batch;
  options.group_by_length = arguments.group_by_length ? arguments.batch : 0;
  return options;
}

tfm::TrainerOptions trainer_options(const TrainArguments& arguments, bool evaluates) {
  return {.steps = arguments.steps,
          .batch = arguments.batch,
          .micro_batch = arguments.micro_batch,
          .rate = schedule_of(arguments),
          .clip = static_cast<float>(arguments.clip),
          .seed = arguments.seed,
          .evaluate_every = evaluates ? arguments.evaluate_every : 0,
          .evaluate_first = evaluates && arguments.evaluate_first,
          .patience = evaluates ? arguments.patience : 0,
          .output = arguments.out,
          .save_every = arguments.save_every,
          .keep = arguments.keep};
}

}  // namespace cli
