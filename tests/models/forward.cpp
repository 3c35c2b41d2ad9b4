// What forward refuses, what stopping leaves behind, what a watcher sees, and several threads on one model.
#include <array>
#include <atomic>
#include <thread>

#include "support/catch.hpp"
#include "support/error_of.hpp"
#include "support/generated_llama.hpp"
#include "support/isas.hpp"
#include "support/run_llama.hpp"

using namespace tfm;
using tfm_test::DynamicLlama;
using tfm_test::error_of;
using tfm_test::generated_ids;
using tfm_test::Ids;

namespace {

constexpr DynamicLlamaShape shape{
    .vocab = 211, .dim = 96, .layers = 3, .heads = 6, .kv_heads = 3, .ffn = 160, .context = 64};

const DynamicLlama& model() {
  static const DynamicLlama llama = tfm_test::generated_llama(shape, Format::q8_0);
  return llama;
}

struct Call {
  std::vector<Index> start{0, 3, 5}, position{}, slot{};
  std::vector<unsigned char> valid{};
  Ids ids = generated_ids(1, 5, shape.vocab);
  Logits wanted = Logits::last;
  Index rows = 2, cols = shape.vocab;

  void operator()(KvCache& cache) const {
    Context context(1);
    Buffer logits(rows, cols);
    model().forward(context, Batch{.start = start, .position = position, .slot = slot, .valid = valid}, ids, cache,
                    wanted, logits);
  }
};

// The error of a call on a cache whose slots hold 7 and 0 positions; which it must leave as it is.
template <class E>
std::string refused(const Call& call) {
  KvCache cache = model().make_cache(2, 12);
  Call{.start = {0, 7}, .ids = generated_ids(2, 7, shape.vocab), .rows = 1}(cache);
  const Index before[] = {cache.length(0), cache.length(1)};
  const std::string error = error_of<E>([&] { call(cache); });
  CHECK((cache.length(0) == before[0] && cache.length(1) == before[1]));
  return error;
}

}  // namespace

TEST_CASE("forward says what does not fit, and changes nothing") {
  const Call good{.position = {7, 0}};
  {
    KvCache cache = model().make_cache(2, 12);
    Call{.start = {0, 7}, .ids = generated_ids(2, 7, shape.vocab), .rows = 1}(cache);
    good(cache);
    CHECK((cache.length(0) == 10 && cache.length(1) == 2));
  }
  const auto changed = [&](auto change) {
    Call call = good;
    change(call);
    return call;
  };
  CHECK(refused<ShapeError>(changed([](Call& c) { c.ids[3] = -1; })) ==
        "tfm: id -1 at token 3 is outside the vocabulary of 211");
  CHECK(refused<ShapeError>(changed([](Call& c) { c.ids[4] = 211; })) ==
        "tfm: id 211 at token 4 is outside the vocabulary of 211");
  CHECK(refused<ShapeError>(changed([](Call& c) { c.ids.pop_back(); })) ==
        "tfm: the batch has 5 tokens, found 4 ids (at least 1 expected)");
  CHECK(refused<ShapeError>(changed([](Call& c) { c.start = {}, c.position = {}, c.ids = {}; })) ==
        "tfm: the batch has 0 tokens, found 0 ids (at least 1 expected)");
  CHECK(refused<ShapeError>(changed([](Call& c) { c.rows = 5; })) ==
        "tfm: logits need room for [2, 211], found [5, 211]");
  CHECK(refused<ShapeError>(changed([](Call& c) { c.wanted = Logits::all; })) ==
        "tfm: logits need room for [5, 211], found [2, 211]");
  CHECK(refused<ShapeError>(changed([](Call& c) { c.cols = 210; })) ==
        "tfm: logits need room for [2, 211], found [2, 210]");
  CHECK(refused<ShapeError>(changed([](Call& c) {
          c.slot = {1, 1}, c.position = {0, 0};
        })) == "tfm: sequences 0 and 1 are both in slot 1");
  CHECK(refused<ShapeError>(changed([](Call& c) {
          c.slot = {0, 2};
        })) == "tfm: sequence 1 is in slot 2, the cache has 2");
  CHECK(refused<ShapeError>(changed([](Call& c) {
          c.slot = {-1, 1};
        })) == "tfm: sequence 0 is in slot -1, the cache has 2");
  CHECK(refused<ShapeError>(changed([](Call& c) {
          c.position = {6, 0};
        })) == "tfm: sequence 0 begins at position 6, slot 0 holds 7");
  CHECK(refused<ShapeError>(changed([](Call& c) {
          c.start = {0, 5, 5};
        })) == "tfm: sequence 1 has 0 tokens, at least 1 expected");
  CHECK(refused<ShapeError>(changed([](Call& c) {
          c.start = {0, 4, 3}, c.ids.resize(3);
        })) == "tfm: sequence 1 has -1 tokens, at least 1 expected");
  CHECK(refused<ShapeError>(changed([](Call& c) {
          c.start = {1, 3, 5};
        })) == "tfm: Batch::start begins with 1, expected 0");
  CHECK(refused<ShapeError>(changed([](Call& c) { c.position = {7}; })) ==
        "tfm: Batch::position has one entry a sequence, found 1 for 2 sequences");
  CHECK(refused<ShapeError>(changed([](Call& c) {
          c.slot = {0, 1, 1};
        })) == "tfm: Batch::slot has one entry a sequence, found 3 for 2 sequences");
  CHECK(refused<ShapeError>(changed([](Call& c) {
          c.valid = {1, 1};
        })) == "tfm: Batch::valid has one entry a token, found 2 for 5 tokens");
  CHECK(refused<ShapeError>(changed([](Call& c) {
          c.valid = {1, 0, 1, 0, 0};
        })) == "tfm: sequence 1 is padding alone, at least 1 token expected");
  CHECK(refused<ContextFull>(changed([](Call& c) {
          c.start = {0, 6, 7}, c.ids = generated_ids(1, 7, shape.vocab);
        })) == "tfm: slot 0 holds 7 tokens and 6 more were given, its context is 12");
  CHECK(
      refused<ContextFull>(Call{.start = {0, 13}, .slot = {1}, .ids = generated_ids(1, 13, shape.vocab), .rows = 1}) ==
      "tfm: slot 1 holds 0 tokens and 13 more were given, its context is 12");

  const CacheShape layers{2, 3, 16, 12, 2, Format::f16}, heads{3, 6, 16, 12, 2, Format::f16},
      size{3, 3, 32, 12, 2, Format::f16};
  const auto wrong_cache = [](const CacheShape& sizes) {
    KvCache cache(sizes);
    return error_of<ShapeError>([&] { Call{}(cache); });
  };
  CHECK(wrong_cache(layers) == "tfm: the cache has 2 layers of 3 x 16, the model 3 of 3 x 16");
  CHECK(wrong_cache(heads) == "tfm: the cache has 3 layers of 6 x 16, the model 3 of 3 x 16");
  CHECK(wrong_cache(size) == "tfm: the cache has 3 layers of 3 x 32, the model 3 of 3 x 16");
}

