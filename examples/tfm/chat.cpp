// tfm chat: a conversation in the terminal, or one question and its answer.
#include "tfm/generate/chat.hpp"

#include <cstdio>

#include "support/interrupt.hpp"
#include "line_editor.hpp"
#include "model.hpp"
#include "support/progress_bar.hpp"
#include "support/terminal.hpp"
#include "support/wardrobe.hpp"
#include "tfm/text/encoding.hpp"

namespace cli {

namespace {

using Chat = tfm::Chat<tfm::AnyLlama>;

constexpr const char* commands =
    "/reset  begins a new conversation\n"
    "/wear   tells the adapters; /wear NAME puts one on, /wear NAME=0.5 OTHER=0.5\n"
    "        a mix, /wear none takes all off; the conversation goes on\n"
    "/help   shows this\n"
    "/quit   leaves, as Ctrl-D does\n"
    "Ctrl-C stops an answer. A line that begins with // is said with one slash.\n";

/// Where the library tells how far the prompt is read.
void show_progress(tfm::ChatOptions& options, ProgressBar& bar) {
  options.progress = [&bar](const tfm::Progress& progress) { bar.update(progress); };
}

std::string figures(const tfm::ChatStatistics& last) {
  const double after_first = last.total_seconds - last.first_token_seconds;
  const bool several = last.answer_tokens > 1 && after_first > 0;
  const double speed = several ? static_cast<double>(last.answer_tokens - 1) / after_first
                               : static_cast<double>(last.answer_tokens) / std::max(last.total_seconds, 1e-9);
  char text[160];
  std::snprintf(text, sizeof text, "[%ld tokens, %.1f tokens/s, first after %.2f s",
                static_cast<long>(last.answer_tokens), speed, last.first_token_seconds);
  std::string line = text;
  switch (last.reason) {
    case tfm::StopReason::max_tokens: line += "; ended by --max-tokens"; break;
    case tfm::StopReason::context_full:
      line += "; the context is full: /reset, a larger --context, or --overflow slide";
      break;
    case tfm::StopReason::stopped: line += "; stopped"; break;
    default: break;
  }
  return line + "]\n";
}

void tell_setup(const ChatArguments& arguments, const Loaded& loaded, const Chat& chat,
                const tfm::ChatOptions& options, const tfm::Adapter* worn) {
  const tfm::SessionOptions& session = options.session;
  const tfm::Memory memory = loaded.model.memory({.context = session.context,
                                                  .chunk = session.chunk,
                                                  .threads = thread_count(arguments.model),
                                                  .rank = worn == nullptr ? 0 : worn->rank(),
                                                  .cache = session.cache});
  tell("tfm: seed " + std::to_string(options.sampler.seed) + ", template " + chat.chat_template().name() +
       ", context " + std::to_string(session.context) + ", memory " + std::to_string(memory.total() / tfm::MiB) +
       " MiB, " + std::to_string(thread_count(arguments.model)) + " threads, " + std::string(name(session.isa)) +
       ", arithmetic " + std::string(name(session.arithmetic)) + "\n");
}

/// Says one thing and prints the answer. False if it was not finished: Ctrl-C, or nobody reads any more.
bool say(Chat& chat, ProgressBar& bar, const std::string& text) {
  const bool to_terminal = is_terminal(standard_output);
  bar.begin();
  bool any = false;
  chat.say(text, [&](std::string_view piece) {
    if (!std::exchange(any, true)) bar.clear();
    return print(to_terminal ? printable(piece) : std::string(piece));
  });
  bar.clear();
  print("\n");
  tell_dimly(figures(chat.last()));
  return chat.last().reason != tfm::StopReason::stopped && output_is_whole();
}

int answer_once(Chat& chat, ProgressBar& bar, const std::string& text) {
  if (say(chat, bar, text)) return success;
  return was_interrupted() ? interrupted : failure;
}

/// An answer in the terminal: Ctrl-C and a full context end it, and nothing else.
void answer(Chat& chat, ProgressBar& bar, const std::string& text) {
  const TerminalMode mode(TerminalMode::answering);
  reset_interrupt();
  try {
    say(chat, bar, text);
    tell("\n");
  } catch (const tfm::Stopped&) {
    bar.clear();
    tell_dimly("[stopped before the answer began]\n");
  } catch (const tfm::ContextFull& error) {
    bar.clear();
    tell(std::string(error.what()) +
         "\n/reset begins a new conversation; --overflow slide forgets the oldest turns instead.\n");
  }
  reset_interrupt();
}

/// "/wear …": the adapters are told, or changed.
void change(Chat& chat, Wardrobe& wardrobe, std::string_view names) {
  if (names.find_first_not_of(' ') == names.npos) return tell(wardrobe.list());
  try {
    chat.wear(wardrobe.chosen(names));
    tell_dimly("[the conversation goes on with" + std::string(names) + "]\n");
  } catch (const UsageError& error) {
    tell(std::string(error.what()) + "; there are:\n" + wardrobe.list());
  }
}

int converse(Chat& chat, Wardrobe& wardrobe, ProgressBar& bar, const std::string& name) {
  catch_interrupt(false);
  LineEditor editor;
  tell_dimly(name + ". /help lists the commands; Ctrl-C stops an answer, Ctrl-D leaves.\n");
  while (const auto line = editor.read("> ")) {
    if (line->find_first_not_of(" \t\n") == line->npos) continue;
    if (line->starts_with("//")) {
      answer(chat, bar, line->substr(1));
    } else if (!line->starts_with("/")) {
      answer(chat, bar, *line);
    } else {
      const std::string command = line->substr(0, line->find_last_not_of(" \t\n") + 1);
      if (command == "/quit" || command == "/exit") return success;
      if (command == "/reset") chat.reset(), tell_dimly("[a new conversation]\n");
      else if (command == "/help") tell(commands);
      else if (command == "/wear" || command.starts_with("/wear ")) change(chat, wardrobe, std::string_view(command).substr(5));
      else tell("There is no command " + command + ".\n" + commands);
    }
    if (!output_is_whole()) return failure;
  }
  return success;
}

/// The last part of a path; of "folder/" too.
std::string model_name(const std::filesystem::path& path) {
  return (path.has_filename() ? path.filename() : path.parent_path().filename()).string();
}

/// By what adapters know the model, and the prompt that they get here: finetune's own is Alpaca's, and others are of a model's template.
tfm::BaseIdentity identity_of(const ChatArguments& arguments, const Loaded& loaded) {
  tfm::BaseIdentity base = base_of(arguments.adapters, arguments.model.model);
  const std::string own = loaded.chat_template ? loaded.chat_template->name() : "", used = arguments.chat_template.empty() ? own : arguments.chat_template;
  if (used == "alpaca") base.prompt = tfm::prompt_hash(tfm::AlpacaPrompt());
  else if (used != own) base.prompt = tfm::prompt_hash(used);
  return base;
}

/// The one question, where there is only one: --prompt, or else what is piped in.
std::optional<std::string> single_question(const ChatArguments& arguments) {
  if (arguments.prompt) return arguments.prompt;
  if (is_terminal(standard_input)) return std::nullopt;
  std::string piped(tfm::narrow_text(read_all_input(), "standard input"));
  if (piped.ends_with('\n')) piped.pop_back();
  if (piped.ends_with('\r')) piped.pop_back();
  if (piped.empty()) throw UsageError("standard input is empty, expected a question; or give --prompt");
  return piped;
}

}  // namespace

int run(const ChatArguments& arguments) {
  const auto question = single_question(arguments);
  const Loaded loaded = open_model(arguments.model);
  tell_notes(loaded);

  ProgressBar bar;
  tfm::ChatOptions options;
  options.sampler = sampler_options(arguments.answer);
  options.max_tokens = arguments.answer.max_tokens;
  options.stop_strings = arguments.answer.stop;
  options.system = arguments.system;
  options.chat_template = arguments.chat_template;
  options.overflow = arguments.slide ? tfm::Overflow::slide : tfm::Overflow::error;
  options.session = session_options(arguments.model, loaded.model);
  options.clock = seconds;
  show_progress(options, bar);
  Wardrobe wardrobe(arguments.adapters, loaded.model, identity_of(arguments, loaded), arguments.any_base);
  Chat chat(loaded, options);
  const tfm::Adapter* const worn = wardrobe.all();
  chat.wear(worn);
  if (arguments.verbose) tell_setup(arguments, loaded, chat, options, worn);
  return question ? answer_once(chat, bar, *question) : converse(chat, wardrobe, bar, model_name(arguments.model.model));
}

}  // namespace cli
