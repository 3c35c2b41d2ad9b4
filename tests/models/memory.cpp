// memory() against the allocations that are really made; and decoding, which makes none.
#include "support/allocations.inl"
#include "support/catch.hpp"
#include "support/error_of.hpp"
#include "support/generated_llama.hpp"
#include "support/run_llama.hpp"

using namespace tfm;
using tfm_test::Allocations;

namespace {

struct Toy : LlamaShape {
  static constexpr Index vocab = 512, dim = 64, layers = 5, heads = 8, kv_heads = 4, ffn = 172, context = 512;
};
static_assert(Llama<Toy, EveryLinear<Int8>>::memory({.context = 256, .sequences = 1}).total() < 2 * MiB);
static_assert(Llama<Llama7B, EveryLinear<Q4_0>>::memory({.context = 512}).total() > 3 * GiB);
// 34 bytes of 32 numbers for 64 of binary16
static_assert(64 * Llama<Llama7B, EveryLinear<Q4_0>>::memory({.context = 512, .cache = Format::q8_0}).cache ==
              34 * Llama<Llama7B, EveryLinear<Q4_0>>::memory({.context = 512, .cache = Format::f16}).cache);

struct Medium : LlamaShape {  // 11 million weights
  static constexpr Index vocab = 2000, dim = 256, layers = 10, heads = 8, kv_heads = 4, ffn = 1024, context = 512;
};
struct MediumTied : Medium {
  static constexpr Index vocab = 4001, ffn = 1120;
  static constexpr bool tied = true;
};

// Everything that using the model takes: its weights, a cache, a context with its threads, logits of each sequence.
template <class Model>
void require_bound(const char* what, const MemoryOptions& options, Arithmetic arithmetic) {
  constexpr Memory small = Model::memory({.context = 64, .chunk = 16});
  static_assert(small.total() > 10 * MiB);
  const Memory promised = Model::memory(options);
  INFO(what << ": context " << options.context << ", sequences " << options.sequences << ", chunk " << options.chunk
            << ", threads " << options.threads << ", " << name(arithmetic));
  const Index room = options.context == 0 ? Model().shape.context : options.context;

  Allocations counted;
  Model model;
  tfm_test::generate_weights(model, Format::f32);
  const long long weights = counted.live();
  counted.forget_peak();  // packing's own
  Context context(static_cast<int>(options.threads));
  context.arithmetic = arithmetic;
  KvCache cache = model.make_cache(options.sequences, options.context, options.cache);
  Buffer logits(options.sequences, model.shape.vocab);
  long long ids_and_batch = counted.live();
  const Index each = std::min(options.chunk / options.sequences, room - 2);
  const auto start = tfm_test::equal_starts(options.sequences, each),
             one = tfm_test::equal_starts(options.sequences, 1);
  const auto ids = tfm_test::generated_ids(1, each * options.sequences, model.shape.vocab),
             next = tfm_test::generated_ids(2, options.sequences, model.shape.vocab);
  std::vector<Index> position(to_size(options.sequences), each);
  ids_and_batch = counted.live() - ids_and_batch;  // the caller's
  model.forward(context, Batch{.start = start}, ids, cache, Logits::last, logits);
  model.forward(context, Batch{.start = one, .position = position}, next, cache, Logits::last, logits);
  const long long used = counted.peak() - ids_and_batch;

  INFO("promised " << promised.weights << " + " << promised.cache << " + " << promised.scratch << " + "
                   << promised.logits << " = " << promised.total() << "; counted " << used << ", of which weights "
                   << weights);
  CHECK(used <= promised.total());
  CHECK(weights <= promised.weights);
  if (each * options.sequences == options.chunk)
    CHECK(static_cast<double>(promised.total()) <= 1.05 * static_cast<double>(used));
}

template <class Model>
void require_bounds(const char* what) {
  require_bound<Model>(what, {.context = 512, .threads = 2}, Arithmetic::fast);
  require_bound<Model>(what, {.context = 0, .chunk = 256, .threads = 1, .cache = Format::f32}, Arithmetic::exact);
  require_bound<Model>(what, {.context = 512, .chunk = 128, .threads = 3, .cache = Format::q8_0}, Arithmetic::fast);
  require_bound<Model>(what, {.context = 100, .sequences = 4, .chunk = 64, .threads = 3}, Arithmetic::bf16);
  require_bound<Model>(what, {.context = 1000, .sequences = 2, .chunk = 32, .threads = 2}, Arithmetic::fast);
}

}  // namespace

