// Models that are written as Hugging Face folders, an adapter merged into them or not, and what merging changed.
#include "tfm/checkpoint/save_llama.hpp"

#include <cmath>

#include "support/catch.hpp"
#include "support/data.hpp"
#include "support/error_of.hpp"
#include "support/golden.hpp"
#include "support/random.hpp"
#include "support/run_llama.hpp"
#include "support/stories.hpp"
#include "support/temporary_folder.hpp"
#include "support/tiny_llama.hpp"
#include "tfm/checkpoint/load_llama.hpp"
#include "tfm/checkpoint/peft.hpp"
#include "tfm/generate/compare.hpp"
#include "tfm/models/merge.hpp"

using namespace tfm;
using tfm_test::error_of;
using tfm_test::exact;
using tfm_test::Golden;
using tfm_test::Ids;
using tfm_test::TemporaryFolder;
namespace fs = std::filesystem;

namespace {

Buffer logits_of(const AnyLlama& model, const Ids& ids, const Adapter* adapter = nullptr) {
  Context context = exact();
  const Index start[] = {0, static_cast<Index>(ids.size())};
  const Adapter* const worn[] = {adapter};
  KvCache cache = model.make_cache(1, start[1], Format::f32);
  Buffer logits(start[1], model.shape.vocab);
  model.forward(context, {.start = start, .adapter = worn}, ids, cache, Logits::all, logits);
  return logits;
}

Ids some_ids(Index n, Index vocab) {
  Ids ids;
  for (Index i = 0; i < n; ++i) ids.push_back(static_cast<std::int32_t>((7 + 31 * i * i + i) % vocab));
  return ids;
}

float difference(View a, View b) {
  float most = a.size() == b.size() ? 0 : INFINITY;
  for (Index i = 0; i < a.size() && most < INFINITY; ++i)
    if (const float off = std::abs(a.data[i] - b.data[i]); !(off <= most)) most = off;
  return most;
}

/// An adapter whose B is not zero.
Adapter an_adapter(const AnyLlama& model, float size = 0.02f) {
  Adapter adapter(model, {.rank = 3, .dropout = 0, .targets = {"q_proj", "v_proj", "down_proj"}, .seed = 4});
  for (Index slot = 0; slot < adapter.size(); ++slot)
    if (adapter.touches(slot)) {
      F32& b = adapter[slot].b;
      copy(tfm_test::random_matrix(static_cast<std::uint64_t>(slot), b.rows(), b.cols(), size), b.values());
    }
  return adapter;
}

AnyLlama stories_as(Format format) {
  return load_llama(tfm_test::source_folder() / "examples/stories260K/stories260K.F32.gguf", {.format = format}).model;
}

/// Every value of every weight, one after the other.
std::vector<float> all_values(const AnyLlama& model) {
  std::vector<float> all;
  visit_weights(model, "", [&](const std::string&, const auto& weight, WeightRole) {
    std::vector<float> values(to_size(weight.cols()));
    for (Index r = 0; r < weight.rows(); ++r) {
      row(weight, r, values.data());
      all.insert(all.end(), values.begin(), values.end());
    }
  });
  return all;
}

}  // namespace

