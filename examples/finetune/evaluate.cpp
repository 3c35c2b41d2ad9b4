// finetune evaluate: how often a model gives records the label that they have, by likelihood and by what it says; of conversations
// evaluate_talks.cpp.
#include <algorithm>
#include <cctype>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "base.hpp"
#include "confusion_picture.hpp"
#include "evaluate_talks.hpp"
#include "questions.hpp"
#include "records.hpp"
#include "run_facts.hpp"
#include "support/json_output.hpp"
#include "support/notes.hpp"
#include "support/output_guard.hpp"
#include "support/progress_bar.hpp"
#include "support/terminal.hpp"
#include "tfm/formats/atomic_file.hpp"
#include "tfm/text/white_space.hpp"

namespace cli {

namespace {

using Json = nlohmann::ordered_json;
using Labels = std::vector<std::string>;

/// Every record's label, and their names.
struct Labelled {
  Labels labels;
  std::vector<std::size_t> of;
};

/// The labels are those that were asked for; or else the records' outputs, and with them those that the adapter learnt, if it learnt all of these.
Labelled labels_of(const std::vector<tfm::AlpacaRecord>& records, const EvaluateArguments& arguments, const Labels& learnt) {
  constexpr std::size_t most = 100;
  const std::string file = "tfm: " + arguments.data.string() + ": ";
  Labelled found{arguments.labels, {}};
  if (found.labels.empty()) {
    for (const auto& record : records) found.labels.push_back(record.output);
    std::sort(found.labels.begin(), found.labels.end());
    found.labels.erase(std::unique(found.labels.begin(), found.labels.end()), found.labels.end());
    if (found.labels.size() > most)
      tfm::raise(tfm::LoadError(file + std::to_string(found.labels.size()) + " different outputs, expected labels: at most " + std::to_string(most)));
    if (std::includes(learnt.begin(), learnt.end(), found.labels.begin(), found.labels.end())) found.labels = learnt;
  }
  for (std::size_t i = 0; i < found.labels.size(); ++i)
    if (std::count(found.labels.begin(), found.labels.end(), found.labels[i]) > 1) throw UsageError("--labels has " + tfm::in_quotes(found.labels[i]) + " twice");
  for (std::size_t i = 0; i < records.size(); ++i) {
    if (records[i].output.empty()) tfm::raise(tfm::LoadError(file + "record " + std::to_string(i + 1) + " has an empty output: a label is empty, expected a text"));
    const auto at = static_cast<std::size_t>(std::find(found.labels.begin(), found.labels.end(), records[i].output) - found.labels.begin());
    if (at == found.labels.size())
      tfm::raise(tfm::LoadError(file + "record " + std::to_string(i + 1) + " has the output " + tfm::in_quotes(records[i].output) +
                                ", which is none of --labels"));
    found.of.push_back(at);
  }
  if (std::count(found.labels.begin(), found.labels.end(), "") > 0) throw UsageError("--labels: a label is empty, expected a text");
  if (found.labels.size() == 1)
    tell_note(tfm::in_quotes(found.labels[0]) + " is the only label that is known: there is nothing to choose from, and by likelihood all is right; "
              "--labels names the others");
  return found;
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

Verdict verdict_of(const std::vector<Opinion>& opinions, const std::vector<std::size_t>& of, const Labelled& labelled, const tfm::AnyTokenizer& tokenizer) {
  Verdict verdict{Confusion(labelled.labels.size()), Confusion(labelled.labels.size())};
  for (std::size_t i = 0; i < opinions.size(); ++i) {
    const std::size_t meant = labelled.of[of[i]];
    const auto& scores = opinions[i].log_likelihood;
    const auto best = static_cast<std::size_t>(std::max_element(scores.begin(), scores.end()) - scores.begin());
    ++verdict.likelihood.counts[meant][best];
    const auto said = label_said(tokenizer.decode(opinions[i].said, tfm::TextStart::middle), labelled.labels);
    ++(said ? verdict.generated.counts[meant][*said] : verdict.generated.other[meant]);
  }
  return verdict;
}

Json as_json(const Confusion& confusion, const Labels& labels) {
  Json precision = Json::object(), recall = Json::object(), f1 = Json::object();
  for (std::size_t i = 0; i < labels.size(); ++i)
    precision[labels[i]] = confusion.precision(i), recall[labels[i]] = confusion.recall(i), f1[labels[i]] = confusion.f1(i);
  return {{"accuracy", confusion.accuracy()},
          {"macro_f1", confusion.macro_f1()},
          {"confusion", confusion.counts},
          {"majority", confusion.majority()},
          {"precision", precision},
          {"recall", recall},
          {"f1", f1}};
}
Json as_json(const Verdict& verdict, const Labels& labels) {
  Json all = as_json(verdict.likelihood, labels);
  all["generated"] = as_json(verdict.generated, labels);
  all["generated"]["other"] = verdict.generated.other;
  return all;
}

ConfusionPicture picture_of(const std::vector<Verdict>& verdicts, const Labels& labels) {
  ConfusionPicture all{.title = "Confusion matrices: records, and their share of the true label's",
                       .labels = labels,
                       .down = {"likelihood", "generated"},
                       .across = {"before", "after"},
                       .with_other = {false, true},
                       .matrices = {}};
  if (verdicts.size() == 1) all.across = {"model"};
  for (const auto kind : {&Verdict::likelihood, &Verdict::generated})
    for (const Verdict& verdict : verdicts) all.matrices.push_back(verdict.*kind);
  return all;
}

std::string table(const std::vector<Verdict>& verdicts, const Labels& labels) {
  std::string out;
  std::size_t width = 24;
  for (const std::string& label : labels) width = std::clamp(picture::characters(label) + 14, width, std::size_t{48});
  const auto line = [&](const std::string& what, auto&& figure) {
    out += picture::right_aligned(what, width);
    for (const auto kind : {&Verdict::likelihood, &Verdict::generated})
      for (const Verdict& verdict : verdicts) {
        char text[32];
        std::snprintf(text, sizeof text, "%14.4f", figure(verdict.*kind));
        out += text;
      }
    out += "\n";
  };
  out += std::string(width, ' ');
  for (const char* const kind : {"likelihood", "generated"})
    for (std::size_t i = 0; i < verdicts.size(); ++i) out += picture::right_aligned(i == 0 ? kind : "", 14);
  out += "\n";
  if (verdicts.size() > 1) out += std::string(width, ' ') + "        before         after        before         after\n";
  line("accuracy", [](const Confusion& c) { return c.accuracy(); });
  line("macro F1", [](const Confusion& c) { return c.macro_f1(); });
  for (std::size_t i = 0; i < labels.size(); ++i) {
    line("precision of " + labels[i], [i](const Confusion& c) { return c.precision(i); });
    line("recall of " + labels[i], [i](const Confusion& c) { return c.recall(i); });
    line("F1 of " + labels[i], [i](const Confusion& c) { return c.f1(i); });
  }
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
  Records found = read_records(arguments.data, arguments.kind);
  if (found.talks) return evaluate_talks(arguments, *std::move(found.talks));
  if (!arguments.chat_template.empty()) throw UsageError("--chat-template is for conversations, and " + arguments.data.string() + " has records of instruction, input and output; --template is for those");
  RunPrompt prompt = prompt_of(arguments.prompt, arguments.adapter);
  prompt.chat = false;  // an adapter that learnt conversations may be asked records
  const RunFacts facts = read_run_facts(arguments.adapter);
  const std::vector<tfm::AlpacaRecord>& records = found.alpaca;
  const Labelled labelled = labels_of(records, arguments, facts.labels);
  const Base base = open_base(arguments.base, prompt);
  std::optional<tfm::Adapter> adapter;
  if (!arguments.adapter.empty()) adapter = open_adapter(arguments.adapter, base, arguments.any_base);
  const Index limit = std::min(base.loaded.model.shape.context, arguments.cutoff ? *arguments.cutoff : facts.cutoff.value_or(PTRDIFF_MAX));
  const Questions questions = questions_of(base, records, labelled.labels, limit);
  tell_cuts(questions.cut, questions.left_out, std::ssize(records), limit, "records");
  if (questions.asked.empty())
    tfm::raise(tfm::LoadError("tfm: " + arguments.data.string() + ": no record is left to ask: the template and an answer have more than " + std::to_string(limit) + " tokens"));
  tfm::Context context = context_of(arguments.base);
  const Scorer scorer(base.loaded.model, context, base.loaded.stop_tokens);
  std::vector<Verdict> verdicts;
  const auto judge = [&](const tfm::Adapter* adapter) {
    ProgressBar bar;
    verdicts.push_back(verdict_of(scorer.ask(questions.asked, adapter, questions.most, bar.callback()), questions.of, labelled, base.loaded.tokenizer));
  };
  judge(nullptr);
  if (adapter) judge(&*adapter);

  const ConfusionPicture picture = picture_of(verdicts, labelled.labels);
  if (!arguments.picture.empty()) tfm::write_file(arguments.picture, tfm::bytes_of(svg(picture)));
  if (arguments.json) {
    Json all = as_json(verdicts.back(), labelled.labels);
    all["labels"] = labelled.labels;
    all["records"] = questions.asked.size();
    if (questions.cut > 0) all["cut"] = questions.cut;
    if (questions.left_out > 0) all["left_out"] = questions.left_out;
    if (adapter) all["before"] = as_json(verdicts.front(), labelled.labels);
    print_json(std::move(all));
    return success;
  }
  print(table(verdicts, labelled.labels) + "\n");
  print(in_terminal(picture, static_cast<std::size_t>(terminal_size(standard_output).columns)));
  return success;
}

}  // namespace cli
