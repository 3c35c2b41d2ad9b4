#pragma once
// From what was typed to what is meant: the model that a path leads to, escapes, and options that do not go together.
#include <filesystem>
#include <string>
#include <vector>

#include "arguments.hpp"
#include "hints.hpp"
#include "support/escapes.hpp"
#include "support/model_path.hpp"

namespace cli {

/// The model, where its path leads; --model and MODEL are two names of it. Errors: UsageError, LoadError.
inline void settle_model(const CLI::App& command, std::filesystem::path& model, bool vocabulary = false) {
  const CLI::Option *const named = command.get_option("--model"), *const first = command.get_option("MODEL");
  if (named->count() > 0 && first->count() > 0)
    throw UsageError("the model is given twice, as --model " + named->results().back() + " and as " + first->results().back() + hint(command, first->results().back()));
  if (model.empty()) {
    const std::string here = models_in(".");
    throw UsageError("--model is missing: a GGUF file or a Hugging Face folder, as in tfm " + command.get_name() + " model.gguf" +
                     (here.empty() ? "" : "; in this folder there are: " + here));
  }
  model = model_at(model, vocabulary);
}

/// Errors: UsageError.
inline void settle_text(TextArguments& text) {
  if (text.prompt && !text.file.empty()) throw UsageError("--prompt and --file are given, expected one of them");
  if (text.prompt && text.escapes) text.prompt = unescaped(*text.prompt);
}
inline void settle_stops(std::vector<std::string>& stops, bool escapes) {
  for (std::string& stop : stops)
    if (escapes) stop = unescaped(stop);
}

inline void settle(const CLI::App& command, ChatArguments& chat) {
  settle_text(chat.text);
  settle_stops(chat.answer.stop, chat.text.escapes);
  if (chat.system && chat.text.escapes) chat.system = unescaped(*chat.system);
  if (chat.messages == "-" && chat.text.file == "-") throw UsageError("--messages and --file are both standard input, expected one of them");
  settle_model(command, chat.model.model);
}
inline void settle(const CLI::App& command, CompleteArguments& complete) {
  settle_text(complete.text);
  settle_stops(complete.answer.stop, complete.text.escapes);
  if (complete.prompt_ids && (complete.text.prompt || !complete.text.file.empty())) throw UsageError("--prompt-ids is given beside a text, expected one of them");
  settle_model(command, complete.model.model);
}
inline void settle(const CLI::App& command, TokenizeArguments& tokenize) {
  settle_text(tokenize.text);
  settle_model(command, tokenize.model, true);
}
inline void settle(const CLI::App& command, DetokenizeArguments& detokenize) {
  settle_text(detokenize.text);
  settle_model(command, detokenize.model, true);
}
inline void settle(const CLI::App& command, TemplateArguments& arguments) {
  const bool model = command.get_option("--model")->count() + command.get_option("MODEL")->count() > 0;
  if (model || arguments.source.empty()) settle_model(command, arguments.model, true);
  if (arguments.messages == "-" && arguments.tools == "-") throw UsageError("--messages and --tools are both standard input, expected one of them");
}
template <class A>
void settle(const CLI::App& command, A& arguments) {
  settle_model(command, arguments.model.model);
}

}  // namespace cli
