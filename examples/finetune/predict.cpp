// finetune predict: a line of output for every line of input: its label, or the model's answer.
#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base.hpp"
#include "one_line.hpp"
#include "questions.hpp"
#include "run_facts.hpp"
#include "support/interrupt.hpp"
#include "support/line_reader.hpp"
#include "support/terminal.hpp"
#include "tfm/generate/generate.hpp"
#include "tfm/text/white_space.hpp"

namespace cli {

namespace {

using Json = nlohmann::ordered_json;
using Labels = std::vector<std::string>;

/// What is known of a line: nothing, an answer, or a label and how likely each of them is.
struct Prediction {
  std::optional<std::string> answer{};
  std::optional<std::size_t> label{};
  std::vector<double> probabilities{};
};

/// Likelihoods as shares of their sum.
std::vector<double> normalised(const std::vector<double>& log_likelihoods) {
  const double greatest = *std::max_element(log_likelihoods.begin(), log_likelihoods.end());
  std::vector<double> shares;
  double sum = 0;
  for (const double each : log_likelihoods) sum += shares.emplace_back(std::exp(each - greatest));
  for (double& share : shares) share /= sum;
  return shares;
}

/// Answers records, some at a time.
class Oracle {
  const PredictArguments& arguments_;
  const Base& base_;
  tfm::StopRules stops_;
  const Labels& labels_;
  const tfm::Adapter* adapter_;
  Index limit_;
  tfm::Context context_;
  Scorer scorer_;
  std::optional<tfm::Session<tfm::AnyModel>> session_;  // for free answers

  std::string answer(const tfm::AlpacaRecord& record) {
    session_->truncate(0);
    session_->evaluate(base_.prompt_ids(record));
    tfm::Sampler sampler({.temperature = 0});
    std::string said;
    tfm::generate(*session_, base_.loaded.tokenizer, sampler, stops_, arguments_.max_tokens,
                  [&](std::string_view piece) { said += piece; });
    if (was_interrupted()) tfm::raise(tfm::Stopped());
    return said;
  }

 public:
  Index cut = 0, left_out = 0, asked = 0;

  Oracle(const PredictArguments& arguments, const Base& base, const Labels& labels, const tfm::Adapter* adapter, Index limit)
      : arguments_(arguments), base_(base), stops_(base.stops()), labels_(labels), adapter_(adapter), limit_(limit), context_(context_of(arguments.base)),
        scorer_(base.loaded.model, context_, base.loaded.stop_tokens) {
    if (!labels_.empty()) return;
    tfm::SessionOptions options;
    options.context = std::min<Index>(base.loaded.model.shape.context, 4096);
    options.threads = arguments.base.threads;
    options.arithmetic = arguments.base.arithmetic;
    options.stop = interrupt_token();
    limit_ = std::min(limit_, options.context - std::min(arguments.max_tokens, options.context / 2));
    session_.emplace(base.loaded.model, options);
    session_->set_adapter(adapter);
  }
  Index limit() const { return limit_; }

