#include "tfm/generate/session.hpp"

#include "support/catch.hpp"
#include "support/stories.hpp"
#include "tfm/generate/generate.hpp"

using namespace tfm;
using tfm_test::stories;

namespace {

std::vector<Token> some_tokens(Index n) {
  std::vector<Token> ids{1};
  for (Index i = 1; i < n; ++i) ids.push_back(static_cast<Token>(3 + (i * 37) % 500));
  return ids;
}

}  // namespace

TEST_CASE("step takes at most a chunk, and many steps have the bits of one evaluation") {
  const auto ids = some_tokens(100);
  Session whole(stories().model, {.context = 128, .threads = 1}), pieces(stories().model, {.context = 128, .chunk = 7, .threads = 1});
  whole.evaluate(ids);
  std::span<const Token> left = ids;
  int calls = 0;
  while (!left.empty()) {
    REQUIRE_THROWS_AS(pieces.logits(), Error);  // not of the whole yet
    const Index taken = pieces.step(left);
    REQUIRE((taken >= 1 && taken <= 7));
    left = left.subspan(to_size(taken));
    ++calls;
  }
  REQUIRE(calls == 15);
  REQUIRE(std::equal(whole.logits().begin(), whole.logits().end(), pieces.logits().begin()));
  REQUIRE(pieces.length() == 100);
}

TEST_CASE("three calls that end other programs are errors or just work") {
  SECTION("1,500 tokens over the chunk") {
    Session session(stories().model, {.context = 1600, .chunk = 64, .threads = 1});
    session.evaluate(some_tokens(1500));
    REQUIRE(session.length() == 1500);
  }
  SECTION("sampling without logits") {
    Session session(stories().model, {.context = 32, .threads = 1});
    REQUIRE_THROWS_WITH(session.logits(), "tfm: there are no logits: evaluate at least one token first");
    Sampler sampler;
    REQUIRE_THROWS_AS(generate(session, stories().tokenizer, sampler, StopRules(), 5, [](std::string_view) {}), Error);
  }
  SECTION("a context of 1") {
    Session session(stories().model, {.context = 1, .threads = 1});
    session.evaluate(some_tokens(1));
    REQUIRE_THROWS_WITH(session.evaluate(some_tokens(1)), "tfm: 1 tokens do not fit: the context holds 1 of 1");
    Sampler sampler({.temperature = 0});
    const auto out = generate(session, stories().tokenizer, sampler, StopRules(), 5, [](std::string_view) {});
    REQUIRE(out.ids.size() == 1);
    REQUIRE(out.reason == StopReason::context_full);
  }
}

TEST_CASE("what does not fit, or is stopped, changes nothing") {
  StopSource source;
  Session session(stories().model, {.context = 64, .chunk = 8, .threads = 2, .stop = source.token()});
  session.evaluate(some_tokens(20));
  const std::vector<float> before(session.logits().begin(), session.logits().end());
  REQUIRE_THROWS_AS(session.evaluate(some_tokens(45)), ContextFull);
  REQUIRE(session.length() == 20);
  REQUIRE(std::equal(before.begin(), before.end(), session.logits().begin()));

  REQUIRE_THROWS_AS(session.evaluate(some_tokens(40), [&](const Progress& p) {
    if (p.done >= 16) source.request_stop();
  }), Stopped);
  REQUIRE(session.length() == 20);
  source.reset();
  const Token bad[] = {5, 999};
  REQUIRE_THROWS_AS(session.evaluate(bad), ShapeError);
  REQUIRE(session.length() == 20);
  // and it goes on as if nothing had been
  Session fresh(stories().model, {.context = 64, .threads = 2});
  fresh.evaluate(some_tokens(20));
  const Token next[] = {42};
  session.evaluate(next);
  fresh.evaluate(next);
  REQUIRE(std::equal(fresh.logits().begin(), fresh.logits().end(), session.logits().begin()));
}

TEST_CASE("what a callback throws leaves session, logits and sampler as they were") {
  struct Gone {};
  Session session(stories().model, {.context = 64, .chunk = 8, .threads = 1});
  session.evaluate(some_tokens(20));
  const std::vector<float> before(session.logits().begin(), session.logits().end());
  const auto require_as_before = [&] {
    REQUIRE(session.length() == 20);
    REQUIRE(std::equal(before.begin(), before.end(), session.logits().begin()));
  };
  for (const Index at : {8, 16, 20}) {  // the last is told when all has been evaluated
    REQUIRE_THROWS_AS(session.evaluate(some_tokens(20), [&](const Progress& p) {
      if (p.done == at) throw Gone();
    }), Gone);
    require_as_before();
  }
  Sampler sampler({.temperature = 1, .seed = 4});
  for (int last = 1; last < 6; ++last) {
    int pieces = 0;
    REQUIRE_THROWS_AS(generate(session, stories().tokenizer, sampler, StopRules(), 30, [&](std::string_view) {
      if (++pieces == last) throw Gone();
    }), Gone);
    require_as_before();
    REQUIRE(sampler.draws() == 0);
  }
  session.truncate(19);
  REQUIRE_THROWS_AS(session.evaluate(some_tokens(1), [](const Progress&) { throw Gone(); }), Gone);
  REQUIRE((session.length() == 19 && !session.has_logits()));
}

