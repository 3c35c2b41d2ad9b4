// The numbers that Hugging Face transformers gives for small LLaMA models: logits, hidden states, greedy ids, a padded
// batch; from single and sharded files, float32 and bfloat16, on every instruction set.
#include <cmath>

#include "support/catch.hpp"
#include "support/data.hpp"
#include "support/error_of.hpp"
#include "support/golden.hpp"
#include "support/isas.hpp"
#include "support/random.hpp"
#include "support/run_llama.hpp"
#include "tfm/checkpoint/load_llama.hpp"

using namespace tfm;
using tfm_test::all_logits;
using tfm_test::Golden;

namespace {

// golden/README.md, "How close is close": float32 differs from float64 by this much; four times that is allowed.
constexpr float logits_tolerance = 4 * 1e-5f, hidden_tolerance = 4 * 2e-5f;

float largest_difference(View found, const float* expected) {
  float most = 0;
  for (Index i = 0; i < found.size(); ++i) {
    const float difference = std::abs(found.data[i] - expected[i]);
    if (difference > most || difference != difference) most = difference;  // a NaN stays: nothing is larger
  }
  return most;
}

Context exact(Isa isa, int threads = 2) {
  Context context(threads);
  context.isa = isa;
  context.arithmetic = Arithmetic::exact;
  return context;
}

// Calls test(model, golden, context) for each of the four models in `format`, on every instruction set.
template <class Test>
void each_golden(const char* format, Test test) {
  for (const char* const name : {"mha", "gqa_tied", "linear_rope", "llama3_rope"}) {
    const auto folder = tfm_test::require(tfm_test::golden() / "llama" / name);
    if (!folder) return;
    const Golden golden(*folder / "golden.safetensors");
    auto loaded = load_llama(*folder / format);
    for (const Isa isa : tfm_test::isas()) {
      INFO(name << " " << format << " " << tfm::name(isa));
      Context context = exact(isa);
      test(loaded.model, golden, context);
    }
  }
}

}  // namespace

TEST_CASE("golden logits and hidden states") {
  for (const char* const format : {"safetensors", "sharded"})
    each_golden(format, [](const AnyLlama& model, const Golden& golden, Context& context) {
      const auto expected = golden.floats("logits"), hidden = golden.floats("hidden");
      std::vector<float> seen(hidden.size(), NAN);
      Watch watch;
      watch.hidden = [&](Index layer, View x) { std::copy(x.data, x.data + x.size(), seen.data() + layer * x.size()); };
      const Buffer logits = all_logits(model, context, golden.int32s("ids"), 2, Format::f32, {}, &watch);
      REQUIRE(static_cast<std::size_t>(logits.view().size()) == expected.size());
      CHECK(largest_difference(logits, expected.data()) <= logits_tolerance);
      CHECK(largest_difference({seen.data(), 1, static_cast<Index>(seen.size())}, hidden.data()) <= hidden_tolerance);
      CHECK(tfm_test::same_bits(logits,
                                all_logits(model, context, golden.int32s("ids"), 2)));  // being watched changes nothing
    });
}

TEST_CASE("golden logits of bfloat16 weights") {
  each_golden("bf16", [](AnyLlama& model, const Golden& golden, Context& context) {
    REQUIRE(model.embed_tokens.format() == Format::bf16);
    // These numbers come from a model that was cast to bfloat16 and back, its rotary frequencies with the weights. A
    // checkpoint does not hold them, so that whoever loads the folder has them in float32 (and is off by 0.007 to
    // 0.08).
    for (float& frequency : model.frequencies) frequency = f32_from_bf16(bf16_from_f32(frequency));
    const auto expected = golden.floats("logits_bf16_weights");
    CHECK(largest_difference(all_logits(model, context, golden.int32s("ids"), 2), expected.data()) <= logits_tolerance);
  });
}

TEST_CASE("golden greedy ids") {
  for (const char* const format : {"safetensors", "sharded"})
    each_golden(format, [](const AnyLlama& model, const Golden& golden, Context& context) {
      const auto prompt = golden.int32s("prompt"), expected = golden.int32s("greedy");
      CHECK(tfm_test::greedy(model, context, prompt, static_cast<Index>(expected.size() - prompt.size())) == expected);
    });
}

TEST_CASE("golden logits of a batch that is padded on the left") {
  each_golden("safetensors", [](const AnyLlama& model, const Golden& golden, Context& context) {
    const auto ids = golden.int32s("padded.ids");
    const auto mask = golden.values<unsigned char>("padded.mask");
    const auto expected = golden.floats("padded.logits");
    const Buffer logits = all_logits(model, context, ids, golden.shape("padded.ids")[0], Format::f32, mask);
    Index valid = 0;
    for (std::size_t t = 0; t < mask.size(); ++t) {
      const View row = logits.view().slice(static_cast<Index>(t), 1);
      if (mask[t] == 0) continue;
      ++valid;
      CHECK(largest_difference(row, expected.data() + static_cast<Index>(t) * row.cols) <= logits_tolerance);
    }
    CHECK(valid == 24 + 17 + 9 + 1);
  });
}

namespace {

struct GqaTied : LlamaShape {
  static constexpr Index vocab = 320, dim = 96, layers = 3, heads = 6, kv_heads = 2, ffn = 176, context = 128;
  static constexpr bool tied = true;
};
struct Llama3Rope : LlamaShape {
  static constexpr Index vocab = 320, dim = 64, layers = 2, heads = 4, kv_heads = 2, ffn = 176, context = 128,
                         head_dim = 32;
  static constexpr float norm_eps = 1e-6f, rope_theta = 500000.f;
  static constexpr RopeScaling rope_scaling{RopeScaling::Kind::llama3, 8, 1, 4, 64};
};

template <class S>
void require_same_as_dynamic(const char* name) {
  const auto folder = tfm_test::require(tfm_test::golden() / "llama" / name);
  if (!folder) return;
  const Golden golden(*folder / "golden.safetensors");
  const auto fixed = load<Llama<S, EveryLinear<FrozenF32>>>(*folder / "safetensors");
  const auto dynamic = load_llama(*folder / "safetensors");
  for (const Isa isa : tfm_test::isas()) {
    INFO(name << " " << tfm::name(isa));
    Context context = exact(isa);
    CHECK(tfm_test::same_bits(all_logits(fixed.model, context, golden.int32s("ids"), 2),
                              all_logits(dynamic.model, context, golden.int32s("ids"), 2)));
  }
}

}  // namespace

TEST_CASE("a shape that is part of the type gives the bits of the one that is read from the file") {
  require_same_as_dynamic<GqaTied>("gqa_tied");
  require_same_as_dynamic<Llama3Rope>("llama3_rope");
}

namespace {
struct OtherFfn : GqaTied {
  static constexpr Index ffn = 180;
};
}  // namespace

TEST_CASE("a static shape that is not the file's is refused with both sizes") {
  const auto folder = tfm_test::require(tfm_test::golden() / "llama/gqa_tied/safetensors");
  if (!folder) return;
  const auto error = tfm_test::error_of<ShapeError>([&] { load<Llama<OtherFfn, EveryLinear<FrozenF32>>>(*folder); });
  INFO(error);
  CHECK(error.starts_with("tfm: " + folder->string() + ": ffn is 176"));
  CHECK(error.ends_with("expects 180"));
}