  std::vector<Prediction> operator()(const std::vector<tfm::AlpacaRecord>& records) {
    std::vector<Prediction> all(records.size());
    asked += std::ssize(records);
    if (labels_.empty()) {
      for (std::size_t i = 0; i < records.size(); ++i) {
        const bool whole = std::ssize(base_.prompt_ids(records[i])) <= limit_;
        const auto fitting = whole ? records[i] : cut_to(base_, records[i], limit_);
        cut += !whole && fitting ? 1 : 0, left_out += fitting ? 0 : 1;
        if (fitting) all[i].answer = answer(*fitting);
      }
      return all;
    }
    const Questions questions = questions_of(base_, records, labels_, limit_);
    cut += questions.cut, left_out += questions.left_out;
    const auto opinions = scorer_.ask(questions.asked, adapter_, arguments_.json ? questions.most : 0, [](const tfm::Progress&) {});
    for (std::size_t i = 0; i < opinions.size(); ++i) {
      Prediction& one = all[questions.of[i]];
      one.probabilities = normalised(opinions[i].log_likelihood);
      one.label = static_cast<std::size_t>(std::max_element(one.probabilities.begin(), one.probabilities.end()) - one.probabilities.begin());
      one.answer = base_.loaded.tokenizer.decode(opinions[i].said, tfm::TextStart::middle);
      one.answer->resize(one.answer->size() - tfm::incomplete_tail(*one.answer));
    }
    return all;
  }
};

std::string as_text(const Prediction& one, const Labels& labels) {
  if (!labels.empty()) return one.label ? in_one_line(labels[*one.label]) : "";
  return in_one_line(tfm::trimmed(one.answer.value_or("")));
}

std::string as_json(const std::string& line, const Prediction& one, const Labels& labels) {
  Json all{{"text", tfm::replace_invalid(line)}};
  if (!labels.empty()) {
    all["label"] = one.label ? Json(labels[*one.label]) : Json();
    all["probabilities"] = one.label ? Json::object() : Json();
    if (one.label)
      for (std::size_t i = 0; i < labels.size(); ++i) all["probabilities"][labels[i]] = one.probabilities[i];
  }
  all["answer"] = one.answer ? Json(tfm::replace_invalid(tfm::trimmed(*one.answer))) : Json();
  return all.dump();
}

}  // namespace

int run(const PredictArguments& arguments) {
  const std::filesystem::path folder = arguments.adapter;
  RunPrompt prompt = prompt_of(arguments.prompt, folder);
  if (arguments.instruction) prompt.instruction = *arguments.instruction;
  const RunFacts facts = read_run_facts(folder);
  const Labels labels = arguments.labels.empty() ? facts.labels : arguments.labels;
  for (const std::string& label : labels)
    if (label.empty() || std::count(labels.begin(), labels.end(), label) > 1) throw UsageError("--labels: found a label twice, or an empty one");
  if (prompt.chat && !labels.empty()) throw UsageError("--labels is for adapters that learnt records with labels, and " + folder.string() + " learnt conversations");
  const Base base = open_base(arguments.base, prompt);
  std::optional<tfm::Adapter> adapter;
  if (!folder.empty()) adapter = open_adapter(folder, base, arguments.any_base);
  const Index limit = std::min(base.loaded.model.shape.context, arguments.cutoff ? *arguments.cutoff : facts.cutoff.value_or(PTRDIFF_MAX));
  Oracle oracle(arguments, base, labels, adapter ? &*adapter : nullptr, limit);

  const auto answer = [&](std::span<const std::string> lines) {
    std::vector<tfm::AlpacaRecord> records;
    std::vector<std::size_t> place;
    for (std::size_t i = 0; i < lines.size(); ++i) {
      if (tfm::trimmed(lines[i]).empty()) continue;
      records.push_back(prompt.record(lines[i]));
      place.push_back(i);
    }
    std::vector<Prediction> predictions(lines.size());
    std::vector<Prediction> found = oracle(records);
    for (std::size_t i = 0; i < place.size(); ++i) predictions[place[i]] = std::move(found[i]);
    std::string out;
    for (std::size_t i = 0; i < lines.size(); ++i) out += (arguments.json ? as_json(lines[i], predictions[i], labels) : as_text(predictions[i], labels)) + "\n";
    return print(out);
  };
  LineReader reader;
  constexpr std::size_t at_once = 32;
  for (std::vector<std::string> lines; output_is_whole() && !(lines = reader.read()).empty();)
    for (std::size_t first = 0; first < lines.size() && output_is_whole(); first += at_once)
      answer(std::span(lines).subspan(first, std::min(at_once, lines.size() - first)));
  tell_cuts(oracle.cut, oracle.left_out, oracle.asked, oracle.limit(), "lines");
  return success;
}

}  // namespace cli