TEST_CASE("merging gives PEFT's merged checkpoint, weight by weight, and its logits", "[golden]") {
  const auto folder = tfm_test::require(tfm_test::golden() / "lora");
  if (!folder) return;
  const Golden expected(*folder / "merged/model.safetensors");
  auto base = load_llama(tfm_test::golden() / "llama/mha/safetensors").model;
  const Adapter adapter = peft::load(*folder / "adapter", base).adapter;
  const auto before = all_values(base);
  Context context = exact();
  AnyLlama merged = clone(base);
  MergedWeights kept = merge(context, merged, adapter);
  CHECK(all_values(base) == before);
  visit_weights(merged, "", [&](const std::string& name, const auto& weight, WeightRole) {
    INFO(name);
    const auto wanted = expected.floats(name);
    std::vector<float> values(to_size(weight.cols()));
    float off = 0;
    for (Index r = 0; r < weight.rows(); ++r) {
      row(weight, r, values.data());
      for (Index k = 0; k < weight.cols(); ++k) off = std::max(off, std::abs(values[to_size(k)] - wanted[to_size(r * weight.cols() + k)]));
    }
    CHECK(off <= 2e-7f);  // of values below 1: the last bit, in sums of eight products
  });
  const Ids ids = some_ids(40, base.shape.vocab);
  const auto of_golden = load_llama(*folder / "merged").model;
  CHECK(difference(logits_of(merged, ids), logits_of(of_golden, ids)) < 4 * 8e-6f);
  CHECK(difference(logits_of(merged, ids), logits_of(base, ids, &adapter)) < 4 * 8e-6f);
  unmerge(merged, kept);
  CHECK(all_values(merged) == before);
  unmerge(merged, kept);  // and in again
  CHECK(difference(logits_of(merged, ids), logits_of(of_golden, ids)) < 4 * 8e-6f);
}

TEST_CASE("merging into every format rounds as the format does, and unmerging restores every bit") {
  // How far predictions may move at most, in nats and in first choices, and how much nearer to the adapter's they must be than the base's.
  struct Limit {
    Format format;
    double kl, agreement;
  };
  for (const auto& [format, kl, agreement] : {Limit{Format::f32, 1e-9, 1}, Limit{Format::f16, 1e-6, 0.99}, Limit{Format::bf16, 1e-4, 0.98},
                                              Limit{Format::int8, 1e-3, 0.95}}) {
    INFO(name(format));
    AnyLlama model = stories_as(format);
    const Adapter adapter = an_adapter(model);
    const AnyLlama base = clone(model);
    const auto before = all_values(model);
    const Ids ids = some_ids(300, model.shape.vocab);
    Context context = exact();
    MergedWeights kept = merge(context, model, adapter);
    const auto found = compare_models(context, ComparedModel{base, &adapter}, ComparedModel{model}, ids, {.window = 100});
    const auto of_base = compare_models(context, ComparedModel{base, &adapter}, ComparedModel{base}, ids, {.window = 100});
    INFO("KL " << found.kl << ", agreement " << found.agreement << "; the base's " << of_base.kl << ", " << of_base.agreement);
    CHECK(found.tokens == 300);
    CHECK((found.kl >= 0 && found.kl <= kl));
    CHECK(found.agreement >= agreement);
    CHECK(of_base.kl > 10 * found.kl);
    CHECK(all_values(model) != before);
    unmerge(model, kept);
    CHECK(all_values(model) == before);
  }
}

TEST_CASE("blocks of 32 are merged into: dequantised, added to, quantised again") {
  for (const Format format : {Format::q8_0, Format::q4_0, Format::q4_1}) {
    INFO(name(format));
    const TemporaryFolder folder;
    tfm_test::TinyLlama().gguf(format).write(folder / "a.gguf");
    AnyLlama model = load_llama(folder / "a.gguf").model;
    const Adapter adapter = an_adapter(model, 0.2f);
    const AnyLlama base = clone(model);
    Context context = exact();
    MergedWeights kept = merge(context, model, adapter);
    const auto& was = base.layers[1].mlp.down_proj.base_weight();
    const auto& is = model.layers[1].mlp.down_proj.base_weight();
    CHECK(is.format() == format);
    const LoraPair& pair = adapter[13];
    std::vector<float> old_row(to_size(was.cols())), new_row(to_size(is.cols()));
    for (Index r = 0; r < is.rows(); ++r) {
      row(was, r, old_row.data()), row(is, r, new_row.data());
      for (Index k = 0; k < is.cols(); ++k) {
        float sum = old_row[to_size(k)], largest = 0, least = INFINITY, most = -INFINITY;
        for (Index j = 0; j < 3; ++j) sum += pair.scaling * pair.b.view().row(r)[j] * pair.a.view().row(j)[k];
        for (Index i = k / 32 * 32; i < k / 32 * 32 + 32; ++i) {
          float x = old_row[to_size(i)];
          for (Index j = 0; j < 3; ++j) x += pair.scaling * pair.b.view().row(r)[j] * pair.a.view().row(j)[i];
          largest = std::max(largest, std::abs(x)), least = std::min(least, x), most = std::max(most, x);
        }
        // Half a level (a whole one at q4_0's missing end), and what a scale or minimum in binary16 adds.
        const float level = format == Format::q8_0 ? largest / 127 / 2 : format == Format::q4_0 ? largest / 8 : (most - least) / 15 / 2;
        REQUIRE(std::abs(new_row[to_size(k)] - sum) <= 1.01f * level + 1e-3f * largest);
      }
    }
    unmerge(model, kept);
    CHECK(all_values(model) == all_values(base));
  }
}

