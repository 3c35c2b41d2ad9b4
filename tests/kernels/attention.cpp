// Attention: equal to its plain loop, and that close to softmax(q kᵀ scale) v in double precision; its weights.
#include "tfm/kernels/attention.hpp"

#include <limits>

#include "support/catch.hpp"
#include "support/close.hpp"
#include "support/isas.hpp"
#include "support/random.hpp"
#include "tfm/kernels/cache.hpp"
#include "tfm/kernels/plain_attention.hpp"

using namespace tfm;
using kernels::AttentionSequence;
using kernels::AttentionShape;
using tfm_test::random_matrix;
using tfm_test::rounding;
using tfm_test::same_bits;

namespace {

struct Case {
  Index heads, kv_heads, head_dim, position, tokens;
  Index window = 0;
  float cap = 0;
};
constexpr Case cases[] = {{1, 1, 2, 0, 1},   {4, 4, 16, 0, 17},  {6, 2, 20, 5, 3},
                          {9, 1, 64, 63, 2}, {9, 3, 64, 64, 1},  {3, 3, 48, 62, 70},
                          {7, 7, 8, 130, 1}, {8, 2, 32, 0, 200}, {14, 2, 80, 127, 33},
                          {5, 1, 35, 61, 6}, {9, 3, 64, 255, 1}, {8, 1, 20, 256, 1},
                          {4, 2, 32, 250, 9}, {26, 1, 16, 700, 1}, {4, 4, 48, 1023, 2},
                          {4, 2, 16, 0, 80, 9},  {3, 1, 20, 100, 1, 64, 3.f}, {6, 2, 32, 300, 70, 100},
                          {2, 1, 16, 700, 1, 512}, {8, 2, 20, 510, 5, 1, 2.f},  {2, 2, 16, 240, 90, 260},
                          {2, 2, 32, 70, 3, 500, 30.f}};
constexpr Format formats[] = {Format::f32, Format::f16, Format::q8_0};

// Keys and values of positions 0 .. position + tokens in the kernel's layout, and as the numbers that they then are.
struct Cache {
  AttentionShape shape;
  Index positions;
  AlignedBytes keys, values;
  Buffer k, v;  // as they were appended

