// A model whose layer carries on a running state in place of keys and values, and cannot go back: a State with checkpoints.
// Session, generate and compare_models work with it as with any CausalModel.
#include <cmath>
#include <vector>

#include "support/catch.hpp"
#include "support/random.hpp"
#include "tfm/generate/compare.hpp"
#include "tfm/generate/session.hpp"

using namespace tfm;

namespace {

constexpr Index width = 8, vocabulary = 50;

/// What the layer carries on, of each slot, and copies of it from where every `apart` positions stood.
class Carried {
  struct Slot {
    Index length = 0;
    std::vector<float> now = std::vector<float>(width);
    std::vector<std::vector<float>> checkpoints{now};  // before positions 0, apart, 2 apart, …
  };
  std::vector<Slot> slots_;
  Index context_;

 public:
  static constexpr Index apart = 5;
  Carried(Index sequences, Index context) : slots_(to_size(sequences)), context_(context) {}

  Index sequences() const noexcept { return std::ssize(slots_); }
  Index context() const noexcept { return context_; }
  Index length(Index slot) const noexcept { return slots_[to_size(slot)].length; }
  std::vector<float>& now(Index slot) noexcept { return slots_[to_size(slot)].now; }
  void advance(Index slot, Index n) {
    Slot& own = slots_[to_size(slot)];
    own.length += n;
    if (own.length % apart == 0) own.checkpoints.push_back(own.now);
  }
  Index truncate(Index slot, Index n) noexcept {
    Slot& own = slots_[to_size(slot)];
    if (n >= own.length) return own.length;
    own.checkpoints.resize(to_size(n / apart + 1));
    own.now = own.checkpoints.back();
    return own.length = n / apart * apart;
  }
  void fork(Index from, Index to) { slots_[to_size(to)] = slots_[to_size(from)]; }
};
static_assert(State<Carried>);

/// h = 0.75 h + embedding[token]; logits = embedding h.
struct Recurrent {
  struct Sizes {
    Index vocab = vocabulary, context = 64;
  } shape;
  Buffer embedding = tfm_test::random_matrix(3, vocabulary, width);
  mutable Index evaluated = 0;

  Carried make_cache(Index sequences = 1, Index context = 0, Format = Format::f32) const { return {sequences, context == 0 ? shape.context : context}; }
  Index forward_bytes(Index, Index, Index, Index, const Carried&) const noexcept { return 0; }
  void require_fit(const Adapter&) const { raise(ShapeError("tfm: no layer of this model can carry an adapter")); }
  void forward(Context& context, const Batch& batch, std::span<const std::int32_t> ids, Carried& state, Logits wanted, MutableView logits) const {
    if (context.stop.stop_requested()) raise(Stopped());
    Index row = 0;
    for (Index s = 0; s < batch.sequences(); ++s) {
      const Index slot = batch.slot_of(s), rows = batch.logit_rows(s, wanted);
      REQUIRE(batch.position_of(s) == state.length(slot));
      for (Index t = 0; t < batch.length(s); ++t, ++evaluated) {
        std::vector<float>& h = state.now(slot);
        const float* const in = embedding.view().row(ids[to_size(batch.first(s) + t)]);
        for (Index i = 0; i < width; ++i) h[to_size(i)] = 0.75f * h[to_size(i)] + in[i];
        state.advance(slot, 1);
        if (t < batch.length(s) - rows) continue;
        for (Index v = 0; v < vocabulary; ++v) {
          float sum = 0;
          for (Index i = 0; i < width; ++i) sum += embedding.view().row(v)[i] * h[to_size(i)];
          logits.row(row)[v] = sum;
        }
        ++row;
      }
    }
  }
};
static_assert(CausalModel<Recurrent>);

const std::vector<Token> text{4, 8, 15, 16, 23, 42, 7, 1, 0, 49, 33, 12, 12, 5};

std::vector<float> logits_of(const Session<Recurrent>& session) { return {session.logits().begin(), session.logits().end()}; }

std::vector<float> fresh(const Recurrent& model, std::span<const Token> tokens, Index chunk) {
  Session session(model, {.chunk = chunk, .threads = 1});
  session.evaluate(tokens);
  return logits_of(session);
}

}  // namespace