TEST_CASE("trainable weights are merged into, and merging the adapter's opposite takes it out again up to rounding") {
  using Trainable = Llama<DynamicLlamaShape, EveryLoraLinear<F32>>;
  const TemporaryFolder folder;
  tfm_test::TinyLlama().write_folder(folder.path());
  Trainable model = load<Trainable>(folder.path()).model;
  const auto frozen = load_llama(folder.path()).model;
  const Adapter adapter = an_adapter(frozen, 0.2f);
  model.layers[0].self_attn.q_proj.base.weight.parameter = 5;
  const auto weight = [&]() -> const F32& { return model.layers[0].self_attn.q_proj.base.weight; };
  const F32 before = weight().clone();
  Context context = exact();
  MergedWeights kept = merge(context, model, adapter);
  CHECK(weight().parameter == 5);
  CHECK(difference(weight().view(), before.view()) > 0.01f);
  const WeightedAdapter opposite[] = {{&adapter, -1}};
  MergedWeights second = merge(context, model, mix(opposite));
  CHECK(difference(weight().view(), before.view()) < 1e-6f);
  unmerge(model, second), unmerge(model, kept);
  CHECK(tfm_test::same_bits(weight().view(), before.view()));
}

TEST_CASE("a merge that cannot be leaves the model as it was") {
  AnyLlama model = stories_as(Format::int8);
  const auto before = all_values(model);
  Context context = exact();
  Adapter adapter = an_adapter(model);
  adapter[34].b.values().data[0] = INFINITY;  // the last layer's down_proj
  CHECK(error_of<LoadError>([&] { merge(context, model, adapter); }).find("model.layers.4.mlp.down_proj: a value is not finite") != std::string::npos);
  CHECK(all_values(model) == before);
  adapter[34].b = F32(2, 3);
  CHECK_THROWS_AS(merge(context, model, adapter), ShapeError);
  StopSource source;
  context.stop = source.token();
  source.request_stop();
  CHECK_THROWS_AS(merge(context, model, an_adapter(model)), Stopped);
  CHECK(all_values(model) == before);
}

