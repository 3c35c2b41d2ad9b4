// A small LLaMA from nothing: a text and a tokenizer in, a Hugging Face folder out, which tfm complete and transformers open.
//   from_scratch TEXT TOKENIZER OUT [STEPS]
// TOKENIZER is a GGUF file or a Hugging Face folder, of which the tokenizer is taken alone.
#include <chrono>
#include <cstdlib>
#include <iostream>

#include <tfm/checkpoint/load_tokenizer.hpp>
#include <tfm/checkpoint/save_llama.hpp>
#include <tfm/formats/byte_views.hpp>
#include <tfm/formats/mapped_file.hpp>
#include <tfm/models/llama_weights.hpp>
#include <tfm/text/encoding.hpp>
#include <tfm/train/causal_task.hpp>
#include <tfm/train/data/windows.hpp>
#include <tfm/train/initialise.hpp>
#include <tfm/train/progress_bar.hpp>
#include <tfm/train/trainer.hpp>

int main(int count, char** words) try {
  if (count < 4 || count > 5) {
    std::cerr << "from_scratch TEXT TOKENIZER OUT [STEPS]\n";
    return 2;
  }
  for (const char* const name : {"config.json", "model.safetensors"})
    if (std::filesystem::exists(std::filesystem::path(words[3]) / name)) {
      std::cerr << "there is a model in " << words[3] << " already (" << name << "): choose another folder\n";
      return 2;
    }
  const tfm::AnyTokenizer tokenizer = tfm::load_tokenizer(words[2]);
  const auto file = tfm::MappedFile::open(words[1]);
  const std::vector<tfm::Token> ids = tokenizer.encode(tfm::UserText{std::string(tfm::narrow_text(tfm::text_of(file->bytes()), file->name()))});
  const auto training = std::span(ids).first(ids.size() / 10 * 9);  // the last tenth is kept to measure with
  const auto samples = tfm::windows(training, 64), validation = tfm::windows(std::span(ids).subspan(training.size()), 64);

  auto model = tfm::blank_llama(tfm::DynamicLlamaShape{.vocab = tokenizer.size(), .dim = 128, .layers = 4, .heads = 4, .kv_heads = 4, .ffn = 352, .context = 512});
  const tfm::Parameters parameters(model);
  tfm::initialise(parameters, tfm::Normal{0.02f}, 1);
  std::cerr << ids.size() << " tokens, " << parameters.floats() << " weights\n";

  tfm::Context context;
  tfm::CausalTask task(model, nullptr, samples, validation, {.recompute = tfm::Recompute::nothing});
  const tfm::Index steps = count > 4 ? std::max(1, std::atoi(words[4])) : 1000;
  tfm::Trainer trainer(context, task, parameters, tfm::AdamW{.decay = 0.1f},
                       {.steps = steps, .batch = 16, .rate = tfm::cosine_schedule(2e-3f, steps / 20, steps), .clip = 1, .evaluate_every = std::max<tfm::Index>(1, steps / 4)});
  const auto seconds = [] { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); };
  tfm::ProgressBar bar(std::cerr, seconds);
  trainer.watch(bar.watch());
  trainer.fit();
  tfm::save_llama(context, model, words[3], {.tokenizer_of = words[2]});
  std::cerr << "saved: tfm complete --model " << words[3] << " --prompt 'ROMEO:'\n";
} catch (const tfm::Error& error) {
  std::cerr << error.what() << '\n';
  return 1;
}
