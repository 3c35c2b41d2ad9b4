// finetune merge: adapters become part of their base, as a Hugging Face folder, and what that changed is told.
#include "tfm/models/merge.hpp"

#include <nlohmann/json.hpp>

#include "base.hpp"
#include "support/progress_bar.hpp"
#include "support/terminal.hpp"
#include "support/wardrobe.hpp"
#include "tfm/checkpoint/load_llama.hpp"
#include "tfm/checkpoint/save_llama.hpp"
#include "tfm/generate/compare.hpp"
#include "tfm/text/encoding.hpp"
#include "tfm/train/data/alpaca.hpp"

namespace cli {

namespace {

/// What both models are asked about: the file that was named, or records that the first adapter did not see, or its prompt.
std::string text_of(const MergeArguments& arguments, const RunPrompt& prompt) {
  constexpr std::size_t enough = 16;  // records
  if (!arguments.text.empty()) {
    const auto file = tfm::MappedFile::open(arguments.text);
    return std::string(tfm::narrow_text(tfm::text_of(file->bytes()), file->name()));
  }
  const std::filesystem::path held_out = arguments.adapters.front().folder / "validation.json";
  std::error_code ignored;
  if (!std::filesystem::exists(held_out, ignored)) return prompt.prompt({.instruction = prompt.instruction, .input = "", .output = ""});
  std::string text;
  const auto records = tfm::read_alpaca(held_out);
  for (std::size_t i = 0; i < std::min(records.size(), enough); ++i) text += prompt.prompt(records[i]) + records[i].output + "\n\n";
  return text;
}

tfm::LoadOptions loading(ProgressBar& bar, int threads, std::optional<tfm::Format> format) {
  tfm::LoadOptions options;
  options.format = format;
  options.threads = threads;
  options.progress = bar.callback();
  return options;
}

}  // namespace

int run(const MergeArguments& arguments) {
  const RunPrompt prompt = prompt_of({}, arguments.adapters.front().folder);
  const Base base = open_base(arguments.base, prompt.prompt);
  Wardrobe wardrobe(arguments.adapters, base.loaded.model, base.identity, arguments.any_base);
  const tfm::Adapter* const adapter = wardrobe.all();
  tfm::Context context = context_of(arguments.base);
  const std::vector<tfm::Token> ids = base.loaded.tokenizer.encode(tfm::UserText{text_of(arguments, prompt)});
  {
    ProgressBar bar;
    tfm::AnyLlama merged = tfm::clone(base.loaded.model);
    static_cast<void>(tfm::merge(context, merged, *adapter));
    tell_notes(tfm::save_llama(context, merged, arguments.out,
                               {.format = arguments.format, .tokenizer_of = arguments.base.model, .progress = bar.callback()}));
  }
  ProgressBar bar;
  const auto merged = tfm::load_llama(arguments.out, loading(bar, arguments.base.threads, arguments.base.format));
  bar.clear();
  const tfm::ModelDifference found =
      tfm::compare_models(context, tfm::ComparedModel{base.loaded.model, adapter}, tfm::ComparedModel{merged.model}, ids);
  if (arguments.json) {
    print(nlohmann::ordered_json{
              {"out", arguments.out.string()}, {"kl_divergence", found.kl}, {"top_1_agreement", found.agreement}, {"tokens", found.tokens}}
              .dump() +
          "\n");
    return success;
  }
  print("wrote " + arguments.out.string() + "; read back and beside the model that wears the adapter, over " + std::to_string(found.tokens) +
        " tokens: KL divergence " + tfm::number_text(found.kl) + " nats, the same likeliest token after " + tfm::number_text(100 * found.agreement) +
        " %\n");
  return success;
}

}  // namespace cli
