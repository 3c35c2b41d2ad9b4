// Windows of attention: the same bits whatever the chunks, threads, neighbours, stops and truncation, at windows around
// blocks, pieces and chunks; and a window beyond the context is none.
#include <algorithm>

#include "models/hashes.hpp"
#include "support/after_questions.hpp"
#include "support/catch.hpp"
#include "support/generated_llama.hpp"
#include "support/run_llama.hpp"
#include "tfm/generate/session.hpp"

using namespace tfm;
using tfm_test::AfterQuestions;
using tfm_test::DynamicLlama;
using tfm_test::generated_ids;
using tfm_test::Ids;

namespace {

constexpr Index tokens = 1300;

/// Two blocks with a window, of which the second turns by another base, around one without.
DynamicLlama windowed(Index window) {
  return tfm_test::generated_llama({.vocab = 61,
                                    .dim = 32,
                                    .layers = 3,
                                    .heads = 4,
                                    .kv_heads = 2,
                                    .ffn = 48,
                                    .context = tokens + 20,
                                    .options = {.window = window, .full_every = 2, .window_rope_theta = 1000}},
                                   Format::f32);
}

/// The hash of the logits of some tokens, read in chunks; `stops`: each is stopped once, at another question, and read
/// again.
std::uint64_t read(const DynamicLlama& model, const Ids& ids, Index chunk, int threads, bool stops = false) {
  Session session(model, {.chunk = chunk, .threads = threads});
  std::uint64_t hash = tfm_test::hash(View{});
  int question = 0;
  for (const Index end : {Index{1}, Index{8}, Index{9}, Index{10}, Index{63}, Index{64}, Index{65}, Index{101},
                          Index{257}, Index{513}, Index{600}, Index{1101}, tokens}) {
    const std::span<const Token> next =
        std::span(ids).subspan(to_size(session.length()), to_size(end - session.length()));
    if (stops) {
      const Index before = session.length();
      session.set_stop(AfterQuestions(question++ % 7));
      try {
        session.evaluate(next);
        session.truncate(before);
      } catch (const Stopped&) {
      }
      REQUIRE(session.length() == before);
      session.set_stop({});
    }
    session.evaluate(next);
    hash = tfm_test::hash({const_cast<float*>(session.logits().data()), 1, model.shape.vocab}, hash);
  }
  return hash;
}

}  // namespace

TEST_CASE("windows: the same bits in chunks of 1, 7 and 512, after stops, and on any number of threads") {
  const Ids ids = generated_ids(3, tokens, 61);
  for (const Index window : {9, 64, 100, 512, 1100}) {
    const DynamicLlama model = windowed(window);
    const std::uint64_t whole = read(model, ids, 512, 2);
    tfm_test::check_hash(tfm_test::model_hashes, "window " + std::to_string(window), whole);
    for (const Index chunk : {1, 7, 512})
      for (const bool stops : {false, true}) {
        INFO("window " << window << ", chunk " << chunk << (stops ? ", stopped" : ""));
        CHECK(read(model, ids, chunk, chunk == 7 ? 1 : 3, stops) == whole);
      }
  }
}

TEST_CASE("windows: what is truncated and read otherwise is what it would have been from the beginning") {
  Ids ids = generated_ids(3, tokens, 61), other = ids;
  for (const Index window : {9, 100, 1100}) {
    const DynamicLlama model = windowed(window);
    for (const Index kept : {1, 64, 100, 700, 1299}) {
      std::fill(other.begin(), other.end(), 5);
      std::copy_n(ids.begin(), kept, other.begin());
      Session session(model, {.threads = 2}), fresh(model, {.chunk = 100, .threads = 2});
      session.evaluate(ids);
      session.truncate(kept);
      session.evaluate(std::span(other).subspan(to_size(kept)));
      fresh.evaluate(other);
      INFO("window " << window << ", " << kept << " kept");
      CHECK(std::ranges::equal(session.logits(), fresh.logits()));
    }
  }
}

TEST_CASE("windows: a window bites from the first token beyond it on, and one beyond the context does not") {
  const Ids ids = generated_ids(3, 40, 61);
  Context context(2);
  const auto logits = [&](Index window) { return tfm_test::all_logits(windowed(window), context, ids, 1); };
  const Buffer narrow = logits(9), wide = logits(39), wider = logits(4000);
  CHECK(tfm_test::same_bits(narrow.view().slice(0, 9), wider.view().slice(0, 9)));
  CHECK_FALSE(tfm_test::same_bits(narrow.view().slice(9, 1), wider.view().slice(9, 1)));
  CHECK(tfm_test::same_bits(wide.view().slice(0, 39), wider.view().slice(0, 39)));
  CHECK_FALSE(tfm_test::same_bits(wide.view().slice(39, 1), wider.view().slice(39, 1)));
}

TEST_CASE("windows: sequences side by side, and padded ones, see their own") {
  const DynamicLlama model = windowed(9);
  const Ids ids = generated_ids(4, 60, 61);
  Context context(2);
  const Buffer alone = tfm_test::all_logits(model, context, Ids(ids.begin(), ids.begin() + 40), 1);
  const std::vector<Index> start{0, 40, 60};
  KvCache cache = model.make_cache(2, 40, Format::f32);
  Buffer both(60, 61);
  model.forward(context, Batch{.start = start}, ids, cache, Logits::all, both);
  CHECK(tfm_test::same_bits(alone, both.view().slice(0, 40)));

  Ids padded(10, 0);
  padded.insert(padded.end(), ids.begin(), ids.begin() + 40);
  std::vector<unsigned char> valid(50, 1);
  std::fill_n(valid.begin(), 10, 0);
  CHECK(tfm_test::same_bits(alone,
                            tfm_test::all_logits(model, context, padded, 1, Format::f32, valid).view().slice(10, 40)));
}
