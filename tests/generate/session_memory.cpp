// memory() against what a session allocates.
#include "support/allocations.inl"
#include "support/catch.hpp"
#include "support/generated_llama.hpp"
#include "tfm/generate/session.hpp"

using namespace tfm;

TEST_CASE("memory() holds what a session allocates, and at most 5 % more", "[session]") {
  // Logits are much of it: 30,000 numbers beside a small model.
  const DynamicLlamaShape shape{
      .vocab = 30'000, .dim = 32, .layers = 2, .heads = 4, .kv_heads = 2, .ffn = 64, .context = 512, .tied = true};
  for (const auto& [context, chunk, threads, cache] : {std::tuple{Index{0}, Index{512}, 1, Format::f16},
                                                       {Index{128}, Index{32}, 3, Format::f32},
                                                       {Index{256}, Index{64}, 2, Format::q8_0}}) {
    CAPTURE(context, chunk, threads);
    tfm_test::Allocations counted;
    const auto model = tfm_test::generated_llama(shape, Format::q8_0);
    counted.forget_peak();  // packing's own
    const Memory promised = model.memory({.context = context, .chunk = chunk, .threads = threads, .cache = cache});
    Session session(model, {.context = context, .chunk = chunk, .threads = threads, .cache = cache});
    const std::vector<Token> ids(to_size(session.capacity() - 1), 7);
    const auto own = static_cast<long long>(ids.size() * sizeof(Token));
    session.evaluate(ids);
    session.evaluate(std::span(ids).first(1));
    const long long used = counted.peak() - own;
    INFO("promised " << promised.weights << " + " << promised.cache << " + " << promised.scratch << " + "
                     << promised.logits << "; counted " << used);
    CHECK(used <= promised.total());
    CHECK(static_cast<double>(promised.total()) <= 1.05 * static_cast<double>(used));
    CHECK(promised.logits == 2 * 4 * shape.vocab);
  }
}
