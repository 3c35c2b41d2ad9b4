// The loss of LLaMA models and its gradients: PyTorch's numbers for full training and for adapters, and what must not matter.
#include "tfm/train/causal_loss.hpp"

#include <cmath>

#include "support/catch.hpp"
#include "support/data.hpp"
#include "support/golden.hpp"
#include "support/random.hpp"
#include "support/vocabularies.hpp"
#include "tfm/checkpoint/load_llama.hpp"
#include "tfm/train/optimizers.hpp"
#include "tfm/train/schedules.hpp"

using namespace tfm;
using tfm_test::Golden;
using Trainable = Llama<DynamicLlamaShape, EveryLinear<F32>>;
using Ids = std::vector<std::int32_t>;

namespace {

// golden/README.md, "How close is close": gradients differ from float64 by 1.5e-6 (of values up to 0.5), those of adapters by
// 1e-7 (of 0.1); losses by some 1e-6 of 6. Four times that is allowed.
constexpr float gradient_tolerance = 4 * 1.5e-6f, adapter_tolerance = 4 * 1e-7f;
constexpr double loss_tolerance = 4e-6;

float largest_difference(View found, const std::vector<float>& expected) {
  float most = found.size() == static_cast<Index>(expected.size()) ? 0.f : INFINITY;
  for (Index i = 0; i < found.size() && most < INFINITY; ++i) {
    const float difference = std::abs(found.data[i] - expected[to_size(i)]);
    if (!(difference <= most)) most = difference;
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

namespace {

// The golden adapter: its values, and its layers' slots.
Adapter golden_adapter(AnyLlama& model, const std::filesystem::path& folder) {
  const Golden values(folder / "adapter" / "adapter_model.safetensors");
  std::vector<LoraPair> pairs;
  for (std::size_t l = 0; l < model.layers.size(); ++l)
    for (const char* const projection : {"q_proj", "v_proj"}) {
      auto& attention = model.layers[l].self_attn;
      LoraLinear<AnyWeight>& layer = projection[0] == 'q' ? attention.q_proj : attention.v_proj;
      layer.slot = static_cast<Index>(pairs.size());
      const auto read = [&](const char* which) {
        const std::string name = "base_model.model.model.layers." + std::to_string(l) + ".self_attn." + projection + "." + which + ".weight";
        F32 w(values.shape(name)[0], values.shape(name)[1]);
        const auto floats = values.floats(name);
        std::copy(floats.begin(), floats.end(), w.values().data);
        return w;
      };
      pairs.push_back({read("lora_A"), read("lora_B"), 2.f});
    }
  return Adapter(std::move(pairs));
}
Parameters parameters_of(Adapter& adapter) {
  Parameters parameters;
  for (Index slot = 0; slot < adapter.size(); ++slot) {
    const std::string name = "model.layers." + std::to_string(slot / 2) + ".self_attn." + (slot % 2 == 0 ? "q_proj" : "v_proj");
    parameters.add(name + ".lora_A.weight", adapter[slot].a, WeightRole::adapter);
    parameters.add(name + ".lora_B.weight", adapter[slot].b, WeightRole::adapter);
  }
  return parameters;
}

// Rows first .. first + 4 of the golden's padded batch, with one row of padding where it has some.
struct Rows {
  std::vector<Index> start{0};
  std::vector<const Adapter*> worn;
  std::vector<unsigned char> valid;
  Ids ids, labels;
  Index counted = 0;

  Rows(const Golden& golden, Index first, const Adapter* adapter) {
    const Ids all = golden.values<std::int32_t>("ids"), all_labels = golden.values<std::int32_t>("labels");
    const auto mask = golden.values<int>("mask");
    const Index width = golden.shape("ids")[1];
    for (Index s = first; s < first + 4; ++s) {
      for (Index t = s * width; t < (s + 1) * width; ++t) {
        const bool token = mask[to_size(t)] != 0, before_tokens = !token && t + 1 < (s + 1) * width && mask[to_size(t + 1)] != 0;
        if (!token && !before_tokens) continue;
        ids.push_back(all[to_size(t)]);
        labels.push_back(all_labels[to_size(t)]);
        valid.push_back(token ? 1 : 0);
        if (token && static_cast<Index>(ids.size()) - 1 > start.back()) ++counted;
      }
      start.push_back(static_cast<Index>(ids.size()));
      worn.push_back(adapter);
    }
  }
  Batch batch() const { return {.start = start, .adapter = worn, .valid = valid}; }
};

}  // namespace

TEST_CASE("golden gradients of an adapter, and three steps of AdamW") {
  const auto folder = tfm_test::require(tfm_test::golden() / "lora");
  if (!folder) return;
  const Golden golden(*folder / "golden.safetensors");
  const auto json = tfm_test::read_json(*folder / "golden.json");
  auto model = load_llama(tfm_test::golden() / "llama" / "mha" / "safetensors").model;
  Adapter adapter = golden_adapter(model, *folder);
  Parameters parameters = parameters_of(adapter);
  CHECK(parameters.elements() == json.at("trainable").get<Index>());
  Context context = exact(2);
  Buffer flat = parameters.flat();
  const Gradients gradients = parameters.gradients(flat);
  AdamW optimizer{.decay = json.at("weight_decay").get<float>()};
  std::vector<Buffer> states;
  for (std::size_t i = 0; i < AdamW::states.size(); ++i) states.push_back(parameters.flat());
  const Schedule rate = linear(json.at("lr").get<float>(), json.at("warmup").get<Index>(), json.at("total_steps").get<Index>());
  for (Index step = 0; step < 3; ++step) {
    fill(flat, 0);
    double value = 0;
    for (Index first = 0; first < 16; first += 4) {
      const Rows rows(golden, first, &adapter);
      value += causal_loss(context, model, rows.batch(), rows.ids, rows.labels, {.weight = token_weight(Reduction::tokens, 4 * rows.counted, 0)}, &gradients).value;
    }
    const auto& expected = json.at("steps").at(to_size(step));
    CHECK(std::abs(value - expected.at("loss").get<double>()) <= loss_tolerance);
    if (step == 0)
      for (const Parameter& p : parameters) {
        INFO(p.name);
        CHECK(largest_difference(Parameters::part(p, flat.view()), golden.floats("grad." + p.name)) <= adapter_tolerance);
      }
    const double norm = gradient_norm(context, flat);
    CHECK(std::abs(norm - expected.at("gradient_norm").get<double>()) <= 1e-5);
    CHECK(std::abs(rate(step) - expected.at("lr").get<float>()) <= 1e-10f);
    optimizer.update(context, parameters, flat, states, {rate(step), clipping(norm, json.at("clip").get<float>()), step + 1});
  }
  // golden/README.md: 2e-7 after three steps; four times that.
  for (const Parameter& p : parameters) {
    INFO(p.name);
    CHECK(largest_difference(p.weight->view(), golden.floats("after3." + p.name)) <= 4 * 2e-7f);
  }
}
