// finetune chat: lines become prompts as training's records did, and are answered by the adapters that are chosen.
#include <iostream>

#include "base.hpp"
#include "one_line.hpp"
#include "support/interrupt.hpp"
#include "support/terminal.hpp"
#include "support/loaded_adapters.hpp"
#include "tfm/generate/generate.hpp"
#include "tfm/text/encoding.hpp"
#include "tfm/text/white_space.hpp"

namespace cli {

namespace {

constexpr const char* commands =
    "/adapter           tells the adapters; /adapter NAME changes to one, NAME=0.5 NAME=0.5 to a weighted sum, none to the base alone\n"
    "/instruction TEXT  what is to be done with the lines that follow; without TEXT a line is an instruction itself\n"
    "/help              shows this\n"
    "/quit              leaves, as Ctrl-D does\n"
    "Ctrl-C stops an answer. Each line is answered by itself, not as part of a conversation.\n";

struct Conversation {
  const Base& base;
  RunPrompt prompt;
  LoadedAdapters adapters;
  tfm::Session<tfm::AnyModel> session;
  Index max_tokens;
  bool line_by_line;  ///< no terminal asks: a line of output for each of input

  void answer(const std::string& line) {
    const tfm::AlpacaRecord record = prompt.record(line);
    tfm::Sampler sampler({.temperature = 0});
    const tfm::StopRules stop = base.stops();
    const auto say = [&](const auto& take) {
      session.truncate(0);
      session.evaluate(base.prompt_ids(record));
      generate(session, base.loaded.tokenizer, sampler, stop, max_tokens, take);
    };
    if (line_by_line) {
      std::string said;
      try {
        say([&](std::string_view piece) { said += piece; });
      } catch (const tfm::ContextFull& error) {
        tell(std::string(error.what()) + "\n");
      }
      print(in_one_line(tfm::trimmed(said)) + "\n");
      return;
    }
    const bool to_terminal = is_terminal(standard_output);
    say([&](std::string_view piece) { return print(to_terminal ? printable(piece) : std::string(piece)); });
    print("\n");
  }
  void set_adapter(const std::string& names) {
    if (names.empty()) return tell(adapters.list());
    session.set_adapter(adapters.chosen(names));
  }
  /// Whether a line is for the program and not for the model. Without a terminal only a command's own word is one: texts begin with / too.
  bool is_command(const std::string& line) const {
    if (!line.starts_with('/')) return false;
    const std::string word = line.substr(0, line.find(' '));
    for (const char* const known : {"/adapter", "/adapter", "/wear", "/instruction", "/help", "/quit", "/exit"})
      if (word == known) return true;
    if (line_by_line) tell("There is no command " + word + ": the line is answered.\n");
    return !line_by_line;
  }
  /// False where the program is to end.
  bool obey(const std::string& line) {
    const std::size_t space = line.find(' ');
    const std::string command = line.substr(0, space), rest = space == line.npos ? "" : line.substr(line.find_first_not_of(' ', space));
    if (command == "/quit" || command == "/exit") return false;
    if (command == "/adapter" || command == "/wear") set_adapter(rest);
    else if (command == "/instruction") prompt.instruction = rest;
    else if (command == "/help") tell(commands);
    else tell("There is no command " + command + ".\n" + commands);
    return true;
  }
};

}  // namespace

int run(const ChatArguments& arguments) {
  RunPrompt prompt = prompt_of(arguments.prompt, arguments.adapters.empty() ? std::filesystem::path() : arguments.adapters.front().folder);
  if (arguments.instruction) prompt.instruction = *arguments.instruction;
  const Base base = open_base(arguments.base, prompt);
  tfm::SessionOptions options;
  options.context = std::min<Index>(base.loaded.model.shape.context, 4096);
  options.threads = arguments.base.threads;
  options.arithmetic = arguments.base.arithmetic;
  options.stop = interrupt_token();
  Conversation conversation{base, std::move(prompt), LoadedAdapters(arguments.adapters, base.loaded.model, base.identity, arguments.any_base),
                            tfm::Session(base.loaded.model, options), arguments.max_tokens, !is_terminal(standard_input)};
  conversation.session.set_adapter(conversation.adapters.all());
  if (!conversation.prompt.instruction.empty()) tell_dimly("Instruction: " + conversation.prompt.instruction + "\n");

  const bool asks = is_terminal(standard_input);
  if (asks) catch_interrupt(false), tell_dimly("/help lists the commands.\n");
  std::string line;
  for (bool first = true; output_is_whole() && (!asks || (tell("> "), true)) && std::getline(std::cin, line); first = false) {
    if (first) line.erase(0, line.size() - tfm::without_byte_order_mark(line).size());
    if (line.ends_with('\r')) line.pop_back();
    line.resize(line.find_last_not_of(' ') + 1);
    if (tfm::trimmed(line).empty()) line.clear();
    const bool command = conversation.is_command(line);
    if (!asks && (line.empty() || command)) print("\n");
    if (line.empty()) continue;
    try {
      if (!command) conversation.answer(line);
      else if (!conversation.obey(line)) break;
    } catch (const UsageError& error) {
      tell(std::string(error.what()) + "\n");
    } catch (const tfm::ContextFull& error) {
      tell(std::string(error.what()) + "\n");
    } catch (const tfm::Stopped&) {
      if (!asks) throw;
    }
    if (was_interrupted() && !asks) return interrupted;
    if (was_interrupted()) print("\n");
    reset_interrupt();
  }
  return success;
}

}  // namespace cli