TEST_CASE("memory() is never less than what is allocated, and at most 5 % more") {
  require_bounds<Llama<Medium, EveryLinear<Q8_0>>>("Q8_0");
  require_bounds<Llama<Medium, EveryLinear<FrozenF32>>>("F32");
  require_bounds<Llama<MediumTied, EveryLoraLinear<Int8>>>("Int8, tied, with slots for adapters");
}

TEST_CASE("memory() of a dynamic shape is that of the same static one") {
  const DynamicLlamaShape same{
      .vocab = 512, .dim = 64, .layers = 5, .heads = 8, .kv_heads = 4, .ffn = 172, .context = 512};
  const auto dynamic = tfm_test::generated_llama(same, Format::int8);
  constexpr MemoryOptions options{.context = 256, .sequences = 2, .threads = 2};
  constexpr Memory fixed = Llama<Toy, EveryLinear<Int8>>::memory(options);
  const Memory found = dynamic.memory(options);
  CHECK(found.weights == fixed.weights);
  CHECK((found.cache == fixed.cache && found.scratch == fixed.scratch && found.logits == fixed.logits));
}

TEST_CASE("after the first token decoding allocates nothing") {
  constexpr DynamicLlamaShape shape{
      .vocab = 211, .dim = 96, .layers = 2, .heads = 6, .kv_heads = 3, .ffn = 160, .context = 256};
  for (const Format format : {Format::f32, Format::bf16, Format::q8_0, Format::q4_1, Format::int8}) {
    const auto model = tfm_test::generated_llama(shape, format);
    for (const Arithmetic arithmetic : {Arithmetic::exact, Arithmetic::fast, Arithmetic::bf16}) {
      INFO(name(format) << " " << name(arithmetic));
      Context context(2);
      context.arithmetic = arithmetic;
      KvCache cache = model.make_cache();
      Buffer logits(1, shape.vocab);
      const Index start[] = {0, 1};
      Index position[] = {0};
      std::int32_t id[] = {3};
      const auto decode = [&] {
        model.forward(context, Batch{.start = start, .position = position}, id, cache, Logits::last, logits);
        id[0] = tfm_test::argmax(logits);
        ++position[0];
      };
      decode();
      const Allocations counted;
      while (position[0] < 150) decode();
      CHECK(counted.calls() == 0);
    }
  }
}

namespace {

constexpr DynamicLlamaShape worn_shape{
    .vocab = 211, .dim = 96, .layers = 2, .heads = 6, .kv_heads = 3, .ffn = 256, .context = 256};
using WornModel = Llama<DynamicLlamaShape, EveryLoraLinear<AnyWeight>>;

// Random pairs for q_proj, gate_proj and down_proj of each layer.
Adapter adapter_for(const WornModel& model, Index rank) {
  Adapter adapter(model, {.rank = rank, .alpha = 0.5f * static_cast<float>(rank), .targets = {"q_proj", "gate_proj", "down_proj"}});
  for (Index slot = 0; slot < adapter.size(); ++slot)
    if (adapter.touches(slot)) {
      LoraPair& pair = adapter[slot];
      copy(tfm_test::random_matrix(1, pair.a.rows(), pair.a.cols(), 0.1f), pair.a.values());
      copy(tfm_test::random_matrix(2, pair.b.rows(), pair.b.cols(), 0.1f), pair.b.values());
    }
  return adapter;
}

}  // namespace

TEST_CASE("scratch stays within what scratch_bytes says, with adapters too") {
  WornModel model(worn_shape);
  tfm_test::generate_weights(model, Format::q8_0);
  for (const Index rank : {1, 8, 700}) {
    const Adapter adapter = adapter_for(model, rank);
    const Adapter* const worn[] = {&adapter, nullptr};
    for (const Index tokens : {1, 33})
      for (const int threads : {1, 3}) {
        Context context(threads);
        KvCache cache = model.make_cache(2);
        Buffer logits(2 * tokens, worn_shape.vocab);
        const Index start[] = {0, tokens, 2 * tokens};
        const tfm_test::Ids ids(to_size(2 * tokens), 5);
        model.forward(context, Batch{.start = start, .adapter = worn}, ids, cache, Logits::all, logits);
        const Index said = WornModel::scratch_bytes(worn_shape, 2 * tokens, 2, threads, rank);
        INFO("rank " << rank << ", " << tokens << " tokens, " << threads << " threads: " << context.scratch.peak() << " of " << said);
        CHECK(context.scratch.peak() <= said);
        CHECK(context.scratch.peak() > WornModel::scratch_bytes(worn_shape, 2 * tokens, 2, threads, 0) / 3);
      }
  }
}