TEST_CASE("padding takes no room, needs no id, and gets logits of 0") {
  KvCache cache = model().make_cache(2, 12), other = model().make_cache(2, 12);
  Context context(1);
  const Ids padded{-1, 3,  4,  5,  6,  7,  8,  -1, -1, 9,  10, -1, -1, -1,
                   -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1},
      ragged{3, 4, 5, 6, 7, 8, 9, 10};
  std::vector<unsigned char> valid;
  for (const std::int32_t id : padded) valid.push_back(id >= 0 ? 1 : 0);
  const std::vector<Index> start{0, 14, 28}, ragged_start{0, 8, 9};  // 14 rows in a context of 12; 8 of them tokens
  std::vector<unsigned char> both = valid;
  both[14] = 1;
  Ids ids = padded;
  ids[14] = 11;
  Buffer all(28, shape.vocab), last(2, shape.vocab), expected(9, shape.vocab);
  Ids tokens = ragged;
  tokens.push_back(11);
  model().forward(context, Batch{.start = ragged_start}, tokens, other, Logits::all, expected);
  model().forward(context, Batch{.start = start, .valid = both}, ids, cache, Logits::all, all);
  CHECK((cache.length(0) == 8 && cache.length(1) == 1));
  for (std::size_t t = 0, seen = 0; t < ids.size(); ++t) {
    const View row = all.view().slice(static_cast<Index>(t), 1);
    if (both[t] != 0) CHECK(tfm_test::same_bits(row, expected.view().slice(static_cast<Index>(seen++), 1)));
    else CHECK(std::all_of(row.data, row.data + row.cols, [](float x) { return x == 0; }));
  }
  KvCache again = model().make_cache(2, 12);
  model().forward(context, Batch{.start = start, .valid = both}, ids, again, Logits::last, last);
  CHECK(tfm_test::same_bits(last.view().slice(0, 1), expected.view().slice(7, 1)));
  CHECK(tfm_test::same_bits(last.view().slice(1, 1), expected.view().slice(8, 1)));
}

