#include "base.hpp"

#include <algorithm>

#include "receipt.hpp"
#include "support/interrupt.hpp"
#include "support/progress_bar.hpp"
#include "support/template_names.hpp"
#include "support/notes.hpp"
#include "tfm/checkpoint/load_model.hpp"
#include "tfm/formats/torch_zip.hpp"
#include "tfm/formats/mapped_file.hpp"
#include "tfm/text/white_space.hpp"
#include "tfm/train/data/alpaca.hpp"
#include "tfm/train/data/alpaca_samples.hpp"

namespace cli {

Base open_base(const BaseArguments& arguments, const RunPrompt& prompt) {
  ProgressBar bar;
  tfm::LoadOptions options;
  options.format = arguments.format;
  options.threads = arguments.threads;
  options.stop = interrupt_token();
  options.progress = bar.callback();
  options.read_bin = tfm::read_torch;
  Base base{tfm::load_model(arguments.model, options), tfm::base_identity(arguments.model, tfm::read_torch), prompt};
  bar.clear();
  const auto& of_template = base.loaded.template_notes;
  for (const std::string& note : base.loaded.notes)
    if (prompt.chat || std::find(of_template.begin(), of_template.end(), note) == of_template.end()) tell_note(note);
  if (!base.loaded.tokenizer)
    tfm::raise(tfm::TokenizerError("tfm: " + arguments.model.string() + " has no tokenizer: it can read no text"));
  if (!prompt.chat) {
    base.identity.prompt = tfm::prompt_hash(prompt.prompt);
    return base;
  }
  const bool named = is_template_name(prompt.chat_template);
  base.chat_template = tfm::chosen_template(base.loaded.tokenizer, base.loaded.chat_template, named ? prompt.chat_template : "", named ? "" : prompt.chat_template);
  if (!prompt.chat_template.empty()) base.identity.prompt = tfm::prompt_hash(prompt.chat_template);
  return base;
}

std::vector<tfm::Token> Base::prompt_ids(const tfm::AlpacaRecord& record) const {
  if (!chat_template) return tfm::alpaca_prompt_ids(loaded.tokenizer, prompt.prompt, record);
  std::vector<tfm::Message> messages{{tfm::Role::user, record.input.empty() ? record.instruction : record.input}};
  if (!record.input.empty()) messages.insert(messages.begin(), {tfm::Role::system, record.instruction});
  std::vector<tfm::Token> ids;
  if (const auto bos = loaded.tokenizer.bos(); bos && loaded.tokenizer.add_bos() && !chat_template->writes_bos()) ids.push_back(*bos);
  const std::vector<tfm::Token> rest = loaded.tokenizer.encode(chat_template->prompt(messages).segments());
  ids.insert(ids.end(), rest.begin(), rest.end());
  return ids;
}

tfm::StopRules Base::stops() const {
  return chat_template ? tfm::reply_stops(loaded.tokenizer, *chat_template, loaded.stop_tokens) : tfm::StopRules(loaded.stop_tokens, {});
}

tfm::Context context_of(const BaseArguments& arguments) {
  tfm::Context context(arguments.threads > 0 ? arguments.threads : tfm::Threads::hardware());
  context.arithmetic = arguments.arithmetic;
  context.stop = interrupt_token();
  return context;
}

tfm::peft::LoadedAdapter load_adapter(const std::filesystem::path& folder, const Base& base, bool any_base) {
  tfm::peft::LoadedAdapter loaded = tfm::peft::load(folder, base.loaded.model, {.base = base.identity, .any_base = any_base, .read_bin = tfm::read_torch});
  for (std::string& note : loaded.notes) note.insert(0, folder.string() + ": ");
  tell_notes(loaded.notes);
  return loaded;
}

tfm::Adapter open_adapter(const std::filesystem::path& folder, const Base& base, bool any_base) {
  return std::move(load_adapter(folder, base, any_base).adapter);
}

RunPrompt prompt_of(const std::filesystem::path& file, const std::filesystem::path& adapter) {
  RunPrompt run;
  if (!adapter.empty()) run = read_run_prompt(adapter).value_or(run);
  if (!file.empty()) run.prompt = tfm::read_alpaca_prompt(file), run.chat = false;
  return run;
}

RunPrompt chat_prompt(const std::string& chat_template) {
  RunPrompt run{.chat = true, .chat_template = chat_template};
  if (chat_template.empty() || is_template_name(chat_template)) return run;
  const auto file = tfm::MappedFile::open(chat_template);
  run.chat_template = tfm::utf8_text(tfm::text_of(file->bytes()), file->name());
  if (tfm::trimmed(run.chat_template).empty()) tfm::raise(tfm::LoadError("tfm: " + chat_template + ": found an empty file, expected a chat template in Jinja"));
  return run;
}

}  // namespace cli
