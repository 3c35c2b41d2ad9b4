// tfm chat: a conversation in the terminal, or one question and its answer.
#include "tfm/generate/chat.hpp"

#include <algorithm>
#include <ctime>

#include "conversation.hpp"
#include "messages_file.hpp"
#include "model.hpp"
#include "support/interrupt.hpp"
#include "support/progress_bar.hpp"
#include "support/terminal.hpp"
#include "support/text_file.hpp"
#include "support/loaded_adapters.hpp"

namespace cli {

namespace {

/// Where the library tells how far the prompt is read.
void show_progress(tfm::ChatOptions& options, ProgressBar& bar) {
  options.progress = [&bar](const tfm::Progress& progress) { bar.update(progress); };
}

/// Where the context has its size from, if that is neither the model nor the user.
std::string context_origin(const ModelArguments& arguments, tfm::Index models) {
  return arguments.context == 0 && models > ModelArguments::default_context ? " of the model's " + std::to_string(models) + " (--context asks for more)" : "";
}

void tell_setup(const ChatArguments& arguments, const Loaded& loaded, const Chat& chat,
                const tfm::ChatOptions& options, const tfm::Adapter* adapter) {
  const tfm::SessionOptions& session = options.session;
  const tfm::Memory memory = loaded.model.memory({.context = session.context,
                                                  .chunk = session.chunk,
                                                  .threads = thread_count(arguments.model),
                                                  .rank = adapter == nullptr ? 0 : adapter->rank(),
                                                  .cache = session.cache});
  tell("tfm: seed " + std::to_string(options.sampler.seed) + ", template " + chat.chat_template().name() +
       ", context " + std::to_string(session.context) + context_origin(arguments.model, loaded.model.shape.context) + ", memory " +
       std::to_string(memory.total() / tfm::MiB) + " MiB, " + std::to_string(thread_count(arguments.model)) + " threads, " +
       std::string(name(session.isa)) + ", arithmetic " + std::string(name(session.arithmetic)) + "\n");
}

int answer_once(Chat& chat, ProgressBar& bar, std::vector<tfm::Message> said, const std::string& advice) {
  std::string thoughts;
  try {
    if (say(chat, bar, std::move(said), advice, thoughts)) return success;
  } catch (const tfm::ContextFull& full) { tfm::raise(tfm::ContextFull(full.what() + ("; " + advice))); }
  return was_interrupted() ? interrupted : failure;
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

/// The conversation so far; a last message of the user's is what is to be answered now, or the last ones of tools.
struct Beginning {
  std::vector<tfm::Message> messages{};
  std::optional<std::string> question{};
  std::vector<tfm::Message> results{};
};

Beginning beginning_of(const ChatArguments& arguments) {
  Beginning beginning;
  if (arguments.messages.empty()) return beginning;
  beginning.messages = read_messages(arguments.messages);
  auto& messages = beginning.messages;
  if (!messages.empty() && messages.back().role == tfm::Role::user) {
    beginning.question = std::move(messages.back().content);
    messages.pop_back();
  }
  while (!messages.empty() && messages.back().role == tfm::Role::tool) {
    beginning.results.insert(beginning.results.begin(), std::move(messages.back()));
    messages.pop_back();
  }
  if (arguments.system) {  // wins over the file's
    if (!messages.empty() && messages.front().role == tfm::Role::system) messages.erase(messages.begin());
  }
  return beginning;
}

/// The one question, where there is only one: --prompt, --file, the last of --messages, or else what is piped in.
std::optional<std::string> single_question(const ChatArguments& arguments, std::optional<std::string> asked, bool results) {
  std::optional<std::string> given = given_text(arguments.text);
  if (given && !arguments.text.prompt) given = without_last_break(*given);
  if (given && results) throw UsageError("the last of --messages is a tool's, which the model answers, and there is a text besides: expected one of them");
  if (given && asked) throw UsageError("the last of --messages is the user's, and there is a text besides: expected one of them");
  if (given || results) return given;
  if (is_terminal(standard_input)) return std::nullopt;
  if (asked) return asked;
  std::string piped = arguments.messages == "-" ? "" : without_last_break(read_text("-"));
  if (piped.empty()) throw UsageError("standard input is empty, expected a question; or give --prompt");
  return piped;
}

/// What templates that tell the date are given.
tfm::jinja::DateTime local_time() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  localtime_r(&now, &parts);
  return {parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, std::min(parts.tm_sec, 59)};
}

/// A name, or a file.
void set_template(tfm::ChatOptions& options, const std::string& chat_template) {
  if (const auto known = tfm::known_chat_formats(); std::any_of(known.begin(), known.end(), [&](const tfm::ChatFormat& format) { return format.name == chat_template; }))
    options.chat_template = chat_template;
  else if (!chat_template.empty())
    options.template_source = read_text(chat_template);
}

/// Of a template's file, errors name the file.
Chat open_chat(const Loaded& loaded, const tfm::ChatOptions& options, const std::string& chat_template) {
  try {
    return Chat(loaded, options);
  } catch (const tfm::TemplateError& error) {
    if (options.template_source.empty()) throw;
    tfm::raise(tfm::TemplateError("tfm: " + chat_template + ": " + std::string(error.what()).substr(5)));
  }
}

}  // namespace

int run(const ChatArguments& arguments) {
  Beginning beginning = beginning_of(arguments);
  const auto question = single_question(arguments, beginning.question, !beginning.results.empty());
  const Loaded loaded = open_model(arguments.model);

  ProgressBar bar;
  tfm::ChatOptions options;
  options.sampler = sampler_options(arguments.answer);
  if (arguments.answer.ignore_eos) options.sampler.forbidden = loaded.stop_tokens;
  options.stop_strings = arguments.answer.stop;
  options.system = arguments.system;
  options.messages = std::move(beginning.messages);
  set_template(options, arguments.chat_template);
  options.overflow = arguments.slide ? tfm::Overflow::slide : tfm::Overflow::error;
  options.session = session_options(arguments.model, loaded.model);
  options.max_tokens = max_tokens(arguments.answer, options.session.context);
  options.clock = seconds;
  options.inputs.now = local_time();
  show_progress(options, bar);
  LoadedAdapters adapters(arguments.adapters, loaded.model, identity_of(arguments, loaded), arguments.any_base);
  Chat chat = open_chat(loaded, options, arguments.chat_template);
  const tfm::Adapter* const adapter = adapters.all();
  chat.set_adapter(adapter);
  if (arguments.verbose) tell_setup(arguments, loaded, chat, options, adapter);

  std::string advice = more_context(options.session.context, loaded.model.shape.context);
  if (!arguments.slide) advice += "; --overflow slide forgets the oldest turns instead";
  if (question) return answer_once(chat, bar, {{tfm::Role::user, *question}}, advice);
  if (!beginning.results.empty()) {
    const int code = answer_once(chat, bar, std::move(beginning.results), advice);
    if (code != success || !is_terminal(standard_input)) return code;
  }
  Conversation conversation(chat, adapters, bar, "/reset begins a new conversation; " + advice);
  LineEditor editor(History(arguments.history ? history_file() : std::filesystem::path()));
  return conversation.run(model_name(arguments.model.model), std::move(editor), beginning.question);
}

}  // namespace cli
