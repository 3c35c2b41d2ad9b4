// The Trainer against PyTorch: the Transformer's three steps of Adam with clipping, under d2l's loss, in one piece and in micro-batches.
#include <optional>

#include "support/catch.hpp"
#include "support/data.hpp"
#include "support/trainable.hpp"
#include "tfm/formats/json.hpp"
#include "tfm/models/transformer.hpp"
#include "tfm/train/trainer.hpp"

using namespace tfm;
using tfm_test::Golden;

namespace {

constexpr DynamicTransformerShape shape{.source_vocab = 200, .target_vocab = 210, .dim = 32, .layers = 2, .heads = 4, .ffn = 64};
using Model = Transformer<DynamicTransformerShape, EveryLinear<F32>>;
constexpr Index steps = 10;

/// The golden's four sentences, padded, in their order.
struct GoldenTask {
  const Model& model;
  std::vector<std::int32_t> source, target, labels;
  std::vector<std::int64_t> source_lens, target_lens;

  GoldenTask(const Model& m, const Golden& golden)
      : model(m), source(golden.int32s("src")), target(golden.int32s("tgt_in")), labels(golden.int32s("labels")), source_lens(golden.int64s("src_lens")), target_lens(golden.int64s("tgt_lens")) {}

  Index samples() const { return static_cast<Index>(source_lens.size()); }
  std::vector<Index> order(RandomKey) const { return {0, 1, 2, 3}; }

  Loss train(Context& context, const MicroBatch& part, const Gradients& gradients) const {
    std::vector<std::int32_t> ids[3];
    std::vector<unsigned char> source_valid, target_valid;
    std::vector<Index> start{0};
    for (const Index s : part.samples) {
      for (Index t = 0; t < steps; ++t) {
        const std::size_t i = to_size(s * steps + t);
        ids[0].push_back(source[i]), ids[1].push_back(target[i]), ids[2].push_back(labels[i]);
        source_valid.push_back(t < source_lens[to_size(s)]), target_valid.push_back(t < target_lens[to_size(s)]);
      }
      start.push_back(start.back() + steps);
    }
    const PairBatch pairs{{.start = start, .sample = part.numbers, .valid = source_valid}, ids[0], {.start = start, .sample = part.numbers, .valid = target_valid}, ids[1]};
    const MutableView logits = context.kept.matrix(start.back(), shape.target_vocab);
    typename Model::Saved saved;
    model.forward(context, pairs, logits, &saved);
    const Loss loss = cross_entropy(context, logits, ids[2], {.weight = token_weight(Reduction::d2l, 0, steps), .valid = target_valid}, logits);
    model.backward(context, pairs, logits, saved, gradients);
    return loss;
  }
};

}  // namespace

TEST_CASE("three steps of Adam with clipping end where PyTorch's do") {
  const auto file = tfm_test::require(tfm_test::golden() / "transformer.safetensors");
  if (!file) return;
  const Golden golden(*file);
  const JsonDocument document = read_json(tfm_test::golden() / "transformer.json");
  const Json meta = document.root();
  for (const Index micro_batch : {4, 2, 1}) {
    INFO("micro-batches of " << micro_batch);
    Model model(shape);
    tfm_test::read_weights(model, golden, "param.");
    GoldenTask task(model, golden);
    Context context(2);
    Trainer trainer(context, task, Parameters(model), Adam{},
                    {.steps = 3, .batch = 4, .micro_batch = micro_batch, .rate = constant_schedule(static_cast<float>(meta.at("lr").number())), .clip = static_cast<float>(meta.at("clip").number())});
    std::vector<StepReport> reports;
    trainer.watch({.step = [&](const StepReport& report) { reports.push_back(report); }});
    trainer.fit();
    std::size_t step = 0;
    for (const Json pair : meta.at("loss_and_gradient_norm").elements()) {
      auto value = pair.elements().begin();
      CHECK(std::abs(reports.at(step).loss.value - (*value).number()) < 1e-5);
      CHECK(std::abs(reports.at(step).gradient_norm - (*++value).number()) < 1e-5);
      ++step;
    }
    CHECK(step == 3);
    // Ten times the differences of golden/README.md: 2e-6, and 3e-5 where a gradient is of the size of its rounding, of which Adam makes
    // steps of full size.
    Index of_rounding = 0, all = 0;
    visit_weights(model, "", [&](const std::string& name, const F32& weight, WeightRole) {
      INFO(name);
      const auto gradient = golden.floats("grad." + name), expected = golden.floats("after3." + name);
      for (Index i = 0; i < weight.view().size(); ++i) {
        const float g = std::abs(gradient[to_size(i)]);
        const bool rounding = g != 0 && g < 3e-7f;  // 0 is exact: rows of embeddings that nobody asked for
        of_rounding += rounding ? 1 : 0;
        ++all;
        const double off = std::abs(static_cast<double>(weight.view().data[i]) - static_cast<double>(expected[to_size(i)]));
        if (off > (rounding ? 3e-4 : 2e-5)) FAIL_CHECK("[" << i << "]: off by " << off << ", gradient " << gradient[to_size(i)]);
      }
    });
    CHECK(of_rounding < all / 100);
  }
}
