// finetune evaluate on conversations: how likely a model finds what their assistants said.
#include "evaluate_talks.hpp"

#include <cmath>
#include <nlohmann/json.hpp>

#include "records.hpp"
#include "run_facts.hpp"
#include "support/json_output.hpp"
#include "support/notes.hpp"
#include "support/terminal.hpp"
#include "tfm/train/causal_task.hpp"
#include "tfm/train/data/preflight.hpp"
#include "tfm/train/decimals.hpp"

namespace cli {

int evaluate_talks(const EvaluateArguments& arguments, tfm::Conversations talks) {
  const std::string data = arguments.data.string();
  if (!arguments.labels.empty() || !arguments.picture.empty() || !arguments.prompt.empty())
    throw UsageError(std::string(!arguments.labels.empty()    ? "--labels"
                                 : !arguments.picture.empty() ? "--picture"
                                                              : "--template") +
                     " is for records of instruction, input and output, and " + data + " has conversations");
  RunPrompt prompt = prompt_of({}, arguments.adapter);
  if (!prompt.chat || !arguments.chat_template.empty()) prompt = chat_prompt(arguments.chat_template);
  const RunFacts facts = read_run_facts(arguments.adapter);
  const Base base = open_base(arguments.base, prompt);
  std::optional<tfm::Adapter> adapter;
  if (!arguments.adapter.empty()) adapter = open_adapter(arguments.adapter, base, arguments.any_base);
  const Index limit = std::min(base.loaded.model.shape.context,
                               arguments.cutoff ? *arguments.cutoff : facts.cutoff.value_or(PTRDIFF_MAX));
  const TalkSamples samples = talk_samples(talks, base, limit, arguments.data);
  for (const std::string& line : talks.lines()) tell_note(line);
  const Index cut = std::count(samples.cut.begin(), samples.cut.end(), true),
              left_out = talks.read - std::ssize(talks.records);
  if (cut > 0)
    tell_note(std::to_string(cut) + " of " + std::to_string(samples.cut.size()) + " conversations have more than " +
              std::to_string(limit) + " tokens: their end is cut off");
  Index tokens = 0;
  for (const tfm::CausalSample& sample : samples.samples) tokens += tfm::label_count(sample);
  if (tokens == 0)
    tfm::raise(tfm::LoadError("tfm: " + data + ": there is nothing to measure: none of the " + std::to_string(limit) +
                              " tokens that conversations are cut to is the assistant's"));

  tfm::Context context = context_of(arguments.base);
  const auto loss_of = [&](const tfm::Adapter* worn) {
    const std::vector<tfm::CausalSample> none;
    return tfm::CausalTask<tfm::AnyModel>(base.loaded.model, worn, none, samples.samples).evaluate(context).loss;
  };
  const double before = loss_of(nullptr), after = adapter ? loss_of(&*adapter) : before;
  if (arguments.json) {
    nlohmann::ordered_json all{{"loss", after},    {"perplexity", std::exp(after)},
                               {"tokens", tokens}, {"conversations", samples.samples.size()},
                               {"cut", cut},       {"left_out", left_out}};
    if (adapter) all["before"] = {{"loss", before}, {"perplexity", std::exp(before)}};
    print_json(std::move(all));
    return success;
  }
  const auto line = [](const std::string& what, double loss) {
    return what + tfm::fixed_text(loss, 4) + " nats per token, perplexity " + tfm::fixed_text(std::exp(loss), 3) + "\n";
  };
  print(std::to_string(samples.samples.size()) + " conversations, " + tfm::grouped_text(tokens) +
        " tokens of the assistant's\n" +
        (adapter ? line("before: ", before) + line("after:  ", after) : line("", after)));
  return success;
}

}  // namespace cli