TEST_CASE("compare_models is the mean divergence and the share of equal first choices") {
  const AnyLlama model = stories_as(Format::f32);
  const Adapter adapter = an_adapter(model, 0.1f);
  const Ids ids = some_ids(50, model.shape.vocab);
  Context context = exact();
  const auto same = compare_models(context, ComparedModel{model}, ComparedModel{model}, ids);
  CHECK((same.kl == 0 && same.agreement == 1 && same.tokens == 50));
  const auto found = compare_models(context, ComparedModel{model}, ComparedModel{model, &adapter}, ids);
  const Buffer p = logits_of(model, ids), q = logits_of(model, ids, &adapter);
  double kl = 0, agreed = 0;
  for (Index t = 0; t < 50; ++t) {
    double sum_p = 0, sum_q = 0;
    for (Index i = 0; i < model.shape.vocab; ++i) sum_p += std::exp(static_cast<double>(p.view().row(t)[i])), sum_q += std::exp(static_cast<double>(q.view().row(t)[i]));
    for (Index i = 0; i < model.shape.vocab; ++i) {
      const double a = std::exp(static_cast<double>(p.view().row(t)[i])) / sum_p, b = std::exp(static_cast<double>(q.view().row(t)[i])) / sum_q;
      kl += a * std::log(a / b) / 50;
    }
    agreed += tfm_test::argmax(p.view().slice(t, 1)) == tfm_test::argmax(q.view().slice(t, 1)) ? 1 : 0;
  }
  INFO(found.kl << " " << kl);
  CHECK(kl > 1e-3);
  CHECK(std::abs(found.kl - kl) < 1e-9 * kl + 1e-12);
  CHECK(found.agreement == agreed / 50);
  CHECK(found.agreement < 1);
  CHECK_THROWS_AS(compare_models(context, ComparedModel{model}, ComparedModel{model}, {}), ShapeError);
  CHECK_THROWS_AS(compare_models(context, ComparedModel{model}, ComparedModel{model}, ids, {.window = 0}), OptionError);
}

// Float weights are multiplied in float32 by both arithmetics. Of Int8, fast arithmetic rounds each token's activations to 8 bits as the format rounded
// each row of weights. A token's largest value stands out of it more than a weight's out of its row: twice the noise is allowed for, whose
// square the divergence is.
TEST_CASE("compare_models tells what an arithmetic costs") {
  const AnyLlama model = stories_as(Format::f32), halves = stories_as(Format::f16), bytes = stories_as(Format::int8);
  Context context = exact();
  const Ids ids = tfm_test::greedy(model, context, {1}, 200);
  const auto run = [](const AnyLlama& of, Arithmetic arithmetic, Format cache = Format::f32) { return ComparedModel{of, nullptr, arithmetic, cache}; };
  const auto same = compare_models(context, run(halves, Arithmetic::exact), run(halves, Arithmetic::fast), ids);
  CHECK((same.kl == 0 && same.agreement == 1));
  const auto cached = compare_models(context, run(halves, Arithmetic::exact), run(halves, Arithmetic::exact, Format::q8_0), ids);
  CHECK(cached.kl > 0);
  const auto of_format = compare_models(context, run(model, Arithmetic::exact), run(bytes, Arithmetic::exact), ids);
  const auto of_fast = compare_models(context, run(bytes, Arithmetic::exact), run(bytes, Arithmetic::fast), ids);
  INFO("KL of the format " << of_format.kl << ", of fast arithmetic " << of_fast.kl);
  CHECK(of_fast.kl > 0);
  CHECK(of_fast.kl <= 4 * of_format.kl);
  CHECK(context.arithmetic == Arithmetic::exact);  // as it was
}

