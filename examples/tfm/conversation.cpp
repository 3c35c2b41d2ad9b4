#include "conversation.hpp"

#include <cstdio>
#include <cstdlib>
#include <utility>
#include <vector>

#include "messages_file.hpp"
#include "several_lines.hpp"
#include "support/interrupt.hpp"
#include "support/terminal.hpp"
#include "tfm/text/tool_calls.hpp"

namespace cli {

namespace {

using Messages = std::vector<tfm::Message>;

constexpr const char* commands =
    "/regen        says your last message again, for another answer\n"
    "/undo         takes back your last message and its answer\n"
    "/reset        begins a new conversation\n"
    "/system TEXT  changes the system prompt; without TEXT tells it\n"
    "/save FILE    writes the conversation to a file, as JSON\n"
    "/load FILE    goes on with a conversation out of a file\n"
    "/adapter      tells the adapters; /adapter NAME takes one, NAME=0.5 OTHER=0.5\n"
    "              their sum, none the model alone; the conversation goes on\n"
    "/thoughts     shows what the model thought before its last answer\n"
    "/help         shows this\n"
    "/quit         leaves, as Ctrl-D does\n"
    "Ctrl-C stops an answer. A line that ends with a backslash goes on in the next;\n"
    "\"\"\" opens and closes a message of several lines. A line that begins with // is\n"
    "said with one slash.\n";

std::string figures(const tfm::ChatStatistics& last, const std::string& advice) {
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
    case tfm::StopReason::context_full: line += "; the context is full: " + advice; break;
    case tfm::StopReason::stopped: line += "; stopped"; break;
    default: break;
  }
  return line + "]\n";
}

/// "~/x" is in the home folder, as in a shell.
std::filesystem::path path_of(const std::string& typed) {
  const char* const home = std::getenv("HOME");
  return typed.starts_with("~/") && home != nullptr ? std::filesystem::path(home) / typed.substr(2) : std::filesystem::path(typed);
}

/// The beginning of a text, in one line.
std::string beginning(const std::string& text) {
  constexpr std::size_t most = 50;
  std::string line = printable(text.substr(0, text.find('\n')));
  if (line.size() > most) line = tfm::replace_invalid(line.substr(0, most));
  return line.size() < text.size() ? line + "…" : line;
}

/// What a reply asks tools for.
void tell_tools(const std::string& reply) {
  const tfm::ToolCalls found = tfm::tool_calls_in(reply);
  for (const tfm::ToolCall& call : found.calls) tell_dimly(printable("[asks for the tool " + call.name + " " + tfm::jinja::to_json(call.arguments) + "]") + "\n");
  if (!found.unknown.empty()) tell_dimly(printable("[asks for a tool in a form that is not known: " + found.unknown + "]") + "\n");
}

std::string count_of(std::size_t n) { return std::to_string(n) + (n == 1 ? " message" : " messages"); }

/// Where the last turn begins, the user's message; none if there is no turn.
std::optional<std::size_t> last_turn(std::span<const tfm::Message> messages) {
  for (std::size_t i = messages.size(); i-- > 0;)
    if (messages[i].role == tfm::Role::user) return i;
  return std::nullopt;
}

}  // namespace

bool say(Chat& chat, ProgressBar& bar, std::vector<tfm::Message> said, const std::string& advice, std::string& thoughts) {
  const bool to_terminal = is_terminal(standard_output);
  bar.begin();
  bool any = false;
  thoughts.clear();
  const auto fold = [&] {
    if (!thoughts.empty()) tell_dimly("[thought: " + beginning(thoughts) + "]\n");
  };
  const auto answer = [&](std::string_view piece) {
    if (!std::exchange(any, true)) bar.clear(), fold();
    return print(to_terminal ? printable(piece) : std::string(piece));
  };
  const auto thought = [&](std::string_view piece) {
    if (thoughts.empty()) bar.clear(), tell_dimly("[thinking]\n");
    thoughts += piece;
  };
  const std::string reply = chat.say(std::move(said), answer, thought);
  bar.clear();
  if (!any) fold();
  print("\n");
  tell_tools(reply);
  tell_dimly(figures(chat.last(), advice));
  return chat.last().reason != tfm::StopReason::stopped && output_is_whole();
}

Conversation::Conversation(Chat& chat, LoadedAdapters& adapters, ProgressBar& bar, std::string advice)
    : chat_(chat), adapters_(adapters), bar_(bar), advice_(std::move(advice)) {}

/// Ctrl-C and a full context end it, and nothing else. False where it did not begin: then nothing was said.
bool Conversation::answer(const std::string& text) {
  const TerminalMode mode(TerminalMode::answering);
  reset_interrupt();
  bool said = false;
  try {
    say(chat_, bar_, {{tfm::Role::user, text}}, advice_, thoughts_);
    said = true;
    tell("\n");
  } catch (const tfm::Stopped&) {
    bar_.clear();
    tell_dimly("[stopped before the answer began]\n");
  } catch (const tfm::ContextFull& error) {
    bar_.clear();
    tell(std::string(error.what()) + ".\n" + advice_ + ".\n");
  }
  reset_interrupt();
  return said;
}

