#pragma once
// The options of tfm template but the model, and its help.
#include <string>
#include <vector>

#include "model_options.hpp"

namespace cli {

inline constexpr const char* template_footer =
    R"(Renders a conversation by the model's chat template, or by --template's, as transformers does, and prints the
text and nothing else, without a line break at its end. --messages is JSON: [{"role": "user", "content": "..."},
...], or {"messages": [...], "tools": [...]}; parts, tool calls and whatever else the template reads may be in
it. What the template itself raises is an error: exit code 1, with its message. --bos and --eos are the model's
own unless they are given; without a model there are none. strftime_now is not defined without --now.

Examples:
  tfm template model.gguf --messages talk.json
  tfm template model.gguf --messages talk.json --tools tools.json --set enable_thinking=False
  tfm template --template chat_template.jinja --messages - --bos '<s>' --no-generation-prompt < talk.json)";

inline void add_template_options(CLI::App& app, TemplateArguments& arguments) {
  app.footer(template_footer);
  add_optional_path(app, "--template", arguments.source, "F", "A template as Jinja source, in place of the model's");
  add_optional_path(app, "--messages", arguments.messages, "J", "The conversation; - is standard input")->required();
  add_optional_path(app, "--tools", arguments.tools, "J", "A JSON list of the tools' schemas");
  add_text(app, "--bos", arguments.bos, "How BOS is spelt");
  add_text(app, "--eos", arguments.eos, "How EOS is spelt");
  add_text(app, "--now", arguments.now, "The time that strftime_now writes, as 2024-09-05T14:03:09");
  const auto set = [&arguments](const CLI::results_t& words) {
    for (const std::string& word : words)
      arguments.variables.emplace_back(word.substr(0, word.find('=')), word.substr(word.find('=') + 1));
    return true;
  };
  app.add_option("--set", set, "A variable of the template: True, False, None, JSON or text; may be given again")
      ->type_name("K=V")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->check([](const std::string& word) {
        const std::size_t equal = word.find('=');
        return equal == word.npos || equal == 0 ? "found '" + word + "', expected NAME=VALUE" : std::string();
      });
  app.add_flag_callback(
      "--no-generation-prompt", [&arguments] { arguments.generation_prompt = false; }, "Do not open a reply");
  app.add_flag("--continue", arguments.go_on,
               "End with the last message's text, for a model to go on; no reply is opened");
}

}  // namespace cli