TEST_CASE("what is written as a folder loads again with the same bits, from folders and from GGUF files") {
  const TemporaryFolder folder;
  tfm_test::TinyLlama tiny;
  tiny.write_folder(folder / "hf");
  tiny.gguf().write(folder / "a.gguf");
  DynamicLlamaShape scaled{264, 32, 2, 4, 2, 64, 64, 16, 3e-6f, 1234.5f, false, {}};  // heads of 16, an output of its own
  tfm_test::TinyLlama other(scaled, 3);
  other.config["rms_norm_eps"] = "3e-6";
  other.config["rope_theta"] = "1234.5";
  other.config["rope_scaling"] = R"({"rope_type": "llama3", "factor": 8, "low_freq_factor": 1, "high_freq_factor": 4, "original_max_position_embeddings": 32})";
  other.write_folder(folder / "llama3");
  other.config["rope_scaling"] = R"({"type": "linear", "factor": 2.5})";
  other.write_folder(folder / "linear");
  const Ids ids = some_ids(60, 264);
  Context context(2);
  for (const char* const from : {"hf", "a.gguf", "llama3", "linear"}) {
    INFO(from);
    const auto model = load_llama(folder / from).model;
    const auto notes = save_llama(context, model, folder / "out", {.tokenizer_of = folder / from});
    CHECK(notes.size() == 1);  // there is no tokenizer
    const auto again = load_llama(folder / "out");
    CHECK(tfm_test::same_bits(logits_of(again.model, ids), logits_of(model, ids)));
    CHECK(again.model.shape.context == 64);
    for (const Format format : {Format::bf16, Format::f16}) {
      save_llama(context, model, folder / "half", {.format = format});
      const auto half = load_llama(folder / "half", {.format = Format::f32});
      CHECK(difference(logits_of(half.model, ids), logits_of(model, ids)) > 0);
      save_llama(context, half.model, folder / "half2", {.format = format});
      CHECK(tfm_test::same_bits(logits_of(load_llama(folder / "half2", {.format = Format::f32}).model, ids), logits_of(half.model, ids)));
    }
  }
  const auto model = load_llama(folder / "hf").model;
  CHECK(error_of<OptionError>([&] { save_llama(context, model, folder / "out", {.format = Format::q8_0}); }) ==
        "tfm: a Hugging Face folder's tensors are F32, BF16 or F16, found Q8_0");
  AnyLlama turned = clone(model);
  turned.frequencies[1] *= 1.5f;
  CHECK(error_of<LoadError>([&] { save_llama(context, turned, folder / "new"); }).starts_with("tfm: the model's rotary frequencies are those of no"));
  CHECK(!fs::exists(folder / "new"));
  tfm_test::write_text(folder / "file", "x");
  CHECK_THROWS_AS(save_llama(context, model, folder / "file/a"), LoadError);
}

TEST_CASE("stories260K of a GGUF file becomes a folder that tells the same story, with its tokenizer") {
  const auto& loaded = tfm_test::stories();
  const TemporaryFolder folder;
  Context context(2);
  const fs::path gguf = tfm_test::source_folder() / "examples/stories260K/stories260K.F32.gguf";
  CHECK(save_llama(context, loaded.model, folder / "out", {.tokenizer_of = gguf}).empty());
  const auto again = load_llama(folder / "out");
  CHECK(again.notes == loaded.notes);
  CHECK(again.stop_tokens == loaded.stop_tokens);
  for (const char* const text : {"Once upon a time", "  two  spaces ", "\xC3\xA9\n<s>", ""}) {
    CHECK(again.tokenizer.encode(UserText{text}) == loaded.tokenizer.encode(UserText{text}));
    CHECK(again.tokenizer.encode(TemplateText{text}) == loaded.tokenizer.encode(TemplateText{text}));
  }
  CHECK(again.tokenizer.bos() == loaded.tokenizer.bos());
  CHECK(again.tokenizer.eos() == loaded.tokenizer.eos());
  CHECK(again.tokenizer.unknown() == loaded.tokenizer.unknown());
  CHECK(again.tokenizer.add_bos() == loaded.tokenizer.add_bos());
  const Ids ids = some_ids(40, 512);
  CHECK(tfm_test::same_bits(logits_of(again.model, ids), logits_of(loaded.model, ids)));
  // A folder's files are taken along as they are; the folder itself may be the one that is written to.
  CHECK(save_llama(context, again.model, folder / "third", {.tokenizer_of = folder / "out"}).empty());
  CHECK(load_llama(folder / "third").tokenizer.size() == 512);
  CHECK(save_llama(context, again.model, folder / "third", {.format = Format::bf16, .tokenizer_of = folder / "third/model.safetensors"}).empty());
  CHECK(load_llama(folder / "third").model.layers[0].self_attn.q_proj.base_weight().format() == Format::bf16);
}