TEST_CASE("each sequence of a batch may say which of its logits it wants") {
  const std::vector<Index> start{0, 3, 4, 8, 10};
  const Ids ids = generated_ids(4, 10, shape.vocab);
  const std::vector<unsigned char> valid{0, 1, 1, 1, 1, 1, 1, 1, 0, 1};
  const std::vector<Logits> wanted{Logits::none, Logits::last, Logits::all, Logits::last};
  for (const bool padded : {false, true}) {
    INFO((padded ? "padded" : "without padding"));
    Batch batch{.start = start};
    if (padded) batch.valid = valid;
    Context context(2);
    Buffer all(10, shape.vocab), some(6, shape.vocab);
    KvCache one = model().make_cache(4, 12), other = model().make_cache(4, 12);
    model().forward(context, batch, ids, one, Logits::all, all);
    batch.logits = wanted;
    REQUIRE(batch.logit_rows(Logits::all) == 6);
    model().forward(context, batch, ids, other, Logits::all, some);
    const std::array<Index, 6> rows{3, 4, 5, 6, 7, 9};
    for (std::size_t i = 0; i < rows.size(); ++i)
      CHECK(tfm_test::same_bits(some.view().slice(static_cast<Index>(i), 1), all.view().slice(rows[i], 1)));
    const std::vector<Logits> nobody(4, Logits::none);
    batch.logits = nobody;
    for (Index s = 0; s < 4; ++s) other.truncate(s, 0);
    model().forward(context, batch, ids, other, Logits::all, {});
    CHECK(other.length(2) == 4);
    batch.logits = std::span(wanted).first(3);
    CHECK(error_of<ShapeError>([&] { model().forward(context, batch, ids, other, Logits::all, some); }) ==
          "tfm: Batch::logits has one entry a sequence, found 3 for 4 sequences");
    batch.logits = wanted;
    for (Index s = 0; s < 4; ++s) other.truncate(s, 0);
    CHECK(error_of<ShapeError>([&] { model().forward(context, batch, ids, other, Logits::none, all); }) ==
          "tfm: logits need room for [6, 211], found [10, 211]");
  }
}

TEST_CASE("a shape that cannot be is refused in words") {
  const auto made = [](auto change) {
    DynamicLlamaShape s = shape;
    change(s);
    return error_of<ShapeError>([&] { DynamicLlama llama(s); });
  };
  CHECK(made([](auto& s) { s.kv_heads = 4; }) == "tfm: impossible shape: heads must be a multiple of kv_heads");
  CHECK(made([](auto& s) { s.dim = 97; }) == "tfm: impossible shape: dim must be a multiple of heads");
  CHECK(made([](auto& s) { s.head_dim = 7; }) ==
        "tfm: impossible shape: the head size must be even: rotary positions turn pairs");
  CHECK(made([](auto& s) { s.layers = 0; }) ==
        "tfm: impossible shape: vocab, dim, layers, heads, kv_heads, ffn and context must be at least 1");
}

namespace {

// Requests a stop at the n-th time that it is asked, and from then on.
struct StopAt {
  std::shared_ptr<std::atomic<int>> left;
  bool stop_requested() const { return left->fetch_sub(1) <= 0; }
};

}  // namespace

TEST_CASE("a stop in the middle of a forward pass throws, and leaves the cache's length as it was") {
  const Ids first = generated_ids(1, 20, shape.vocab), second = generated_ids(2, 30, shape.vocab);
  const auto run = [&](Context& context, KvCache& cache, const Ids& ids, Buffer& logits) {
    const std::vector<Index> start{0, static_cast<Index>(ids.size())}, position{cache.length(0)};
    model().forward(context, Batch{.start = start, .position = position}, ids, cache, Logits::last, logits);
  };
  Context context(2);
  Buffer expected(1, shape.vocab), logits(1, shape.vocab);
  KvCache whole = model().make_cache();
  run(context, whole, first, expected);
  run(context, whole, second, expected);

  int polls = 0;  // how often an undisturbed pass asks
  {
    KvCache cache = model().make_cache();
    run(context, cache, first, logits);
    const auto left = std::make_shared<std::atomic<int>>(1'000'000);
    context.stop = StopAt{left};
    run(context, cache, second, logits);
    polls = 1'000'000 - *left;
    context.stop = {};
  }
  REQUIRE(polls > 30);
  for (const int at : {0, 1, 2, polls / 4, polls / 2, polls - 2, polls - 1}) {
    INFO("stopped at poll " << at << " of " << polls);
    KvCache cache = model().make_cache();
    run(context, cache, first, logits);
    context.stop = StopAt{std::make_shared<std::atomic<int>>(at)};
    CHECK(error_of<Stopped>([&] { run(context, cache, second, logits); }) == "tfm: stopped on request");
    CHECK(cache.length(0) == 20);
    context.stop = {};
    run(context, cache, second, logits);  // as if nothing had happened
    CHECK(tfm_test::same_bits(logits, expected));
  }
}