  // Random ones; what nobody has written is no number.
  Cache(const Case& c, Format format, std::uint64_t seed, float spread)
      : shape{c.heads, c.kv_heads, c.head_dim, format, 0, 0, 1 / std::sqrt(static_cast<float>(c.head_dim)), c.cap, c.window},
        positions(c.position + c.tokens), k(random_matrix(seed, positions, c.kv_heads * c.head_dim, spread)),
        v(random_matrix(seed + 1, positions, c.kv_heads * c.head_dim)) {
    const Index panels = round_up(positions, 64) / 16;
    shape.key_head_bytes = panels * kernels::key_panel_bytes(format, c.head_dim);
    shape.value_head_bytes = panels * kernels::value_panel_bytes(format, c.head_dim);
    keys = AlignedBytes(c.kv_heads * shape.key_head_bytes);
    values = AlignedBytes(c.kv_heads * shape.value_head_bytes);
    std::memset(keys.data(), 0xff, to_size(keys.size()));
    std::memset(values.data(), 0xff, to_size(values.size()));
    append();
  }
  void append() {
    Context context(1);
    kernels::append_keys_values(context, shape, k, v, 0, keys.data(), values.data());
  }
  kernels::plain::CachedHead head(Index kv_head) const {
    return {keys.data() + kv_head * shape.key_head_bytes, values.data() + kv_head * shape.value_head_bytes, shape};
  }
};

// In double precision: probabilities [position + tokens], and how far float32's may be from them, relatively.
struct Naive {
  std::vector<double> probability;
  double tolerance = 0;
};
// The first key that a token sees which sees no other behind `visible`.
Index first_of(const Cache& cache, Index visible) { return cache.shape.window == 0 ? 0 : std::max<Index>(0, visible - cache.shape.window); }
Naive naive(const Cache& cache, const float* q, Index kv_head, Index visible) {
  const auto head = cache.head(kv_head);
  std::vector<double> score;
  double largest = -1e300, worst = 0, total = 0;
  for (Index j = 0; j < visible; ++j) {
    double sum = 0, magnitude = 0;
    for (Index d = 0; d < cache.shape.head_dim; ++d) {
      const double term =
          static_cast<double>(q[d]) * static_cast<double>(head.key(j, d)) * static_cast<double>(cache.shape.scale);
      sum += term;
      magnitude += std::abs(term);
    }
    if (const double cap = static_cast<double>(cache.shape.cap); cap != 0) sum = cap * std::tanh(sum / cap), magnitude += 5e-7 / rounding / static_cast<double>(cache.shape.head_dim) * cap;
    if (j < first_of(cache, visible)) sum = -std::numeric_limits<double>::infinity(), magnitude = 0;
    score.push_back(sum);
    largest = std::max(largest, sum);
    worst = std::max(worst, magnitude);
  }
  for (const double s : score) total += std::exp(s - largest);
  Naive result;
  for (const double s : score) result.probability.push_back(std::exp(s - largest) / total);
  // A score is head_dim fused steps and a product; its difference to the largest rounds; exp is within 2e-7, once for
  // the key and once for each block's and each piece's correction; the sum has visible / 16 steps. Above and below the fraction.
  result.tolerance = 2 * (static_cast<double>(cache.shape.head_dim + 2) * rounding * worst + 2 * rounding * worst +
                          2.6e-7 * static_cast<double>(1 + ceil_div(visible, 64) + ceil_div(visible, 256))) +
                     static_cast<double>(visible / 16 + 8) * rounding;
  return result;
}

void require_close_to_naive(const Cache& cache, const AttentionSequence& s) {
  const Index group = cache.shape.heads / cache.shape.kv_heads, head_dim = cache.shape.head_dim,
              all = s.position + s.q.rows;
  for (Index h = 0; h < cache.shape.heads; ++h)
    for (Index t = 0; t < s.q.rows; ++t) {
      const Index visible = s.position + t + 1;
      const Naive expected = naive(cache, s.q.row(t) + h * head_dim, h / group, visible);
      const auto head = cache.head(h / group);
      for (Index d = 0; d < head_dim; ++d) {
        double sum = 0, magnitude = 0;
        for (Index j = 0; j < visible; ++j) {
          sum += expected.probability[to_size(j)] * static_cast<double>(head.value(j, d));
          magnitude += expected.probability[to_size(j)] * std::abs(static_cast<double>(head.value(j, d)));
        }
        const double found = static_cast<double>(s.out.row(t)[h * head_dim + d]);
        REQUIRE(std::abs(found - sum) <= (expected.tolerance + static_cast<double>(visible) * rounding) * magnitude);
      }
      if (s.weights == nullptr) continue;
      const float* const row = s.weights + (h * s.q.rows + t) * all;
      double sum = 0;
      for (Index j = 0; j < all; ++j) {
        const double found = static_cast<double>(row[j]), wanted = j < visible ? expected.probability[to_size(j)] : 0;
        if (j < first_of(cache, visible)) REQUIRE(found == 0);
        REQUIRE(std::abs(found - wanted) <= expected.tolerance * wanted + 1.3e-38);  // exponential() ends at e^-87.3
        sum += found;
      }
      REQUIRE(std::abs(sum - 1) <= (static_cast<double>(visible / 16 + 8)) * rounding + 6e-7);
    }
}

}  // namespace

TEST_CASE("attention equals its plain loop, and is close to the mathematics") {
  Context context(3);
  for (const Case& c : cases)
    for (const Format format : formats)
      for (const float spread : {1.f, 6.f}) {  // 6: probabilities near 0 and 1
        const Cache cache(c, format, 11, spread);
        const Buffer q = random_matrix(10, c.tokens, c.heads * c.head_dim, spread);
        Buffer plain(c.tokens, c.heads * c.head_dim), plain_weights(c.heads * c.tokens, cache.positions);
        kernels::plain::attention(
            cache.shape, {q, plain, cache.keys.data(), cache.values.data(), c.position, plain_weights.view().data});
        for (const Isa isa : tfm_test::isas()) {
          INFO(c.heads << "/" << c.kv_heads << " heads of " << c.head_dim << ", " << c.tokens << " tokens at "
                       << c.position << ", " << name(format) << " " << name(isa));
          context.isa = isa;
          Buffer out(c.tokens, c.heads * c.head_dim), watched(c.tokens, c.heads * c.head_dim),
              weights = random_matrix(12, c.heads * c.tokens, cache.positions);
          const AttentionSequence alone[] = {{q, out, cache.keys.data(), cache.values.data(), c.position}};
          kernels::attention(context, cache.shape, alone);
          const AttentionSequence with_weights[] = {
              {q, watched, cache.keys.data(), cache.values.data(), c.position, weights.view().data}};
          kernels::attention(context, cache.shape, with_weights);
          REQUIRE(same_bits(out, watched));  // asking for the weights changes nothing
          if (has_fma(isa)) REQUIRE((same_bits(out, plain) && same_bits(weights, plain_weights)));
          if (c.tokens * c.heads < 300 && (isa == Isa::baseline || isa == tfm_test::isas().back()))
            require_close_to_naive(cache, with_weights[0]);
        }
      }
}

