#include "base.hpp"

#include "receipt.hpp"
#include "support/interrupt.hpp"
#include "support/progress_bar.hpp"
#include "support/notes.hpp"
#include "tfm/checkpoint/load_model.hpp"
#include "tfm/formats/torch_zip.hpp"
#include "tfm/train/data/alpaca.hpp"

namespace cli {

Base open_base(const BaseArguments& arguments, const tfm::AlpacaPrompt& prompt) {
  ProgressBar bar;
  tfm::LoadOptions options;
  options.format = arguments.format;
  options.threads = arguments.threads;
  options.stop = interrupt_token();
  options.progress = bar.callback();
  options.read_bin = tfm::read_torch;
  Base base{tfm::load_model(arguments.model, options), tfm::base_identity(arguments.model, tfm::read_torch)};
  bar.clear();
  tell_notes(base.loaded.notes);
  if (!base.loaded.tokenizer)
    tfm::raise(tfm::TokenizerError("tfm: " + arguments.model.string() + " has no tokenizer: it can read no text"));
  base.identity.prompt = tfm::prompt_hash(prompt);
  return base;
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
  if (!file.empty()) run.prompt = tfm::read_alpaca_prompt(file);
  return run;
}

}  // namespace cli
