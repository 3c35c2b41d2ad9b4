// KvCache: appended to through attention, truncated, forked; and what it refuses.
#include "tfm/layers/kv_cache.hpp"

#include "support/catch.hpp"
#include "support/error_of.hpp"
#include "support/generated_llama.hpp"

using namespace tfm;
using tfm_test::DynamicLlama;
using tfm_test::random_matrix;

namespace {

constexpr DynamicLlamaShape shape{
    .vocab = 40, .dim = 96, .layers = 2, .heads = 6, .kv_heads = 3, .ffn = 64, .context = 150};

// Two blocks over rows of x as one sequence that stands at slot's length: what a model does between embedding and norm.
Buffer append(const DynamicLlama& model, KvCache& cache, Index slot, View x) {
  Context context(2);
  const Index position = cache.length(slot), half = 8;
  const Index start[] = {0, x.rows}, positions[] = {position}, slots[] = {slot};
  const Batch batch{.start = start, .position = positions, .slot = slots};
  Buffer cosine(x.rows, half), sine(x.rows, half), out(x.rows, x.cols);
  for (Index t = 0; t < x.rows; ++t)
    rope_angles(position + t, model.frequencies.data(), half, cosine.view().row(t), sine.view().row(t));
  copy(x, out);
  for (Index layer = 0; layer < shape.layers; ++layer)
    model.layers[to_size(layer)].forward(context, batch, layer, cache, cosine, sine, 1e-5f, out);
  cache.advance(slot, x.rows);
  return out;
}

}  // namespace

TEST_CASE("a cache is appended to, truncated and forked without leaving a trace") {
  const DynamicLlama model = tfm_test::generated_llama(shape, Format::q8_0);
  const Buffer x = random_matrix(1, 140, shape.dim), other = random_matrix(2, 140, shape.dim);
  for (const Format format : {Format::f32, Format::f16, Format::q8_0}) {
    INFO(name(format));
    KvCache whole = model.make_cache(1, 0, format), cache = model.make_cache(3, 0, format);
    REQUIRE((whole.context() == 150 && cache.sequences() == 3 && cache.length(0) == 0));
    const Buffer expected = append(model, whole, 0, x);
    const auto rows = [&](Index from, Index n) { return expected.view().slice(from, n); };

    // slot 1 in two parts, slot 2 with something else beside it
    CHECK(tfm_test::same_bits(append(model, cache, 1, x.view().slice(0, 70)), rows(0, 70)));
    const Buffer apart = append(model, cache, 2, other.view().slice(0, 90));
    CHECK(tfm_test::same_bits(append(model, cache, 1, x.view().slice(70, 30)), rows(70, 30)));
    REQUIRE((cache.length(0) == 0 && cache.length(1) == 100 && cache.length(2) == 90));

    // another continuation, forgotten: what follows is as if it had never been
    append(model, cache, 1, other.view().slice(0, 50));
    cache.truncate(1, 100);
    REQUIRE(cache.length(1) == 100);
    CHECK(tfm_test::same_bits(append(model, cache, 1, x.view().slice(100, 40)), rows(100, 40)));
    cache.truncate(1, 65);
    cache.truncate(1, 1000);  // nothing to forget
    REQUIRE(cache.length(1) == 65);

    // the fork and its origin go on, each as if it were alone
    cache.fork(1, 0);
    REQUIRE(cache.length(0) == 65);
    KvCache independent = model.make_cache(1, 0, format);
    append(model, independent, 0, x.view().slice(0, 65));
    const Buffer different = append(model, independent, 0, other.view().slice(0, 40));
    CHECK(tfm_test::same_bits(append(model, cache, 0, other.view().slice(0, 40)), different));
    CHECK(tfm_test::same_bits(append(model, cache, 1, x.view().slice(65, 75)), rows(65, 75)));
    cache.fork(1, 1);
    REQUIRE((cache.length(0) == 105 && cache.length(1) == 140));

    // a fork onto a slot that was longer
    cache.fork(0, 1);
    REQUIRE(cache.length(1) == 105);
    CHECK(tfm_test::same_bits(append(model, cache, 1, x.view().slice(0, 9)),
                              append(model, independent, 0, x.view().slice(0, 9))));

    // none of this touched slot 2
    KvCache beside = model.make_cache(1, 0, format);
    CHECK(tfm_test::same_bits(append(model, beside, 0, other.view().slice(0, 90)), apart));
    CHECK(tfm_test::same_bits(append(model, cache, 2, other.view().slice(90, 20)),
                              append(model, beside, 0, other.view().slice(90, 20))));

    cache.truncate(2, 0);
    REQUIRE(cache.length(2) == 0);
    CHECK(tfm_test::same_bits(append(model, cache, 2, x), expected));
  }
}

TEST_CASE("a cache says what it cannot be") {
  const auto made = [](const CacheShape& sizes) {
    return tfm_test::error_of<OptionError>([&] { KvCache cache(sizes); });
  };
  CHECK(made({2, 3, 16, 64, 1, Format::q4_0}) == "tfm: a cache stores F32, F16 or Q8_0, found Q4_0");
  CHECK(made({2, 3, 16, 0, 1, Format::f32}) ==
        "tfm: a cache needs a context and sequences of at least 1, found 0 and 1");
  CHECK(made({2, 3, 16, 64, -1, Format::f32}) ==
        "tfm: a cache needs a context and sequences of at least 1, found 64 and -1");
  CHECK(made({2, 3, 16, 64, 1, Format::f32}) == "no error");
}

TEST_CASE("a cache's bytes are what its shape says") {
  constexpr CacheShape sizes{2, 3, 20, 100, 4, Format::f16};
  // keys 112 x 20 and values 112 x 32 halves for each head: positions and a value's row in sixteens
  static_assert(sizes.bytes() == 2 * 4 * 3 * (112 * 20 + 112 * 32) * 2);
  // of sixteen positions: 16 scales of one block, padded to 64 bytes, and as many bytes as numbers
  static_assert(CacheShape{2, 3, 20, 100, 4, Format::q8_0}.bytes() == 2 * 4 * 3 * 7 * (64 + 16 * 20 + 64 + 16 * 32));
  // of a head that is whole blocks: those of a file
  static_assert(CacheShape{1, 1, 64, 160, 1, Format::q8_0}.bytes() == 2 * 160 * row_bytes(Format::q8_0, 64));
  const KvCache cache(sizes);
  CHECK(cache.shape().bytes() == sizes.bytes());
  CHECK(cache.keys(1, 3) - cache.keys(0, 0) == (1 * 4 + 3) * sizes.sequence_bytes());
}
