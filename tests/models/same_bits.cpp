// A model's logits have the same bits for any number of threads, prompt chunks, neighbours and padding, in decode as in
// prefill, and on every instruction set with a fused multiply-add.
#include "models/hashes.hpp"
#include "support/catch.hpp"
#include "support/generated_llama.hpp"
#include "support/isas.hpp"
#include "support/run_llama.hpp"

using namespace tfm;
using tfm_test::DynamicLlama;
using tfm_test::Ids;

namespace {

constexpr Index length = 200;

struct Variation {
  const char* what;
  int threads;
  Index chunk = 512, neighbours = 0;
};
constexpr Variation variations[] = {
    {"1 thread", 1},
    {"2 threads", 2},
    {"3 threads", 3},
    {"8 threads", 8},
    {"one by one", 1, 1},
    {"chunks of 7", 3, 7},
    {"chunks of 64", 2, 64},
    {"a neighbour", 2, 512, 1},
    {"5 neighbours", 3, 512, 5},
    {"5 neighbours, chunks of 64", 2, 64, 5},
    {"5 neighbours, chunks of 7", 1, 7, 5},
};

// The logits of one sequence of ids, its prompt cut into chunks, between neighbours of other lengths.
Buffer logits_of(const DynamicLlama& model, Context& context, const Ids& ids, const Variation& how,
                 Format cache_format) {
  constexpr Index lengths[] = {3, 77, 1, 130, 199};
  std::vector<Ids> all;
  for (Index i = 0; i < how.neighbours; ++i)
    all.push_back(tfm_test::generated_ids(static_cast<std::uint64_t>(50 + i), lengths[i], model.shape.vocab));
  const auto ours = static_cast<std::size_t>(how.neighbours / 2);
  all.insert(all.begin() + static_cast<std::ptrdiff_t>(ours), ids);

  const auto count = static_cast<Index>(all.size());
  KvCache cache = model.make_cache(count, length, cache_format);
  Buffer wanted(length, model.shape.vocab);
  for (Index from = 0; from < length; from += how.chunk) {
    std::vector<Index> start{0}, position, slot;
    Ids tokens;
    Index our_row = 0;
    for (std::size_t s = 0; s < all.size(); ++s) {
      const Index n = std::min(how.chunk, static_cast<Index>(all[s].size()) - from);
      if (n <= 0) continue;
      if (s == ours) our_row = start.back();
      tokens.insert(tokens.end(), all[s].begin() + from, all[s].begin() + from + n);
      start.push_back(start.back() + n);
      position.push_back(from);
      slot.push_back(count - 1 - static_cast<Index>(s));
    }
    Buffer logits(start.back(), model.shape.vocab);
    model.forward(context, Batch{.start = start, .position = position, .slot = slot}, tokens, cache, Logits::all,
                  logits);
    const Index n = std::min(how.chunk, length - from);
    copy(logits.view().slice(our_row, n), wanted.view().slice(from, n));
  }
  return wanted;
}

// The same as row 1 of a batch of two that is padded, before or after the tokens.
Buffer padded_logits(const DynamicLlama& model, Context& context, const Ids& ids, bool left, Format cache_format) {
  constexpr Index padding = 13;
  const Ids other = tfm_test::generated_ids(60, 50, model.shape.vocab);
  Ids tokens(to_size(2 * (length + padding)), 5);
  std::vector<unsigned char> valid(tokens.size(), 0);
  const auto place = [&](const Ids& sequence, Index row) {
    const Index first = (length + padding) * row + (left ? length + padding - static_cast<Index>(sequence.size()) : 0);
    std::copy(sequence.begin(), sequence.end(), tokens.begin() + first);
    std::fill_n(valid.begin() + first, sequence.size(), static_cast<unsigned char>(1));
    return first;
  };
  place(other, 0);
  const Index first = place(ids, 1);
  const Buffer logits = tfm_test::all_logits(model, context, tokens, 2, cache_format, valid);
  Buffer wanted(length, model.shape.vocab);
  copy(logits.view().slice(first, length), wanted);
  return wanted;
}

void require_same_bits(const DynamicLlama& model, const std::string& what, Arithmetic arithmetic, Format cache_format) {
  const Ids ids = tfm_test::generated_ids(1, length, model.shape.vocab);
  {
    Context context(1);
    const Buffer logits = tfm_test::all_logits(model, context, ids, 1);
    const auto [low, high] = std::minmax_element(logits.view().data, logits.view().data + logits.view().size());
    REQUIRE((*low < -0.5f && *low > -100 && *high > 0.5f && *high < 100));  // numbers that are worth a hash
  }
  for (const Isa isa : tfm_test::isas()) {
    std::uint64_t expected = 0;
    const auto check = [&](const char* how, const Buffer& logits) {
      INFO(name(isa) << ", " << how);
      const std::uint64_t found = tfm_test::hash(logits);
      // A region without fused multiply-add, and bfloat16 products, have bits of their own: whatever the first run
      // gave.
      const bool everywhere = has_fma(isa) && arithmetic != Arithmetic::bf16;
      if (everywhere) tfm_test::check_hash(tfm_test::model_hashes, what, found);
      else if (expected == 0) expected = found;
      else CHECK(tfm_test::as_hex(found) == tfm_test::as_hex(expected));
    };
    for (const Variation& how : variations) {
      Context context(how.threads);
      context.isa = isa;
      context.arithmetic = arithmetic;
      check(how.what, logits_of(model, context, ids, how, cache_format));
    }
    Context context(2);
    context.isa = isa;
    context.arithmetic = arithmetic;
    check("padded on the left", padded_logits(model, context, ids, true, cache_format));
    check("padded on the right", padded_logits(model, context, ids, false, cache_format));
  }
}

std::string described(const char* model, Format format, Arithmetic arithmetic, Format cache) {
  return std::string(model) + " " + std::string(name(format)) + " " + std::string(name(arithmetic)) + ", cache " +
         std::string(name(cache));
}

// Widths that are no multiple of 64; the second one's are no multiple of 16 either.
constexpr DynamicLlamaShape even{
    .vocab = 211, .dim = 96, .layers = 2, .heads = 6, .kv_heads = 3, .ffn = 160, .context = 256};
constexpr DynamicLlamaShape odd{.vocab = 101,
                                .dim = 60,
                                .layers = 2,
                                .heads = 3,
                                .kv_heads = 1,
                                .ffn = 133,
                                .context = 256,
                                .norm_eps = 1e-6f,
                                .tied = true,
                                .rope_scaling = {.kind = RopeScaling::Kind::linear, .factor = 4}};

}  // namespace

