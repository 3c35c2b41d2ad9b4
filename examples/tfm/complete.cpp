// tfm complete: continues a text.
#include "model.hpp"
#include "support/json_output.hpp"
#include "support/progress_bar.hpp"
#include "support/text_file.hpp"
#include "support/loaded_adapters.hpp"
#include "tfm/generate/generate.hpp"

namespace cli {

namespace {

using tfm::Token;

/// The ids that were given, or else the prompt's with the BOS that the tokenizer asks for; an empty prompt is BOS alone.
std::vector<Token> prompt_ids(const CompleteArguments& arguments, const tfm::AnyTokenizer& tokenizer, const std::string& prompt, tfm::Index vocabulary) {
  std::vector<Token> ids;
  if (arguments.prompt_ids) {
    for (const Token id : *arguments.prompt_ids)
      if (id < 0 || id >= vocabulary) throw UsageError("--prompt-ids: found " + std::to_string(id) + ", expected ids from 0 to " + std::to_string(vocabulary - 1));
    return *arguments.prompt_ids;
  }
  if ((tokenizer.add_bos() || prompt.empty()) && tokenizer.bos()) ids.push_back(*tokenizer.bos());
  const auto text = arguments.plain ? tokenizer.encode(tfm::UserText{prompt}) : tokenizer.encode(tfm::TemplateText{prompt});
  ids.insert(ids.end(), text.begin(), text.end());
  if (ids.empty())
    tfm::raise(tfm::TokenizerError("tfm: the prompt is empty, and the tokenizer has no BOS to begin with"));
  return ids;
}

std::string prompt_of(const CompleteArguments& arguments) {
  if (arguments.prompt_ids) return "";
  if (auto given = given_text(arguments.text)) return *given;
  if (is_terminal(standard_input)) throw UsageError("there is no prompt: give --prompt, --file, or a text on standard input");
  return read_text("-");
}

}  // namespace

int run(const CompleteArguments& arguments) {
  const std::string prompt = prompt_of(arguments);
  const Loaded loaded = open_model(arguments.model);
  if (!loaded.tokenizer)
    tfm::raise(
        tfm::TokenizerError("tfm: " + arguments.model.model.string() + " has no tokenizer: no text can be continued"));
  const std::vector<Token> ids = prompt_ids(arguments, loaded.tokenizer, prompt, loaded.model.shape.vocab);
  tfm::BaseIdentity base = base_of(arguments.adapters, arguments.model.model);
  base.prompt.clear();  // the user's own
  LoadedAdapters adapters(arguments.adapters, loaded.model, base, arguments.any_base);
  tfm::Session session(loaded.model, session_options(arguments.model, loaded.model));
  session.set_adapter(adapters.all());
  tfm::SamplerOptions options = sampler_options(arguments.answer);
  if (arguments.answer.ignore_eos) options.forbidden = loaded.stop_tokens;
  tfm::Sampler sampler(options);
  const tfm::StopRules rules(loaded.stop_tokens, arguments.answer.stop);
  const std::string more = more_context(session.capacity(), loaded.model.shape.context);

  ProgressBar bar;
  try {
    session.evaluate(ids, bar.callback());
  } catch (const tfm::ContextFull& full) { tfm::raise(tfm::ContextFull(full.what() + ("; " + more))); }
  bar.clear();
  const bool to_terminal = is_terminal(standard_output);
  const auto show = [&](std::string_view piece) {
    return arguments.json || print(to_terminal ? printable(piece) : std::string(piece));
  };
  const auto start = prompt.empty() && !arguments.prompt_ids ? tfm::TextStart::beginning : tfm::TextStart::middle;
  const tfm::Generated answer =
      generate(session, loaded.tokenizer, sampler, rules, max_tokens(arguments.answer, session.capacity()), show, start);
  if (!arguments.json) print("\n");
  if (answer.reason == tfm::StopReason::context_full && output_is_whole())
    tell_note("the text ends because the context of " + std::to_string(session.capacity()) + " tokens is full; " + more);
  if (arguments.json) print_json({{"prompt_ids", ids}, {"ids", answer.ids}, {"text", answer.text}});
  return answer.reason == tfm::StopReason::stopped ? interrupted : success;
}

}  // namespace cli
