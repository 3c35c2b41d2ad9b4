// tfm complete: continues a text.
#include <nlohmann/json.hpp>

#include "support/interrupt.hpp"
#include "model.hpp"
#include "support/progress_bar.hpp"
#include "support/terminal.hpp"
#include "support/wardrobe.hpp"
#include "tfm/generate/generate.hpp"
#include "tfm/text/encoding.hpp"

namespace cli {

namespace {

using tfm::Token;

/// The prompt's ids, with the BOS that the tokenizer asks for; an empty prompt is BOS alone.
std::vector<Token> prompt_ids(const tfm::AnyTokenizer& tokenizer, const std::string& prompt, bool plain) {
  std::vector<Token> ids;
  if ((tokenizer.add_bos() || prompt.empty()) && tokenizer.bos()) ids.push_back(*tokenizer.bos());
  const auto text = plain ? tokenizer.encode(tfm::UserText{prompt}) : tokenizer.encode(tfm::TemplateText{prompt});
  ids.insert(ids.end(), text.begin(), text.end());
  if (ids.empty())
    tfm::raise(tfm::TokenizerError("tfm: the prompt is empty, and the tokenizer has no BOS to begin with"));
  return ids;
}

std::string prompt_of(const CompleteArguments& arguments) {
  if (arguments.prompt) return *arguments.prompt;
  if (is_terminal(standard_input)) throw UsageError("there is no prompt: give --prompt, or a text on standard input");
  return std::string(tfm::narrow_text(read_all_input(), "standard input"));
}

}  // namespace

int run(const CompleteArguments& arguments) {
  const std::string prompt = prompt_of(arguments);
  const Loaded loaded = open_model(arguments.model);
  if (!arguments.model.packed.empty()) tell_notes(loaded);
  if (!loaded.tokenizer)
    tfm::raise(
        tfm::TokenizerError("tfm: " + arguments.model.model.string() + " has no tokenizer: no text can be continued"));
  const std::vector<Token> ids = prompt_ids(loaded.tokenizer, prompt, arguments.plain);
  tfm::BaseIdentity base = base_of(arguments.adapters, arguments.model.model);
  base.prompt.clear();  // the user's own
  Wardrobe wardrobe(arguments.adapters, loaded.model, base, arguments.any_base);
  tfm::Session session(loaded.model, session_options(arguments.model, loaded.model));
  session.wear(wardrobe.all());
  tfm::Sampler sampler(sampler_options(arguments.answer));
  const tfm::StopRules rules(loaded.stop_tokens, arguments.answer.stop);

  ProgressBar bar;
  session.evaluate(ids, bar.callback());
  bar.clear();
  const bool to_terminal = is_terminal(standard_output);
  const auto show = [&](std::string_view piece) {
    return arguments.json || print(to_terminal ? printable(piece) : std::string(piece));
  };
  const auto start = prompt.empty() ? tfm::TextStart::beginning : tfm::TextStart::middle;
  const tfm::Generated answer =
      generate(session, loaded.tokenizer, sampler, rules, arguments.answer.max_tokens, show, start);
  if (arguments.json) {
    print(nlohmann::ordered_json{{"prompt_ids", ids}, {"ids", answer.ids}, {"text", answer.text}}.dump() + "\n");
  } else {
    print("\n");
  }
  if (answer.reason == tfm::StopReason::context_full)
    tell("tfm: note: the text ends because the context of " + std::to_string(session.capacity()) + " tokens is full\n");
  return answer.reason == tfm::StopReason::stopped ? interrupted : success;
}

}  // namespace cli