TEST_CASE("the same bits whatever the threads, chunks, neighbours, padding and instruction set", "[slow]") {
  for (const Format format :
       {Format::f32, Format::f16, Format::bf16, Format::q8_0, Format::q4_0, Format::q4_1, Format::int8}) {
    const DynamicLlama model = tfm_test::generated_llama(even, format);
    for (const Arithmetic arithmetic : {Arithmetic::exact, Arithmetic::fast})
      for (const Format cache : {Format::f32, Format::f16})
        require_same_bits(model, described("even", format, arithmetic, cache), arithmetic, cache);
  }
}

TEST_CASE("the same bits with odd widths") {
  for (const Format format : {Format::f32, Format::int8}) {
    const DynamicLlama model = tfm_test::generated_llama(odd, format);
    for (const Arithmetic arithmetic : {Arithmetic::exact, Arithmetic::fast})
      for (const Format cache : {Format::f32, Format::f16})
        require_same_bits(model, described("odd", format, arithmetic, cache), arithmetic, cache);
  }
}

TEST_CASE("the same bits with keys and values in Q8_0") {
  const DynamicLlama whole = tfm_test::generated_llama(even, Format::q8_0), parts = tfm_test::generated_llama(odd, Format::f32);
  for (const Arithmetic arithmetic : {Arithmetic::exact, Arithmetic::fast}) {
    require_same_bits(whole, described("even", Format::q8_0, arithmetic, Format::q8_0), arithmetic, Format::q8_0);
    require_same_bits(parts, described("odd", Format::f32, arithmetic, Format::q8_0), arithmetic, Format::q8_0);
  }
}

TEST_CASE("bfloat16 arithmetic has the same bits on one machine") {
  for (const Format format : {Format::f32, Format::f16, Format::bf16, Format::q4_1})
    require_same_bits(tfm_test::generated_llama(even, format), "", Arithmetic::bf16, Format::f16);
}

TEST_CASE("the logits of last tokens are those rows of all logits") {
  const DynamicLlama model = tfm_test::generated_llama(even, Format::q8_0);
  Context context(2);
  const Ids ids = tfm_test::generated_ids(1, 60, model.shape.vocab);
  const std::vector<Index> start{0, 20, 21, 60};
  KvCache cache = model.make_cache(3, 64), other = model.make_cache(3, 64);
  Buffer all(60, model.shape.vocab), last(3, model.shape.vocab);
  model.forward(context, Batch{.start = start}, ids, cache, Logits::all, all);
  model.forward(context, Batch{.start = start}, ids, other, Logits::last, last);
  for (const Index s : {0, 1, 2})
    CHECK(tfm_test::same_bits(last.view().slice(s, 1), all.view().slice(start[to_size(s) + 1] - 1, 1)));
}
