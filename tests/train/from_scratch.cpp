// A small LLaMA from nothing: it learns more of a text than how often each token comes, and is saved and loaded as it is.
#include <cmath>
#include <map>

#include "support/catch.hpp"
#include "support/data.hpp"
#include "support/temporary_folder.hpp"
#include "tfm/checkpoint/load_llama.hpp"
#include "tfm/checkpoint/save_llama.hpp"
#include "tfm/formats/byte_views.hpp"
#include "tfm/formats/mapped_file.hpp"
#include "tfm/models/llama_weights.hpp"
#include "tfm/train/causal_task.hpp"
#include "tfm/train/data/windows.hpp"
#include "tfm/train/initialise.hpp"
#include "tfm/train/trainer.hpp"

using namespace tfm;
using Trainable = Llama<DynamicLlamaShape, EveryLinear<F32>>;

namespace {

/// Nats a token of `ids` costs whoever knows only how often each comes in them.
double entropy(std::span<const Token> ids) {
  std::map<Token, double> counts;
  for (const Token id : ids) ++counts[id];
  double sum = 0;
  for (const auto& [id, n] : counts) sum -= n * std::log(n / static_cast<double>(ids.size()));
  return sum / static_cast<double>(ids.size());
}

}  // namespace

TEST_CASE("a small model from nothing learns tinyshakespeare and is saved as a folder") {
  const auto text = tfm_test::require(tfm_test::shared() / "data" / "text" / "tinyshakespeare.txt");
  const auto base = tfm_test::require(tfm_test::shared() / "data" / "stories260K" / "stories260K.F32.gguf");
  if (!text || !base) return;
  const AnyTokenizer tokenizer = load_tokenizer(*base);
  const auto file = MappedFile::open(*text);
  const auto ids = tokenizer.encode(UserText{std::string(text_of(file->bytes()).substr(0, 60'000))});
  const auto training = std::span(ids).first(ids.size() / 10 * 9), held_out = std::span(ids).subspan(training.size());
  const auto samples = windows(training, 32), validation = windows(held_out, 32);

  const auto train = [&](int threads) {
    Trainable model = blank_llama(DynamicLlamaShape{.vocab = tokenizer.size(), .dim = 64, .layers = 2, .heads = 4, .kv_heads = 2, .ffn = 160, .context = 64});
    const Parameters parameters(model);
    initialise(parameters, Normal{0.02f}, 3);
    Context context(threads);
    CausalTask task(model, nullptr, samples, validation, {.recompute = Recompute::nothing});
    Trainer trainer(context, task, parameters, AdamW{}, {.steps = 120, .batch = 16, .rate = cosine_schedule(5e-3f, 10, 120), .clip = 1, .evaluate_every = 120});
    const TrainResult result = trainer.fit();
    CHECK(result.best_loss < entropy(held_out) - 0.5);
    return model;
  };
  const Trainable model = train(2), same = train(1);
  std::vector<float> weights, others;
  visit_weights(model, "", [&](const std::string&, const F32& w, WeightRole) { weights.insert(weights.end(), w.view().data, w.view().data + w.view().size()); });
  visit_weights(same, "", [&](const std::string&, const F32& w, WeightRole) { others.insert(others.end(), w.view().data, w.view().data + w.view().size()); });
  CHECK(weights == others);

  const tfm_test::TemporaryFolder folder;
  Context context(2);
  save_llama(context, model, folder.path(), {.tokenizer_of = *base});
  const auto loaded = load_llama(folder.path());
  const std::span<const Token> prompt = std::span(ids).first(20);
  const auto logits_of = [&](const auto& any) {
    KvCache cache = any.make_cache(1, 64, Format::f32);
    Buffer logits(1, any.shape.vocab);
    const Index start[] = {0, 20};
    any.forward(context, {.start = start}, prompt, cache, Logits::last, logits);
    return std::vector<float>(logits.view().data, logits.view().data + logits.view().size());
  };
  CHECK(logits_of(model) == logits_of(loaded.model));
}

TEST_CASE("windows cut a text into pieces, the last of which may be shorter") {
  const std::vector<Token> ids{1, 2, 3, 4, 5, 6, 7};
  const auto pieces = windows(ids, 3);
  REQUIRE(pieces.size() == 2);  // the seventh token alone has nobody to be asked of
  CHECK(pieces[1].ids == std::vector<Token>{4, 5, 6});
  CHECK(pieces[1].labels == pieces[1].ids);
  CHECK(windows(ids, 5).back().ids == std::vector<Token>{6, 7});
  CHECK_THROWS_AS(windows(ids, 1), OptionError);
}
