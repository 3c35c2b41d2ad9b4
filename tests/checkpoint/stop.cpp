// Loading that is stopped: Stopped is thrown, from the first moment to the last, and nothing is left of it.
#include "support/after_questions.hpp"
#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/random.hpp"
#include "support/run_llama.hpp"
#include "support/tiny_llama.hpp"
#include "tfm/checkpoint/load_llama.hpp"

using namespace tfm;
using tfm_test::AfterQuestions;
using tfm_test::TinyLlama;

TEST_CASE("loading hears a stop at every question it asks, and leaves nothing behind") {
  const auto bytes = TinyLlama().gguf().bytes();
  load_llama(bytes);
  int stopped = 0;
  for (int n = 0; n < 100'000; n += 1 + n / 8) {
    INFO("stopped at question " << n);
    tfm_test::Allocations counted;
    bool heard = false;
    try {
      load_llama(bytes, "memory", {.threads = 1, .stop = AfterQuestions(n)});
    } catch (const Stopped& stop) {
      heard = true;
      CHECK(std::string(stop.what()) == "tfm: stopped on request");
    }
    if (!heard) break;
    ++stopped;
    CHECK(counted.live() == 0);
  }
  CHECK(stopped > 20);
}

TEST_CASE("a Stopped holds what was half loaded, so that it need not wait until that is freed") {
  const auto bytes = TinyLlama().gguf().bytes();
  try {
    load_llama(bytes, "memory", {.stop = AfterQuestions(20)});
    FAIL("not stopped");
  } catch (const Stopped& stop) {
    CHECK(stop.remains != nullptr);
  }
}

TEST_CASE("a prefill that is stopped at any question leaves the cache as it was") {
  const auto loaded = load_llama(TinyLlama().gguf(Format::q8_0).bytes());
  const AnyLlama& model = loaded.model;
  const tfm_test::Ids before{1, 2, 3}, ids{4, 5, 6, 7, 8, 9, 10, 11};
  const Index starts[] = {0, 3}, more[] = {0, 8}, at[] = {3};
  Context context(1);
  KvCache cache = model.make_cache(1, 32);
  Buffer logits(1, model.shape.vocab);
  model.forward(context, {starts}, before, cache, Logits::last, logits);
  const auto go_on = [&](KvCache& kept) {
    model.forward(context, {.start = more, .position = at}, ids, kept, Logits::last, logits);
  };
  int stopped = 0;
  for (int n = 0; n < 100'000; ++n) {
    context.stop = AfterQuestions(n);
    bool heard = false;
    try {
      go_on(cache);
    } catch (const Stopped&) {
      heard = true;
    }
    if (!heard) break;
    ++stopped;
    CHECK(cache.length(0) == 3);
  }
  CHECK(stopped > 20);
  // what the stopped ones wrote beyond the cache's length is not seen
  cache.truncate(0, 3);
  context.stop = {};
  go_on(cache);
  Buffer undisturbed(1, model.shape.vocab);
  KvCache fresh = model.make_cache(1, 32);
  model.forward(context, {starts}, before, fresh, Logits::last, undisturbed);
  model.forward(context, {.start = more, .position = at}, ids, fresh, Logits::last, undisturbed);
  CHECK(tfm_test::same_bits(logits, undisturbed));
}

TEST_CASE("progress goes up to the file's bytes") {
  const auto bytes = TinyLlama().gguf().bytes();
  std::vector<Progress> seen;
  load_llama(bytes, "memory", {.progress = [&](const Progress& p) { seen.push_back(p); }});
  REQUIRE(seen.size() == 20);
  CHECK(seen.back().done == seen.back().total);
  CHECK(seen.back().total > static_cast<Index>(bytes.size()) * 9 / 10);
  for (std::size_t i = 1; i < seen.size(); ++i) CHECK(seen[i].done > seen[i - 1].done);
  CHECK(std::string(seen.front().what) == "loading");
}