TEST_CASE("a recurrent model: pieces of any size and single tokens give what the whole does") {
  const Recurrent model;
  const std::vector<float> whole = fresh(model, text, 64);
  CHECK(whole != fresh(model, std::span(text).first(13), 64));
  for (const Index chunk : {1, 2, 3, 5, 13}) CHECK(fresh(model, text, chunk) == whole);
  Session session(model, {.threads = 1});
  for (const Token token : text) session.evaluate({&token, 1});
  CHECK(logits_of(session) == whole);
}

TEST_CASE("a recurrent model: what is truncated is evaluated again from the last checkpoint") {
  const Recurrent model;
  for (const Index chunk : {1, 3, 64})
    for (Index kept = 0; kept < std::ssize(text); ++kept) {
      INFO("chunk " << chunk << ", " << kept << " tokens kept");
      Session session(model, {.chunk = chunk, .threads = 1});
      session.evaluate(text);
      session.truncate(kept);
      CHECK(session.length() == kept);
      CHECK_FALSE(session.has_logits());
      std::vector<Token> other(text.begin(), text.begin() + kept);
      other.insert(other.end(), {9, 3, 3});
      model.evaluated = 0;
      session.evaluate(std::span(other).subspan(to_size(kept)));
      CHECK(model.evaluated == kept % Carried::apart + 3);
      CHECK(std::vector<Token>(session.tokens().begin(), session.tokens().end()) == other);
      const Index evaluated = model.evaluated;
      CHECK(logits_of(session) == fresh(model, other, 64));
      CHECK(evaluated == kept % Carried::apart + 3);
    }
}

TEST_CASE("a recurrent model: marks are returned to, a stop changes nothing, forks go different ways") {
  const Recurrent model;
  StopSource source;
  Session session(model, {.chunk = 4, .threads = 1, .stop = source.token()});
  session.evaluate(std::span(text).first(8));
  const auto mark = session.mark();
  const std::vector<float> at_mark = logits_of(session);
  session.evaluate(std::span(text).subspan(8));
  session.return_to(mark);
  CHECK(logits_of(session) == at_mark);
  source.request_stop();
  CHECK_THROWS_AS(session.evaluate(std::span(text).subspan(8)), Stopped);
  CHECK(session.length() == 8);
  CHECK(logits_of(session) == at_mark);
  session.set_stop({});
  session.evaluate(std::span(text).subspan(8));
  CHECK(logits_of(session) == fresh(model, text, 64));

  Carried state = model.make_cache(2);
  Context context(1);
  Buffer logits(2, vocabulary);
  const Index whole[] = {0, 7}, slot[] = {0}, starts[] = {0, 1, 2}, position[] = {7, 7};
  model.forward(context, {.start = whole, .slot = slot}, std::span(text).first(7), state, Logits::none, {});
  state.fork(0, 1);
  const Token different[] = {text[7], 11};
  model.forward(context, {.start = starts, .position = position}, different, state, Logits::last, logits);
  std::vector<Token> other(text.begin(), text.begin() + 7);
  other.push_back(11);
  const std::vector<float> one = fresh(model, std::span(text).first(8), 64), two = fresh(model, other, 64);
  CHECK(std::equal(one.begin(), one.end(), logits.view().row(0)));
  CHECK(std::equal(two.begin(), two.end(), logits.view().row(1)));
}

TEST_CASE("a recurrent model: is compared with itself, and with another") {
  const Recurrent model;
  Recurrent other;
  other.embedding = tfm_test::random_matrix(4, vocabulary, width);
  Context context(1);
  CHECK(compare_models(context, ComparedModel{model}, ComparedModel{model}, text).kl == 0);
  CHECK(compare_models(context, ComparedModel{model}, ComparedModel{other}, text).kl > 0.1);
}
