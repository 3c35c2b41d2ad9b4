#include "tfm/train/translation_task.hpp"

#include "support/catch.hpp"
#include "support/error_of.hpp"
#include "tfm/train/initialise.hpp"
#include "tfm/train/trainer.hpp"

namespace {

using namespace tfm;
using Model = Transformer<DynamicTransformerShape, EveryLinear<F32>>;

constexpr Token bos = 2, eos = 3;
const std::vector<TokenPair> pairs{{{5, 6, eos}, {7, 8, 9, eos}}, {{4, eos}, {4, eos}}, {{9, 8, 7, 6, eos}, {5, eos}}, {{6, eos}, {9, 9, 5, eos}}, {{7, 5, eos}, {8, eos}}};

Model fresh(float dropout = 0.1f) {
  Model model(DynamicTransformerShape{.source_vocab = 10, .target_vocab = 11, .dim = 8, .layers = 1, .heads = 2, .ffn = 12, .context = 16, .dropout = dropout});
  initialise(Parameters(model), XavierUniform{}, 3);
  return model;
}

std::vector<float> gradient(Context& context, Model& model, const TranslationTaskOptions& options, Index micro_batch, Loss& loss) {
  const TranslationTask<Model> task(model, pairs, {}, options);
  const Parameters parameters(model);
  Buffer flat = parameters.flat();
  const Gradients gradients = parameters.gradients(flat);
  std::vector<Index> all(pairs.size());
  std::iota(all.begin(), all.end(), Index{0});
  context.training = true;
  context.random = RandomKey{9};
  loss = {};
  for (Index at = 0; at < static_cast<Index>(pairs.size()); at += micro_batch) {
    const auto part = std::span<const Index>(all).subspan(to_size(at), to_size(std::min(micro_batch, static_cast<Index>(pairs.size()) - at)));
    loss += task.train(context, {part, part, all}, gradients);
  }
  return {flat.view().data, flat.view().data + flat.view().size()};
}

TEST_CASE("micro-batches add up to the step", "[translation_task]") {
  Context context(2);
  Model model = fresh();
  for (const Reduction reduction : {Reduction::d2l, Reduction::tokens}) {
    const TranslationTaskOptions options{.bos = bos, .reduction = reduction, .steps = 8, .label_smoothing = 0.1f};
    Loss whole, parts;
    const auto at_once = gradient(context, model, options, 5, whole), one_by_one = gradient(context, model, options, 1, parts);
    CHECK(whole.tokens == 14);
    CHECK(parts.tokens == 14);
    CHECK(parts.value == Approx(whole.value).epsilon(1e-6));
    // Sums of a few products in another order: roundings of values below 1.
    for (std::size_t i = 0; i < at_once.size(); ++i) CHECK(one_by_one[i] == Approx(at_once[i]).margin(1e-6));
  }
}

TEST_CASE("d2l's loss is the nats by the steps, the other by the tokens", "[translation_task]") {
  Context context(1);
  Model model = fresh();
  Loss d2l, tokens;
  gradient(context, model, {.bos = bos, .reduction = Reduction::d2l, .steps = 8}, 5, d2l);
  gradient(context, model, {.bos = bos, .reduction = Reduction::tokens}, 5, tokens);
  CHECK(d2l.nats == tokens.nats);
  CHECK(d2l.value == Approx(d2l.nats / 8).epsilon(1e-6));
  CHECK(tokens.value == Approx(tokens.nats / 14).epsilon(1e-6));
}

TEST_CASE("the task teaches a model its pairs by heart", "[translation_task]") {
  Context context(2);
  Model model = fresh(0);
  TranslationTask<Model> task(model, pairs, {}, {.bos = bos});
  Trainer trainer(context, task, Parameters(model), Adam{}, {.epochs = 150, .batch = 5, .rate = constant_schedule(0.01f), .clip = 1, .seed = 1});
  const double before = task.evaluate(context).loss;
  trainer.fit();
  CHECK(before > 2);
  CHECK(task.evaluate(context).loss < 0.05);
  for (const TokenPair& pair : pairs) {
    auto said = translate_greedily(context, model, {&pair.source, 1}, {.bos = bos, .eos = eos, .max_tokens = 8})[0];
    said.push_back(eos);
    CHECK(said == pair.target);
  }
}

TEST_CASE("evaluation looks at the pairs that are kept for it", "[translation_task]") {
  Context context(1);
  Model model = fresh();
  std::vector<TokenPair> many;
  for (int i = 0; i < 130; ++i) many.push_back(pairs[static_cast<std::size_t>(i) % 5]);
  const double of_five = TranslationTask<Model>(model, pairs, {}, {.bos = bos}).evaluate(context).loss;
  CHECK(TranslationTask<Model>(model, many, {}, {.bos = bos}).evaluate(context).loss == Approx(of_five));
  const double of_one = TranslationTask<Model>(model, pairs, {pairs[0]}, {.bos = bos}).evaluate(context).loss;
  CHECK(of_one != Approx(of_five));
  CHECK(of_one == Approx(TranslationTask<Model>(model, {pairs[0]}, {}, {.bos = bos}).evaluate(context).loss));
}

TEST_CASE("a task that cannot be is refused", "[translation_task]") {
  const Model model = fresh();
  CHECK(tfm_test::error_of<OptionError>([&] { TranslationTask<Model>(model, {}, {}, {}); }) == "tfm: there is no pair of sentences to learn from");
  CHECK(tfm_test::error_of<OptionError>([&] { TranslationTask<Model>(model, pairs, {}, {.reduction = Reduction::d2l}); }) ==
        "tfm: d2l's loss is a mean over steps, found 0 of them");
}

}  // namespace
