#include "run_facts.hpp"

#include <set>

#include "tfm/formats/json.hpp"
#include "tfm/train/data/alpaca.hpp"

namespace cli {

RunFacts read_run_facts(const std::filesystem::path& folder) {
  RunFacts facts;
  std::error_code ignored;
  const std::filesystem::path run = folder / "run.json", held_out = folder / "validation.json";
  if (folder.empty() || !std::filesystem::exists(run, ignored)) return facts;
  const tfm::JsonDocument document = tfm::read_json(run);
  if (const auto arguments = document.root().find_value("arguments"))
    if (const auto cutoff = arguments->find_value("cutoff")) facts.cutoff = cutoff->integer(1);
  if (const auto labels = document.root().find_value("labels"))
    for (const tfm::Json label : labels->elements()) facts.labels.emplace_back(label.text());
  else if (const auto prompt = document.root().find_value("prompt"); std::filesystem::exists(held_out, ignored) && !(prompt && prompt->find("chat_template")))
    facts.labels = label_names(tfm::read_alpaca(held_out));
  return facts;
}

std::vector<std::string> label_names(const std::vector<tfm::AlpacaRecord>& records) {
  constexpr std::size_t most = 100;
  std::set<std::string> names;
  for (const tfm::AlpacaRecord& record : records) {
    if (record.output.empty()) return {};
    names.insert(record.output);
    if (names.size() > most) return {};
  }
  if (names.size() * 2 > records.size()) return {};
  return {names.begin(), names.end()};
}

}  // namespace cli
