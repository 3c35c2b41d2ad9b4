// What training takes, told before it begins, against what the arenas gave out.
#include <numeric>

#include "support/catch.hpp"
#include "support/data.hpp"
#include "support/generated_llama.hpp"
#include "tfm/checkpoint/load_llama.hpp"
#include "tfm/train/causal_task.hpp"
#include "tfm/train/trainer.hpp"

using namespace tfm;

namespace {

std::vector<CausalSample> texts(Index count, Index shortest, Index longest, Index vocab) {
  std::vector<CausalSample> samples;
  for (Index i = 0; i < count; ++i) {
    CausalSample sample;
    for (Index t = 0; t < shortest + 37 * i % (longest - shortest + 1); ++t) sample.ids.push_back(static_cast<std::int32_t>((7 * i + 3 * t) % vocab));
    sample.labels = sample.ids;
    samples.push_back(std::move(sample));
  }
  return samples;
}

struct Case {
  Recompute recompute = Recompute::blocks;
  Arithmetic arithmetic = Arithmetic::fast;
  int threads = 2;
  float dropout = 0.1f;
  Index longest = 60;
  bool evaluates = false, int8_backward = false;
};

/// Trains an adapter for a step or two, and holds what memory() says against the arenas.
template <class Model>
void hold_to_memory(const Model& model, const Case& c) {
  INFO((c.recompute == Recompute::blocks ? "blocks again, " : "all kept, ")
       << "arithmetic " << name(c.arithmetic) << ", " << c.threads << " threads, dropout " << c.dropout << ", up to " << c.longest << " tokens" << (c.int8_backward ? ", int8 backward" : ""));
  const auto samples = texts(10, 20, c.longest, model.shape.vocab), validation = texts(9, 20, c.longest, model.shape.vocab);
  Adapter adapter(model, {.rank = 8, .dropout = c.dropout, .targets = {"q_proj", "v_proj", "down_proj"}});
  CausalTask task(model, &adapter, samples, validation, {.recompute = c.recompute, .left_pad = 0, .evaluation_batch = 8});
  Context context(c.threads);
  context.arithmetic = c.arithmetic;
  context.int8.backward = c.int8_backward;
  Trainer trainer(context, task, adapter_parameters(adapter), AdamW{},
                  {.epochs = 1, .batch = 8, .micro_batch = c.evaluates ? 1 : 4, .evaluate_every = c.evaluates ? 1 : 0});
  const TrainerMemory said = trainer.memory();
  trainer.fit();
  const Index kept = context.kept.peak(), scratch = context.scratch.peak();
  INFO("kept " << said.kept << " said, " << kept << " taken; scratch " << said.scratch << " said, " << scratch << " taken");
  // Kept is counted take by take; of scratch, what fast products make of their operands is counted at its most.
  CHECK(said.kept == kept);
  CHECK((said.scratch >= scratch && 10 * (said.kept + said.scratch) <= 11 * (kept + scratch)));
  CHECK((context.kept.capacity() == kept && context.scratch.capacity() == said.scratch));
  CHECK(said.gradients == trainer.parameters().floats() * 4);
  CHECK(said.optimizer == 2 * said.gradients);
  CHECK(said.total() == said.gradients + said.optimizer + said.best + said.kept + said.scratch);
}

}  // namespace

TEST_CASE("Trainer::memory() is what training the golden models takes", "[golden]") {
  for (const char* const which : {"mha", "gqa_tied"}) {
    const auto folder = tfm_test::require(tfm_test::golden() / "llama" / which / "safetensors");
    if (!folder) return;
    INFO(which);
    const auto model = load_llama(*folder).model;
    for (const Recompute recompute : {Recompute::blocks, Recompute::nothing})
      for (const Arithmetic arithmetic : {Arithmetic::exact, Arithmetic::fast}) {
        hold_to_memory(model, {.recompute = recompute, .arithmetic = arithmetic, .threads = 1});
        hold_to_memory(model, {.recompute = recompute, .arithmetic = arithmetic, .dropout = 0});
      }
    hold_to_memory(model, {.evaluates = true});
  }
}

TEST_CASE("Trainer::memory() is what training a quantised model of 15 MB takes") {
  AnyLlama model(DynamicLlamaShape{.vocab = 4000, .dim = 512, .layers = 5, .heads = 8, .kv_heads = 4, .ffn = 1024, .context = 256});
  for (const Format format : {Format::int8, Format::q8_0}) {
    INFO(name(format));
    tfm_test::generate_weights(model, format);
    CHECK(model.weight_bytes() > 10'000'000);
    for (const Recompute recompute : {Recompute::blocks, Recompute::nothing}) hold_to_memory(model, {.recompute = recompute, .threads = 3, .longest = 70});
  }
  tfm_test::generate_weights(model, Format::int8);
  for (const Arithmetic arithmetic : {Arithmetic::exact, Arithmetic::fast, Arithmetic::bf16})
    hold_to_memory(model, {.recompute = Recompute::nothing, .arithmetic = arithmetic, .int8_backward = true});
}

TEST_CASE("Trainer::memory() is what training a whole model takes") {
  using Whole = Llama<DynamicLlamaShape, EveryLinear<F32>>;
  const auto folder = tfm_test::require(tfm_test::golden() / "llama/mha/safetensors");
  if (!folder) return;
  auto model = load<Whole>(*folder).model;
  const auto samples = texts(8, 20, 60, model.shape.vocab);
  const std::vector<CausalSample> none;
  for (const Recompute recompute : {Recompute::blocks, Recompute::nothing}) {
    CausalTask task(model, nullptr, samples, none, {.recompute = recompute});
    Context context(2);
    Trainer trainer(context, task, Parameters(model), Adam{}, {.steps = 1, .batch = 8, .micro_batch = 4});
    const TrainerMemory said = trainer.memory();
    trainer.fit();
    INFO("scratch " << said.scratch << " said, " << context.scratch.peak() << " taken");
    CHECK(said.kept == context.kept.peak());
    CHECK((said.scratch >= context.scratch.peak() && 10 * said.scratch <= 11 * context.scratch.peak()));
    CHECK(said.gradients == trainer.parameters().floats() * 4);
  }
}