TEST_CASE("scratch_bytes knows what keys and values are kept in") {
  // heads so large that attention takes more than products do
  constexpr DynamicLlamaShape shape{.vocab = 50, .dim = 32, .layers = 1, .heads = 2, .kv_heads = 1, .ffn = 32, .context = 256, .head_dim = 512};
  const auto model = tfm_test::generated_llama(shape, Format::f32);
  using Model = std::remove_const_t<decltype(model)>;
  const Index start[] = {0, 40};
  const tfm_test::Ids ids(40, 5);
  Index peaks[2];
  for (const Format format : {Format::f16, Format::q8_0}) {
    Context context(2);
    KvCache cache = model.make_cache(1, 0, format);
    Buffer logits(40, shape.vocab);
    model.forward(context, Batch{.start = start}, ids, cache, Logits::all, logits);
    peaks[format == Format::q8_0] = context.scratch.peak();
    INFO(name(format) << ": " << context.scratch.peak());
    CHECK(context.scratch.peak() <= Model::scratch_bytes(shape, 40, 1, 2, 0, format));
  }
  CHECK(peaks[0] < peaks[1]);
  CHECK(peaks[1] > Model::scratch_bytes(shape, 40, 1, 2, 0, Format::f16));  // which would have been too little
}

TEST_CASE("an adapter of other sizes is refused") {
  WornModel model(worn_shape);
  tfm_test::generate_weights(model, Format::q8_0);
  const Index start[] = {0, 1};
  const std::int32_t ids[] = {3};
  Context context(1);
  Buffer logits(1, worn_shape.vocab);
  for (const int wrong : {0, 1, 2}) {
    Adapter adapter = adapter_for(model, 4);
    if (wrong == 0) adapter[4].a = F32(4, 95);
    if (wrong == 1) adapter[4].b = F32(255, 4);
    if (wrong == 2) adapter[4].b = F32(256, 5);
    const Adapter* const worn[] = {&adapter};
    KvCache cache = model.make_cache(1);
    const std::string why = tfm_test::error_of<ShapeError>(
        [&] { model.forward(context, Batch{.start = start, .adapter = worn}, ids, cache, Logits::last, logits); });
    INFO(why);
    CHECK(why.find("pair 4 is for a weight of model.layers.0 that is [256, 96]") != std::string::npos);
  }
}

TEST_CASE("decoding with an adapter allocates nothing after the first token") {
  WornModel model(worn_shape);
  tfm_test::generate_weights(model, Format::q8_0);
  const Adapter adapter = adapter_for(model, 700);  // more than the arena was reserved for: it grows at the first token
  const Adapter* const worn[] = {&adapter, nullptr, &adapter};
  const auto arithmetic = GENERATE(Arithmetic::exact, Arithmetic::fast, Arithmetic::bf16);
  Context context(2);
  context.arithmetic = arithmetic;
  KvCache cache = model.make_cache(3);
  Buffer logits(3, worn_shape.vocab);
  const Index start[] = {0, 1, 2, 3};
  Index position[] = {0, 0, 0};
  const std::int32_t ids[] = {3, 4, 5};
  const auto decode = [&] {
    model.forward(context, Batch{.start = start, .position = position, .adapter = worn}, ids, cache, Logits::last,
                  logits);
    for (Index& p : position) ++p;
  };
  decode();
  const Allocations counted;
  while (position[0] < 50) decode();
  CHECK(counted.calls() == 0);
}

TEST_CASE("the counter counts") {
  const Allocations counted;
  {
    Buffer buffer(10, 100);
    CHECK(counted.live() == 4000);
    CHECK(counted.calls() == 1);
  }
  CHECK(counted.live() == 0);
  CHECK(counted.peak() == 4000);
}