TEST_CASE("a stop string that spells a control token stops at it, also beside other text") {
  const AnyTokenizer& tokenizer = stories().tokenizer;
  const auto run = [&](std::vector<std::string> stops, std::vector<Token> forbidden = {}) {
    Session session(stories().model, {.context = 512, .threads = 1});
    std::vector<Token> ids = tokenizer.encode(UserText{"Once upon a time"});
    ids.insert(ids.begin(), *tokenizer.bos());
    session.evaluate(ids);
    Sampler sampler({.temperature = 0, .forbidden = std::move(forbidden)});
    return generate(session, tokenizer, sampler, StopRules({}, std::move(stops)), 400, [](std::string_view) {});
  };
  const Generated free = run({});
  REQUIRE(free.ids.size() == 400);
  REQUIRE(free.ids[341] == *tokenizer.bos());  // the first control token: a story ends, another begins
  REQUIRE(std::find(free.ids.begin(), free.ids.begin() + 341, *tokenizer.bos()) == free.ids.begin() + 341);
  const std::string story = free.text.substr(0, free.bytes[340]), next = free.text.substr(story.size(), 3);

  const Generated at_token = run({"<s>"});
  CHECK((at_token.reason == StopReason::stop_token && at_token.ids.size() == 341 && at_token.text == story));
  const std::string end = story.substr(story.size() - 4), kept = story.substr(0, story.size() - 4);
  CHECK(run({end + "<s>"}).text == kept);
  CHECK(run({end + "<s>"}).reason == StopReason::stop_string);
  CHECK(run({end + "<s>", "<s>"}).text == kept);
  CHECK(run({end + "<s>" + next}).text == kept);
  CHECK(run({"<s>" + next}).text == story);
  CHECK(run({end + "</s>"}).text == free.text);
  CHECK(run({"<s>"}, {*tokenizer.bos()}).ids.size() == 400);  // never drawn, so nothing stops there
}

TEST_CASE("session options that make no sense are refused by name") {
  REQUIRE_THROWS_WITH(Session(stories().model, {.chunk = 0}), "tfm: chunk is 0, expected at least 1");
  REQUIRE_THROWS_WITH(Session(stories().model, {.threads = -1}), "tfm: threads is -1, expected at least 1, or 0 for one a core");
  REQUIRE_THROWS_WITH(Session(stories().model, {.cache = Format::q4_0}), "tfm: a cache stores F32, F16 or Q8_0, found Q4_0");
  REQUIRE_THROWS_AS(Session(stories().model, {.context = -5}), OptionError);
}

TEST_CASE("a session that wears an adapter has its logits, and forgets what another one evaluated") {
  const AnyLlama& model = stories().model;
  Adapter adapter(model, {.rank = 4, .targets = {"q_proj", "down_proj"}});
  for (Index slot = 0; slot < adapter.size(); ++slot)
    if (adapter.touches(slot)) fill(adapter[slot].b.values(), 0.02f);
  const auto ids = some_tokens(20);
  Session session(model, {.context = 64, .chunk = 8, .threads = 1});
  const auto logits_of = [&] {
    session.evaluate(ids);
    return std::vector<float>(session.logits().begin(), session.logits().end());
  };
  const auto bare = logits_of();
  session.set_adapter(&adapter);
  REQUIRE((session.length() == 0 && !session.has_logits()));
  const auto worn = logits_of();
  REQUIRE(worn != bare);
  const Index start[] = {0, 20};
  const Adapter* const one[] = {&adapter};
  Context context(1);
  KvCache cache = model.make_cache(1, 64);
  Buffer expected(1, model.shape.vocab);
  model.forward(context, {.start = start, .adapter = one}, ids, cache, Logits::last, expected);
  REQUIRE(std::equal(worn.begin(), worn.end(), expected.view().data));
  session.set_adapter(nullptr);
  REQUIRE(logits_of() == bare);
  const Adapter wrong(std::vector<LoraPair>{});
  session.set_adapter(&wrong);  // it changes nothing
  adapter[0].b = F32(3, 4);
  REQUIRE_THROWS_AS(session.set_adapter(&adapter), ShapeError);
  REQUIRE(logits_of() == bare);
}
