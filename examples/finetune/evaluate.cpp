// finetune evaluate: how often a model gives records the label that they have, by likelihood and by what it says.
#include <algorithm>
#include <cctype>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "base.hpp"
#include "confusion.hpp"
#include "scorer.hpp"
#include "support/heat_map.hpp"
#include "support/output_guard.hpp"
#include "support/json_output.hpp"
#include "support/progress_bar.hpp"
#include "support/terminal.hpp"
#include "tfm/formats/atomic_file.hpp"
#include "tfm/text/white_space.hpp"
#include "tfm/train/data/alpaca.hpp"
#include "tfm/train/data/alpaca_samples.hpp"

namespace cli {

namespace {

using Json = nlohmann::ordered_json;
using Labels = std::vector<std::string>;

/// Every record's label, and their names.
struct Labelled {
  Labels labels;
  std::vector<std::size_t> of;
};

Labelled labels_of(const std::vector<tfm::AlpacaRecord>& records, const EvaluateArguments& arguments) {
  constexpr std::size_t most = 100;
  const std::string file = "tfm: " + arguments.data.string() + ": ";
  Labelled found{arguments.labels, {}};
  if (found.labels.empty()) {
    for (const auto& record : records) found.labels.push_back(record.output);
    std::sort(found.labels.begin(), found.labels.end());
    found.labels.erase(std::unique(found.labels.begin(), found.labels.end()), found.labels.end());
    if (found.labels.size() > most)
      tfm::raise(tfm::LoadError(file + std::to_string(found.labels.size()) + " different outputs, expected labels: at most " + std::to_string(most)));
  }
  std::vector<bool> seen(found.labels.size());
  for (std::size_t i = 0; i < records.size(); ++i) {
    const auto at = static_cast<std::size_t>(std::find(found.labels.begin(), found.labels.end(), records[i].output) - found.labels.begin());
    if (at == found.labels.size())
      tfm::raise(tfm::LoadError(file + "record " + std::to_string(i + 1) + " has the output " + tfm::in_quotes(records[i].output) +
                                ", which is none of --labels"));
    seen[at] = true;
    found.of.push_back(at);
  }
  for (std::size_t i = 0; i < seen.size(); ++i) {
    if (found.labels[i].empty()) tfm::raise(tfm::LoadError(file + "a label is empty, expected a text"));
    if (!seen[i]) tfm::raise(tfm::LoadError(file + "no record has the label " + tfm::in_quotes(found.labels[i])));
  }
  return found;
}

/// The ids of a prompt and an output as training has them, but without EOS, and whole.
std::vector<tfm::Token> ids_of(const tfm::AnyTokenizer& tokenizer, const tfm::AlpacaPrompt& prompt, tfm::AlpacaRecord record,
                               const std::string& output) {
  record.output = output;
  std::vector<tfm::Token> ids = tfm::alpaca_sample(tokenizer, prompt, record, {.cutoff = Index{1} << 40}).ids;
  ids.pop_back();
  return ids;
}

std::vector<Question> questions_of(const Base& base, const tfm::AlpacaPrompt& prompt, const std::vector<tfm::AlpacaRecord>& records,
                                   const Labels& labels, Index& most) {
  const tfm::AnyTokenizer& tokenizer = base.loaded.tokenizer;
  std::vector<Question> questions;
  for (const auto& record : records) {
    Question question{tfm::alpaca_prompt_ids(tokenizer, prompt, record), {}};
    for (const std::string& label : labels) {
      question.answers.push_back(ids_of(tokenizer, prompt, record, label));
      most = std::max(most, static_cast<Index>(question.answers.back().size()) - static_cast<Index>(question.prompt.size()) + 1);
    }
    if (const auto longest = static_cast<Index>(question.prompt.size()) + most; longest > base.loaded.model.shape.context)
      tfm::raise(tfm::ContextFull("tfm: record " + std::to_string(questions.size() + 1) + " has a prompt of " +
                                  std::to_string(question.prompt.size()) + " tokens, which with its answer is more than the model's context of " +
                                  std::to_string(base.loaded.model.shape.context)));
    questions.push_back(std::move(question));
  }
  return questions;
}

/// The label that an answer begins with, if no letter or digit of ASCII goes on; the longest of several.
std::optional<std::size_t> label_said(std::string_view said, const Labels& labels) {
  said = tfm::trimmed_left(said);
  std::optional<std::size_t> found;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (!said.starts_with(tfm::trimmed(labels[i]))) continue;
    const std::string_view rest = said.substr(tfm::trimmed(labels[i]).size());
    const bool ends = rest.empty() || std::isalnum(static_cast<unsigned char>(rest[0])) == 0;
    if (ends && (!found || labels[*found].size() < labels[i].size())) found = i;
  }
  return found;
}

/// By likelihood, and by what was said.
struct Verdict {
  Confusion likelihood, generated;
};

Verdict verdict_of(const std::vector<Opinion>& opinions, const Labelled& labelled, const tfm::AnyTokenizer& tokenizer) {
  Verdict verdict{Confusion(labelled.labels.size()), Confusion(labelled.labels.size())};
  for (std::size_t i = 0; i < opinions.size(); ++i) {
    const auto& scores = opinions[i].log_likelihood;
    const auto best = static_cast<std::size_t>(std::max_element(scores.begin(), scores.end()) - scores.begin());
    ++verdict.likelihood.counts[labelled.of[i]][best];
    const auto said = label_said(tokenizer.decode(opinions[i].said, tfm::TextStart::middle), labelled.labels);
    ++(said ? verdict.generated.counts[labelled.of[i]][*said] : verdict.generated.other[labelled.of[i]]);
  }
  return verdict;
}

Json as_json(const Confusion& confusion, const Labels& labels) {
  Json recall = Json::object();
  for (std::size_t i = 0; i < labels.size(); ++i) recall[labels[i]] = confusion.recall(i);
  return {{"accuracy", confusion.accuracy()},
          {"macro_f1", confusion.macro_f1()},
          {"confusion", confusion.counts},
          {"majority", confusion.majority()},
          {"recall", recall}};
}
Json as_json(const Verdict& verdict, const Labels& labels) {
  Json all = as_json(verdict.likelihood, labels);
  all["generated"] = as_json(verdict.generated, labels);
  all["generated"]["other"] = verdict.generated.other;
  return all;
}

/// Each row's shares.
std::vector<float> shares(const Confusion& confusion) {
  std::vector<float> out;
  for (std::size_t row = 0; row < confusion.counts.size(); ++row)
    for (const Index n : confusion.counts[row]) out.push_back(static_cast<float>(n) / static_cast<float>(std::max<Index>(confusion.meant(row), 1)));
  return out;
}

picture::HeatMaps picture_of(const std::vector<Verdict>& verdicts, const Labels& labels) {
  picture::HeatMaps maps{.title = "Labels that were meant, and those that were given",
                         .row_axis = "meant",
                         .column_axis = "given",
                         .row_labels = labels,
                         .column_labels = labels,
                         .down = {"likelihood", "generated"},
                         .across = {"before", "after"},
                         .maps = {}};
  if (verdicts.size() == 1) maps.across = {"model"};
  for (const auto kind : {&Verdict::likelihood, &Verdict::generated})
    for (const Verdict& verdict : verdicts) maps.maps.push_back(shares(verdict.*kind));
  return maps;
}

std::string table(const std::vector<Verdict>& verdicts, const Labels& labels) {
  std::string out;
  const auto line = [&](const std::string& what, auto&& figure) {
    out += picture::right_aligned(what, 24);
    for (const auto kind : {&Verdict::likelihood, &Verdict::generated})
      for (const Verdict& verdict : verdicts) {
        char text[32];
        std::snprintf(text, sizeof text, "%14.4f", figure(verdict.*kind));
        out += text;
      }
    out += "\n";
  };
  out += std::string(24, ' ');
  for (const char* const kind : {"likelihood", "generated"})
    for (std::size_t i = 0; i < verdicts.size(); ++i) out += picture::right_aligned(i == 0 ? kind : "", 14);
  out += "\n";
  if (verdicts.size() > 1) out += std::string(24, ' ') + "        before         after        before         after\n";
  line("accuracy", [](const Confusion& c) { return c.accuracy(); });
  line("macro F1", [](const Confusion& c) { return c.macro_f1(); });
  for (std::size_t i = 0; i < labels.size(); ++i) line("recall of " + labels[i], [i](const Confusion& c) { return c.recall(i); });
  line("commonest label's share", [](const Confusion& c) { return c.majority(); });
  return out;
}

}  // namespace