TEST_CASE("a watcher sees each layer's attention and hidden states, and costs no bit") {
  for (const Format format : {Format::f32, Format::f16}) {
    const Ids ids = generated_ids(1, 30, shape.vocab), more = generated_ids(2, 9, shape.vocab);
    const std::vector<Index> start{0, 10, 30}, next{0, 4, 9}, position{10, 20};
    Context context(2);
    KvCache cache = model().make_cache(2, 0, format), unwatched = model().make_cache(2, 0, format);
    Buffer logits(9, shape.vocab), same(9, shape.vocab);
    model().forward(context, Batch{.start = start}, ids, cache, Logits::none, {});
    model().forward(context, Batch{.start = start}, ids, unwatched, Logits::none, {});
    std::vector<std::string> seen;
    Watch watch;
    watch.hidden = [&](Index layer, View x) {
      CHECK((x.rows == 9 && x.cols == shape.dim));
      seen.push_back("hidden " + std::to_string(layer));
      if (layer == 0) {
        std::vector<float> embedding(96);
        row(model().embed_tokens, more[3], embedding.data());
        CHECK(tfm_test::same_bits(x.slice(3, 1), {embedding.data(), 1, 96}));
      }
    };
    watch.attention = [&](const AttentionWeights& a) {
      seen.push_back("attention " + std::to_string(a.layer) + " of " + std::to_string(a.sequence));
      const Index before = a.sequence == 0 ? 10 : 20;
      CHECK((a.heads == 6 && a.tokens == (a.sequence == 0 ? 4 : 5) && a.keys == before + a.tokens));
      for (Index h = 0; h < a.heads; ++h)
        for (Index t = 0; t < a.tokens; ++t) {
          double sum = 0;
          for (Index j = 0; j < a.keys; ++j) {
            const float weight = a.head(h).row(t)[j];
            if (j > before + t) CHECK(weight == 0.f);
            else CHECK(weight >= 0.f);
            sum += static_cast<double>(weight);
          }
          CHECK(std::abs(sum - 1) < 1e-6);
        }
    };
    model().forward(context, Batch{.start = next, .position = position}, more, cache, Logits::all, logits, &watch);
    model().forward(context, Batch{.start = next, .position = position}, more, unwatched, Logits::all, same);
    CHECK(tfm_test::same_bits(logits, same));
    CHECK(seen == std::vector<std::string>{"hidden 0", "attention 0 of 0", "attention 0 of 1", "hidden 1",
                                           "attention 1 of 0", "attention 1 of 1", "hidden 2", "attention 2 of 0",
                                           "attention 2 of 1", "hidden 3"});
  }
}

TEST_CASE("what a watcher throws reaches the caller, and the cache is as it was") {
  struct Enough : std::exception {};
  Context context(2);
  KvCache cache = model().make_cache();
  Buffer logits(1, shape.vocab);
  Watch watch;
  const Index start[] = {0, 5};
  const Ids ids = generated_ids(1, 5, shape.vocab);
  watch.hidden = [](Index layer, View) {
    if (layer == 1) throw Enough();
  };
  CHECK_THROWS_AS(model().forward(context, Batch{.start = start}, ids, cache, Logits::last, logits, &watch), Enough);
  CHECK(cache.length(0) == 0);
  watch.hidden = {};
  watch.attention = [](const AttentionWeights&) { throw Enough(); };
  CHECK_THROWS_AS(model().forward(context, Batch{.start = start}, ids, cache, Logits::last, logits, &watch), Enough);
  CHECK(cache.length(0) == 0);
  Context fresh(1);
  KvCache other = model().make_cache();
  Buffer expected(1, shape.vocab);
  model().forward(fresh, Batch{.start = start}, ids, other, Logits::last, expected);
  model().forward(context, Batch{.start = start}, ids, cache, Logits::last, logits);
  CHECK(tfm_test::same_bits(logits, expected));
}

TEST_CASE("several threads share a model and a pool, each with its own context and cache") {
  const auto pool = std::make_shared<Threads>(3);
  const Ids prompts[] = {generated_ids(1, 33, shape.vocab), generated_ids(2, 40, shape.vocab),
                         generated_ids(3, 1, shape.vocab), generated_ids(4, 20, shape.vocab)};
  std::vector<Ids> expected, found(4);
  for (const Ids& prompt : prompts) {
    Context context(1);
    expected.push_back(tfm_test::greedy(model(), context, prompt, 24));
  }
  for (int round = 0; round < 5; ++round) {
    std::vector<std::thread> users;
    for (std::size_t i = 0; i < 4; ++i)
      users.emplace_back([&, i] {
        Context context(pool);
        found[i] = tfm_test::greedy(model(), context, prompts[i], 24);
      });
    for (auto& user : users) user.join();
    CHECK(found == expected);
  }
}