void Conversation::regenerate() {
  const Messages before(chat_.messages().begin(), chat_.messages().end());
  const auto turn = last_turn(before);
  if (!turn) return tell("There is nothing to answer yet.\n");
  chat_.set_messages(Messages(before.begin(), before.begin() + static_cast<std::ptrdiff_t>(*turn)));
  if (!answer(before[*turn].content)) chat_.set_messages(before);
}

void Conversation::undo() {
  Messages messages(chat_.messages().begin(), chat_.messages().end());
  const auto turn = last_turn(messages);
  if (!turn) return tell("There is nothing to take back.\n");
  const std::string taken = messages[*turn].content;
  messages.erase(messages.begin() + static_cast<std::ptrdiff_t>(*turn), messages.end());
  chat_.set_messages(std::move(messages));
  tell_dimly("[taken back: " + beginning(taken) + "]\n");
}

void Conversation::save(const std::string& file) {
  if (file.empty()) return tell("/save FILE: the name of the file is missing.\n");
  write_messages(path_of(file), chat_.messages());
  tell_dimly("[" + count_of(chat_.messages().size()) + " in " + file + "]\n");
}

void Conversation::load(const std::string& file) {
  if (file.empty()) return tell("/load FILE: the name of the file is missing.\n");
  Messages messages = read_messages(path_of(file));
  std::optional<std::string> question;
  if (!messages.empty() && messages.back().role == tfm::Role::user) {
    question = std::move(messages.back().content);
    messages.pop_back();
  }
  chat_.set_messages(std::move(messages));
  const auto now = chat_.messages();
  system_.reset();
  if (!now.empty() && now.front().role == tfm::Role::system) system_ = now.front().content;
  tell_dimly("[" + count_of(now.size() + (question ? 1 : 0)) + " out of " + file + "]\n");
  if (question) {
    tell("> " + printable(*question) + "\n");
    answer(*question);
  }
}

void Conversation::set_system(const std::string& text) {
  Messages messages(chat_.messages().begin(), chat_.messages().end());
  const bool has = !messages.empty() && messages.front().role == tfm::Role::system;
  if (text.empty()) return tell(has ? printable(messages.front().content) + "\n" : "There is no system prompt.\n");
  if (has) messages.front().content = text;
  else messages.insert(messages.begin(), {tfm::Role::system, text});
  chat_.set_messages(std::move(messages));
  system_ = text;
  tell_dimly("[the conversation goes on with this system prompt]\n");
}

void Conversation::set_adapter(const std::string& names) {
  if (names.empty()) return tell(adapters_.list());
  try {
    chat_.set_adapter(adapters_.chosen(names));
    tell_dimly("[the conversation goes on with " + names + "]\n");
  } catch (const UsageError& error) {
    tell(std::string(error.what()) + "; there are:\n" + adapters_.list());
  }
}

void Conversation::reset() {
  chat_.reset();
  if (system_) chat_.set_messages({{tfm::Role::system, *system_}});
  tell_dimly("[a new conversation]\n");
}

/// False where the user leaves.
bool Conversation::obey(const std::string& line) {
  constexpr const char* white = " \t\n";
  const std::size_t space = line.find_first_of(white), text = line.find_first_not_of(white, space);
  const std::string command = line.substr(0, space);
  const std::string rest = text == line.npos ? "" : line.substr(text, line.find_last_not_of(white) + 1 - text);
  if (command == "/quit" || command == "/exit" || command == "/bye") return false;
  try {
    if (command == "/reset" || command == "/clear") reset();
    else if (command == "/regen") regenerate();
    else if (command == "/undo") undo();
    else if (command == "/save") save(rest);
    else if (command == "/load") load(rest);
    else if (command == "/system") set_system(rest);
    else if (command == "/adapter" || command == "/wear") set_adapter(rest);
    else if (command == "/thoughts") tell_dimly(thoughts_.empty() ? "There are none.\n" : printable(thoughts_) + "\n");
    else if (command == "/help" || command == "/?") tell(commands);
    else tell("There is no command " + printable(command) + ".\n" + commands);
  } catch (const tfm::Error& error) { tell(std::string(error.what()) + "\n"); }  // a file; the conversation is as it was
  return true;
}

int Conversation::run(const std::string& model, LineEditor editor, const std::optional<std::string>& first) {
  catch_interrupt(false);
  tell_dimly(model + ". /help lists the commands; Ctrl-C stops an answer, Ctrl-D leaves.\n");
  if (first) answer(*first);
  while (output_is_whole()) {
    const auto line = editor.read("> ");
    if (!line) return success;
    const std::string message = message_in(*line);
    if (message.find_first_not_of(" \t\n") == message.npos) continue;
    if (is_quoted(*line)) answer(message);
    else if (message.starts_with("//")) answer(message.substr(1));
    else if (!message.starts_with("/")) answer(message);
    else if (!obey(message)) return success;
  }
  return failure;
}

}  // namespace cli