int run(const EvaluateArguments& arguments) {
  if (!arguments.picture.empty())
    guard_file("--picture", arguments.picture,
               {{"the model", arguments.base.model}, {"the adapter", arguments.adapter}, {"the data", arguments.data}, {"the template", arguments.prompt},
                {"a file of the adapter", arguments.adapter / "adapter_model.safetensors"}, {"a file of the adapter", arguments.adapter / "adapter_config.json"}},
               arguments.overwrite);
  const tfm::AlpacaPrompt prompt = prompt_of(arguments.prompt, arguments.adapter).prompt;
  const std::vector<tfm::AlpacaRecord> records = tfm::read_alpaca(arguments.data);
  const Labelled labelled = labels_of(records, arguments);
  const Base base = open_base(arguments.base, prompt);
  std::optional<tfm::Adapter> adapter;
  if (!arguments.adapter.empty()) adapter = open_adapter(arguments.adapter, base, arguments.any_base);
  Index most = 1;
  const std::vector<Question> questions = questions_of(base, prompt, records, labelled.labels, most);
  tfm::Context context = context_of(arguments.base);
  const Scorer scorer(base.loaded.model, context, base.loaded.stop_tokens);
  std::vector<Verdict> verdicts;
  const auto judge = [&](const tfm::Adapter* worn) {
    ProgressBar bar;
    verdicts.push_back(verdict_of(scorer.ask(questions, worn, most, bar.callback()), labelled, base.loaded.tokenizer));
  };
  judge(nullptr);
  if (adapter) judge(&*adapter);

  const picture::HeatMaps maps = picture_of(verdicts, labelled.labels);
  if (!arguments.picture.empty()) tfm::write_file(arguments.picture, tfm::bytes_of(picture::svg(maps)));
  if (arguments.json) {
    Json all = as_json(verdicts.back(), labelled.labels);
    all["labels"] = labelled.labels;
    all["records"] = records.size();
    if (adapter) all["before"] = as_json(verdicts.front(), labelled.labels);
    print_json(std::move(all));
    return success;
  }
  print(table(verdicts, labelled.labels) + "\n");
  print(picture::in_terminal(maps, static_cast<std::size_t>(terminal_size(standard_output).columns), has_escapes(standard_output)));
  return success;
}

}  // namespace cli