TEST_CASE(
    "attention of a sequence does not depend on its neighbours, its chunks, or what stands beyond it in the cache") {
  Context context(2);
  const Case whole{6, 2, 20, 0, 100};
  for (const Format format : formats) {
    const Cache cache(whole, format, 11, 2);
    const Buffer q = random_matrix(10, 100, 120, 2), other_q = random_matrix(20, 37, 120);
    Buffer out(100, 120), beside(100, 120), chunked(100, 120), other_out(37, 120), last(1, 120);
    const AttentionSequence alone[] = {{q, out, cache.keys.data(), cache.values.data(), 0}};
    kernels::attention(context, cache.shape, alone);
    const Cache wide({6, 2, 20, 91, 37}, format, 31, 2);
    REQUIRE(wide.shape.key_head_bytes == cache.shape.key_head_bytes);
    const AttentionSequence two[] = {{other_q, other_out, wide.keys.data(), wide.values.data(), 91},
                                     {q, beside, cache.keys.data(), cache.values.data(), 0}};
    kernels::attention(context, cache.shape, two);
    CHECK(same_bits(out, beside));
    for (Index from = 0; from < 100; from += 7) {
      const Index n = std::min<Index>(7, 100 - from);
      const AttentionSequence part[] = {
          {q.view().slice(from, n), chunked.view().slice(from, n), cache.keys.data(), cache.values.data(), from}};
      kernels::attention(context, cache.shape, part);
    }
    CHECK(same_bits(out, chunked));
    const AttentionSequence final_token[] = {{q.view().slice(50, 1), last, cache.keys.data(), cache.values.data(), 50}};
    kernels::attention(context, cache.shape, final_token);
    CHECK(same_bits(last, out.view().slice(50, 1)));
  }
}

TEST_CASE("attention that shares out pieces of a token's keys gives a prompt's bits") {
  for (const Case& whole : {Case{6, 2, 20, 0, 800}, Case{6, 2, 20, 0, 800, 300, 5.f}, Case{6, 2, 20, 0, 800, 40}})
  for (const Format format : formats) {
    const Cache cache(whole, format, 11, 2);
    const Buffer q = random_matrix(10, 800, 120, 2);
    Buffer out(800, 120);
    Context one(1);
    const AttentionSequence alone[] = {{q, out, cache.keys.data(), cache.values.data(), 0}};
    kernels::attention(one, cache.shape, alone);
    for (const int threads : {1, 2, 3, 8}) {
      Context context(threads);
      for (const Index at : {255, 256, 511, 512, 700, 767, 768, 799}) {
        Buffer single(1, 120), two(2, 120), three(3, 120);
        const AttentionSequence last[] = {{q.view().slice(at, 1), single, cache.keys.data(), cache.values.data(), at}};
        kernels::attention(context, cache.shape, last);
        REQUIRE(same_bits(single, out.view().slice(at, 1)));
        const AttentionSequence beside[] = {{q.view().slice(100, 1), two.view().slice(0, 1), cache.keys.data(), cache.values.data(), 100},
                                            {q.view().slice(at, 1), two.view().slice(1, 1), cache.keys.data(), cache.values.data(), at},
                                            {q.view().slice(7, 3), three, cache.keys.data(), cache.values.data(), 7}};
        kernels::attention(context, cache.shape, beside);
        REQUIRE(same_bits(two.view().slice(0, 1), out.view().slice(100, 1)));
        REQUIRE(same_bits(two.view().slice(1, 1), out.view().slice(at, 1)));
      }
    }
  }
}

TEST_CASE("attention's scratch stays within what attention_scratch_bytes says") {
  for (const Case& c : cases)
    for (const Format format : formats) {
      Context context(3);
      const Cache cache(c, format, 11, 1);
      const Buffer q = random_matrix(10, c.tokens, c.heads * c.head_dim);
      Buffer out(c.tokens, c.heads * c.head_dim);
      const AttentionSequence alone[] = {{q, out, cache.keys.data(), cache.values.data(), c.position}};
      kernels::attention(context, cache.shape, alone);
      CHECK(context.scratch.peak() > 0);
      CHECK(context.scratch.peak() <= kernels::attention_scratch_bytes(format, c.heads, c.kv_heads, c.head_dim, 1, c.position + c.tokens, 3));
    }
}
