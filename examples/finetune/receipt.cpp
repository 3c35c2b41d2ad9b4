#include "receipt.hpp"

#include <nlohmann/json.hpp>

#include "run_facts.hpp"
#include "tfm/formats/atomic_file.hpp"
#include "tfm/formats/json.hpp"
#include "tfm/formats/mapped_file.hpp"

namespace cli {

namespace {

using Json = nlohmann::ordered_json;

constexpr const char* file_name = "run.json";

std::string name_of(const std::filesystem::path& path) { return (path.has_filename() ? path : path.parent_path()).filename().string(); }

Json arguments_json(const TrainArguments& a) {
  constexpr const char* schedules[] = {"linear", "cosine", "constant"};
  Json json{{"base", a.base.format ? std::string(name(*a.base.format)) : "file"},
            {"arithmetic", name(a.base.arithmetic)},
            {"backward", *a.int8_backward ? "int8" : "float"},
            {"split_seed", a.split_seed},
            {"steps", a.steps},
            {"batch", a.batch},
            {"micro_batch", a.micro_batch},
            {"lr", a.rate},
            {"warmup", *a.warmup},
            {"schedule", schedules[static_cast<int>(a.schedule)]},
            {"weight_decay", a.weight_decay},
            {"clip", a.clip},
            {"rank", *a.rank},
            {"alpha", *a.alpha},
            {"dropout", *a.dropout},
            {"targets", *a.targets},
            {"rslora", *a.rslora},
            {"cutoff", a.cutoff},
            {"validation", a.validation},
            {"response_only", a.response_only},
            {"padding", a.pad_left ? "left" : "right"},
            {"multiple", a.multiple},
            {"accumulation", a.mean_of_tokens ? "tokens" : "means"},
            {"group_by_length", a.group_by_length},
            {"evaluate_every", a.evaluate_every},
            {"patience", a.patience}};
  // Where they are not given there is nothing of them, as in the receipts of versions that did not know them.
  if (a.epochs) json["epochs"] = *a.epochs;
  if (a.warmup_ratio) json["warmup_ratio"] = *a.warmup_ratio;
  if (a.validation_share) json["validation_share"] = *a.validation_share;
  if (a.evaluate_first) json["evaluate_first"] = true;
  return json;
}

Json prompt_json(const RunPrompt& prompt) {
  if (prompt.chat) return {{"chat_template", prompt.chat_template}};
  const tfm::AlpacaPrompt& p = prompt.prompt;
  return {{"prompt_input", p.prompt_input}, {"prompt_no_input", p.prompt_no_input}, {"response_split", p.response_split}, {"instruction", prompt.instruction}};
}

/// Everything that decides the adapter's bits. Threads, and what is kept of checkpoints, do not.
Json as_json(const Receipt& r) {
  Json json{{"version", std::to_string(TFM_VERSION_MAJOR) + "." + std::to_string(TFM_VERSION_MINOR) + "." + std::to_string(TFM_VERSION_PATCH)},
            {"model", {{"name", r.base.name}, {"sha256", r.base.base}, {"tokenizer_sha256", r.base.tokenizer}}},
            {"data",
             {{"name", name_of(r.arguments.data)},
              {"sha256", r.data_sha256},
              {"records", r.samples.records.size()},
              {"training", r.samples.training.size()},
              {"validation", r.samples.validation.size()}}},
            {"seed", r.arguments.seed},
            {"arguments", arguments_json(r.arguments)},
            {"prompt", prompt_json(r.prompt)}};
  if (!r.init_sha256.empty()) json["init_adapter"] = {{"name", name_of(r.arguments.init_adapter)}, {"sha256", r.init_sha256}};
  return json;
}

void write(const std::filesystem::path& folder, const Json& json) { tfm::write_file(folder / file_name, tfm::bytes_of(json.dump(2) + "\n")); }

/// The first thing in which two runs differ, names and what the earlier one ended with aside; empty: none.
std::string difference(const Json& was, const Json& is, const std::string& path) {
  if (!is.is_object() || !was.is_object()) return was == is ? "" : path + " was " + was.dump() + ", is " + is.dump();
  Json all = is;
  for (const auto& [key, value] : was.items()) all[key] = value;
  for (const auto& [key, ignored] : all.items()) {
    if (key == "name" || (path.empty() && (key == "result" || key == "labels"))) continue;
    const std::string found = difference(was.value(key, Json()), is.value(key, Json()), path.empty() ? key : path + "." + key);
    if (!found.empty()) return found;
  }
  return "";
}

}  // namespace

bool holds_run(const std::filesystem::path& folder) {
  std::error_code ignored;
  return std::filesystem::exists(folder / file_name, ignored);
}

void begin_run(const Receipt& receipt) {
  const std::filesystem::path& folder = receipt.arguments.out;
  const Json run = as_json(receipt);
  if (!holds_run(folder)) {
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    if (error) tfm::raise(tfm::LoadError("tfm: cannot make the folder " + folder.string() + ": " + error.message()));
    return write(folder, run);
  }
  const auto file = tfm::MappedFile::open(folder / file_name);
  const Json was = Json::parse(tfm::text_of(file->bytes()), nullptr, false);
  if (was.is_discarded())
    tfm::raise(tfm::LoadError("tfm: " + (folder / file_name).string() + ": this is no JSON; the run cannot go on without its receipt"));
  const std::string found = difference(was, run, "");
  if (!found.empty()) throw UsageError("the run in " + folder.string() + " is another one and cannot go on: " + found);
}

void end_run(const Receipt& receipt, const tfm::TrainResult& result, const std::string& adapter_sha256) {
  Json run = as_json(receipt);
  run["result"] = {{"steps", result.steps}, {"best_step", result.best_step}, {"best_loss", result.best_loss}, {"adapter_sha256", adapter_sha256}};
  if (const auto labels = label_names(receipt.samples.records.alpaca); !labels.empty()) run["labels"] = labels;
  write(receipt.arguments.out, run);
}

std::optional<RunPrompt> read_run_prompt(const std::filesystem::path& folder) {
  if (!holds_run(folder)) return std::nullopt;
  const tfm::JsonDocument document = tfm::read_json(folder / file_name);
  const tfm::Json prompt = document.root().at("prompt");
  const auto text = [&](const char* key) { return std::string(prompt.at(key).text()); };
  if (prompt.find("chat_template")) return RunPrompt{.chat = true, .chat_template = text("chat_template")};
  return RunPrompt{{text("prompt_input"), text("prompt_no_input"), text("response_split")}, text("instruction")};
}

std::string file_sha256(const std::filesystem::path& file) {
  const auto mapped = tfm::MappedFile::open(file);
  return tfm::Sha256().add(mapped->bytes()).digits();
}

}  // namespace cli
