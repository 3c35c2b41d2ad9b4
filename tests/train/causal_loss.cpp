// The loss of LLaMA models and its gradients: PyTorch's numbers, whatever is recomputed, by any number of threads.
#include "tfm/train/causal_loss.hpp"

#include <cmath>

#include "support/catch.hpp"
#include "support/data.hpp"
#include "support/golden.hpp"
#include "support/random.hpp"
#include "tfm/checkpoint/load_llama.hpp"
#include "tfm/train/parameters.hpp"

using namespace tfm;
using tfm_test::Golden;
using Trainable = Llama<DynamicLlamaShape, EveryLinear<F32>>;
using Ids = std::vector<std::int32_t>;

namespace {

// golden/README.md, "How close is close": gradients differ from float64 by 1.5e-6 (of values up to 0.5), losses by some
// 1e-6 of 6. Four times that is allowed.
constexpr float gradient_tolerance = 4 * 1.5e-6f;
constexpr double loss_tolerance = 4e-6;

float largest_difference(View found, const std::vector<float>& expected) {
  float most = found.size() == static_cast<Index>(expected.size()) ? 0.f : INFINITY;
  for (Index i = 0; i < found.size() && most < INFINITY; ++i) {
    const float difference = std::abs(found.data[i] - expected[to_size(i)]);
    if (difference > most || difference != difference) most = difference;  // a NaN stays
  }
  return most;
}

Context exact(int threads) {
  Context context(threads);
  context.arithmetic = Arithmetic::exact;
  context.training = true;
  return context;
}

std::vector<Index> even_starts(Index sequences, Index length) {
  std::vector<Index> start;
  for (Index s = 0; s <= sequences; ++s) start.push_back(s * length);
  return start;
}

}  // namespace

TEST_CASE("golden loss and gradients of whole models") {
  for (const char* const name : {"mha", "gqa_tied", "linear_rope", "llama3_rope"}) {
    const auto folder = tfm_test::require(tfm_test::golden() / "llama" / name);
    if (!folder) return;
    const Golden golden(*folder / "golden.safetensors");
    auto model = load<Trainable>(*folder / "safetensors").model;
    Parameters parameters(model);
    const Ids ids = golden.values<std::int32_t>("ids"), labels = golden.values<std::int32_t>("labels");
    const auto start = even_starts(golden.shape("ids")[0], golden.shape("ids")[1]);
    const Batch batch{.start = start};
    Ids shifted(labels.size());
    shift_labels(batch, labels, shifted.data());
    const Index counted = static_cast<Index>(shifted.size()) - std::count(shifted.begin(), shifted.end(), ignored_label);
    Buffer first;
    for (const Recompute recompute : {Recompute::nothing, Recompute::blocks})
      for (const int threads : {1, 3}) {
        INFO(name << ", " << threads << " threads, recompute " << static_cast<int>(recompute));
        Context context = exact(threads);
        Buffer flat = parameters.flat();
        const Gradients gradients = parameters.gradients(flat);
        const Loss loss = causal_loss(context, model, batch, ids, labels, {.weight = token_weight(Reduction::tokens, counted, 0)}, &gradients, recompute);
        CHECK(loss.tokens == counted);
        CHECK(std::abs(loss.value - golden.values<double>("loss")[0]) <= loss_tolerance);
        for (const Parameter& p : parameters) {
          INFO(p.name);
          CHECK(largest_difference(Parameters::part(p, flat.view()), golden.floats("grad." + p.name)) <= gradient_tolerance);
        }
        if (first.view().size() == 0) first = std::move(flat);
        else CHECK(tfm_test::same_bits(first, flat));
        CHECK(causal_loss(context, model, batch, ids, labels, {.weight = token_weight(Reduction::tokens, counted, 0)}, nullptr, recompute).value == loss.value);
      }
  }
}
