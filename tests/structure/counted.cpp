// The fixed work whose instructions instruction_counts.py counts, on one thread and in one region: a small LLaMA of random
// weights and d2l.ai's Transformer. Everything before the repeated work is the same for any TIMES.
//   counted decode|decode_any|prefill FORMAT ISA TIMES   a token decoded, by the model or by an AnyModel of it; a prompt of 32 tokens
//   counted lora|transformer FORMAT ISA TIMES      a training step of an adapter; of a Transformer (F32)
// Prints the instruction set whose kernels ran; ends with 3 where the CPU lacks it.
#define TFM_DEFINITIONS  // all but the kernels is compiled here
#include <cstdio>
#include <string>
#include <vector>

#include "support/generated_llama.hpp"
#include "tfm/generate/largest_logit.hpp"
#include "tfm/models/any_model.hpp"
#include "tfm/train/causal_task.hpp"
#include "tfm/train/initialise.hpp"
#include "tfm/train/trainer.hpp"
#include "tfm/train/translation_task.hpp"

namespace {

using namespace tfm;

constexpr DynamicLlamaShape shape{.vocab = 512, .dim = 256, .layers = 2, .heads = 4, .kv_heads = 2, .ffn = 512, .context = 64};
constexpr Index prompt_tokens = 32;

AnyLlama llama(Format format) {
  AnyLlama model(shape);
  tfm_test::generate_weights(model, format, 1, 1);
  return model;
}

template <class Model>
void decode_with(Context& context, const Model& model, Index tokens) {
  KvCache cache = model.make_cache();
  Buffer logits(1, shape.vocab);
  Token next = 1;
  for (Index t = 0; t < tokens; ++t) {
    const Index start[] = {0, 1}, position[] = {t};
    model.forward(context, Batch{.start = start, .position = position}, {&next, 1}, cache, Logits::last, logits);
    likeliest_tokens(context, logits, "counted", {&next, 1});
  }
}

void decode(Context& context, Format format, Index tokens) { decode_with(context, llama(format), tokens); }
void decode_any(Context& context, Format format, Index tokens) { decode_with(context, AnyModel(llama(format)), tokens); }

void prefill(Context& context, Format format, Index times) {
  const AnyLlama model = llama(format);
  const auto prompt = tfm_test::generated_ids(1, prompt_tokens, shape.vocab);
  KvCache cache = model.make_cache();
  Buffer logits(1, shape.vocab);
  for (Index i = 0; i < times; ++i) {
    const Index start[] = {0, prompt_tokens};
    cache.truncate(0, 0);
    model.forward(context, Batch{.start = start}, prompt, cache, Logits::last, logits);
  }
}

// Two texts of 8 and 12 tokens.
void lora(Context& context, Format format, Index steps) {
  const AnyLlama model = llama(format);
  Adapter adapter(model, {});
  std::vector<CausalSample> samples(2);
  const std::vector<CausalSample> none;
  for (std::size_t s = 0; s < 2; ++s) samples[s].labels = samples[s].ids = tfm_test::generated_ids(s, s == 0 ? 8 : 12, shape.vocab);
  CausalTask task(model, &adapter, samples, none);
  Trainer trainer(context, task, adapter_parameters(adapter), AdamW{}, {.steps = steps, .batch = 2, .rate = constant_schedule(3e-4f), .clip = 1});
  trainer.fit();
}

// 16 pairs of 4 to 10 tokens.
void transformer(Context& context, Format, Index steps) {
  Transformer<DynamicTransformerShape, EveryLinear<F32>> model(
      {.source_vocab = 200, .target_vocab = 210, .dim = 32, .layers = 2, .heads = 4, .ffn = 64, .context = 16, .dropout = 0.1f});
  initialise(Parameters(model), XavierUniform{}, 1);
  std::vector<TokenPair> pairs(16);
  for (Index i = 0; i < 16; ++i)
    pairs[to_size(i)] = {tfm_test::generated_ids(static_cast<std::uint64_t>(2 * i), 4 + i % 7, 200),
                         tfm_test::generated_ids(static_cast<std::uint64_t>(2 * i + 1), 10 - i % 5, 210)};
  TranslationTask task(model, pairs, {}, {.bos = 2});
  Trainer trainer(context, task, Parameters(model), Adam{}, {.steps = steps, .batch = 16, .rate = constant_schedule(0.005f), .clip = 1});
  trainer.fit();
}

template <class T>
T named(const std::string& wanted, int count) {
  for (int i = 0; i < count; ++i)
    if (name(static_cast<T>(i)) == wanted) return static_cast<T>(i);
  raise<OptionError>({"counted: there is no ", wanted});
}

}  // namespace

int main(int count, char** words) try {
  if (count != 5) raise<OptionError>({"counted: found ", count - 1, " arguments, expected WORK FORMAT ISA TIMES"});
  const std::string work = words[1];
  const Index times = std::stol(words[4]);
  Context context(1);
  context.isa = named<Isa>(words[3], isa_count);
  if (!supported(context.isa)) return 3;
  const auto run = work == "decode" ? decode : work == "decode_any" ? decode_any : work == "prefill" ? prefill : work == "lora" ? lora : work == "transformer" ? transformer : nullptr;
  if (run == nullptr) raise<OptionError>({"counted: there is no work called ", work});
  run(context, named<Format>(words[2], format_count), times);
  std::puts(name(kernels::table(context).isa).data());
} catch (const Error& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
