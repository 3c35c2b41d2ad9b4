#include "model.hpp"

#include <random>

#include "support/interrupt.hpp"
#include "support/notes.hpp"
#include "support/progress_bar.hpp"
#include "support/text_file.hpp"
#include "tfm/checkpoint/load_model.hpp"
#include "tfm/formats/torch_zip.hpp"

namespace cli {

using tfm::Index;

Loaded load_model(const ModelArguments& arguments) {
  ProgressBar bar;
  tfm::LoadOptions options;
  options.threads = arguments.threads;
  options.stop = interrupt_token();
  options.progress = bar.callback();
  options.read_bin = tfm::read_torch;
  options.packed = arguments.packed;
  return tfm::load_model(arguments.model, options);
}

Loaded open_model(const ModelArguments& arguments) {
  Loaded loaded = load_model(arguments);
  tell_notes(loaded.notes);
  return loaded;
}

Index context_of(const ModelArguments& arguments, Index models) {
  return arguments.context != 0 ? arguments.context : std::min(models, ModelArguments::default_context);
}

std::string more_context(Index context, Index models) {
  return context < models ? "--context makes room for up to " + std::to_string(models) + " tokens, which the model was made for"
                          : "the model was made for no more, and --context asks for more all the same";
}

tfm::Format cache_format(const ModelArguments& arguments) {
  return arguments.cache.value_or(arguments.arithmetic == tfm::Arithmetic::exact ? tfm::Format::f32 : tfm::Format::f16);
}

int thread_count(const ModelArguments& arguments) {
  return arguments.threads > 0 ? arguments.threads : tfm::Threads::hardware();
}

tfm::SessionOptions session_options(const ModelArguments& arguments, const tfm::AnyModel& model) {
  const Index context = context_of(arguments, model.shape.context);
  if (context > model.shape.context)
    tell_note("the model was made for a context of " + std::to_string(model.shape.context) + " tokens, not " + std::to_string(context));
  tfm::SessionOptions options;
  options.context = context;
  options.chunk = arguments.chunk;
  options.threads = arguments.threads;
  options.arithmetic = arguments.arithmetic;
  options.cache = cache_format(arguments);
  options.isa = arguments.isa;
  options.stop = interrupt_token();
  return options;
}

tfm::SamplerOptions sampler_options(const AnswerArguments& arguments) {
  tfm::SamplerOptions options = arguments.sampler;
  if (arguments.seed) {
    options.seed = *arguments.seed;
  } else if (options.temperature > 0) {
    std::random_device device;
    options.seed = device();  // 32 bits: short enough to be typed again
  }
  return options;
}

Index max_tokens(const AnswerArguments& arguments, Index context) {
  return arguments.max_tokens == AnswerArguments::until_full ? context : arguments.max_tokens;
}

std::optional<std::string> given_text(const TextArguments& text) {
  if (text.prompt) return text.prompt;
  return text.file.empty() ? std::nullopt : std::optional(read_text(text.file));
}

}  // namespace cli
