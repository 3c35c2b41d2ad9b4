#include "tfm/generate/chat.hpp"

#include "support/catch.hpp"
#include "support/stories.hpp"

using namespace tfm;
using tfm_test::stories;

namespace {

ChatOptions options(Index context = 256, Index max_tokens = 24) {
  return {.sampler = {.temperature = 0}, .max_tokens = max_tokens, .session = {.context = context, .threads = 1}};
}

// The session holds exactly what its tokens say: the next logits are those of a fresh session with the same tokens.
template <class Chat>
void require_consistent(Chat& chat, const SessionOptions& session_options) {
  Session fresh(stories().model, session_options);
  const std::vector<Token> ids(chat.session().tokens().begin(), chat.session().tokens().end());
  fresh.evaluate(ids);
  const Token next[] = {7};
  if (chat.session().room() == 0) return;
  const Index length = chat.session().length();
  chat.session().evaluate(next);
  fresh.evaluate(next);
  REQUIRE(std::equal(fresh.logits().begin(), fresh.logits().end(), chat.session().logits().begin()));
  chat.session().truncate(length);
}

}  // namespace

TEST_CASE("a conversation evaluates only what is new, and callbacks return void or bool") {
  Chat chat(stories(), options());
  std::string streamed;
  const std::string first = chat.say("Once upon a time", [&](std::string_view piece) { streamed += piece; });
  REQUIRE(streamed == first);
  REQUIRE(!first.empty());
  REQUIRE(chat.last().answer_tokens == 24);
  REQUIRE(chat.last().reason == StopReason::max_tokens);
  REQUIRE(chat.last().total_seconds == 0);  // no clock was given
  const Index before = chat.session().length();
  const std::string second = chat.say("The end", [](std::string_view) { return true; });
  // the reply's last token, the closing of its turn, the new message: not the whole again
  REQUIRE(chat.last().prompt_tokens < 20);
  REQUIRE(chat.session().length() == before + chat.last().prompt_tokens + chat.last().answer_tokens - 1);
  REQUIRE(chat.messages().size() == 4);
  REQUIRE(chat.messages()[3].content == second);
  require_consistent(chat, options().session);

  chat.reset();
  REQUIRE(chat.messages().empty());
  REQUIRE(chat.say("Once upon a time") == first);
}

TEST_CASE("a callback's false, and a stop, end the answer and keep what was said") {
  Chat chat(stories(), options());
  int pieces = 0;
  const std::string reply = chat.say("Once upon a time", [&](std::string_view) { return ++pieces < 5; });
  REQUIRE(pieces == 5);
  REQUIRE(chat.last().reason == StopReason::callback);
  REQUIRE(chat.messages().back().content == reply);
  chat.say("there was");
  require_consistent(chat, options().session);

  StopSource source;
  ChatOptions stoppable = options();
  stoppable.session.stop = source.token();
  Chat other(stories(), stoppable);
  pieces = 0;
  other.say("Once upon a time", [&](std::string_view) {
    if (++pieces == 3) source.request_stop();
  });
  REQUIRE(other.last().reason == StopReason::stopped);
  REQUIRE(pieces == 3);
  const auto said = other.messages().size();
  REQUIRE_THROWS_AS(other.say("more"), Stopped);
  REQUIRE(other.messages().size() == said);
  source.reset();
  other.say("more");
  REQUIRE(other.messages().size() == said + 2);
  require_consistent(other, options().session);
}

TEST_CASE("a stop string ends the answer before it, and is forgotten") {
  ChatOptions with = options();
  with.stop_strings = {"girl named"};
  Chat chat(stories(), with);
  const std::string reply = chat.say("Once upon a time, there was a little");
  REQUIRE(chat.last().reason == StopReason::stop_string);
  REQUIRE(reply.find("girl named") == std::string::npos);
  const std::string all = stories().tokenizer.decode(chat.session().tokens());
  REQUIRE(all.find("girl named") == std::string::npos);
  chat.say("boy");
  require_consistent(chat, with.session);
}

TEST_CASE("a prompt that does not fit is ContextFull, before anything changes") {
  Chat chat(stories(), options(48, 10));
  chat.say("Once");
  const std::vector<Token> before(chat.session().tokens().begin(), chat.session().tokens().end());
  std::string long_text;
  for (int i = 0; i < 60; ++i) long_text += "the cat sat on the mat ";
  REQUIRE_THROWS_AS(chat.say(long_text), ContextFull);
  REQUIRE(chat.messages().size() == 2);
  REQUIRE(std::vector<Token>(chat.session().tokens().begin(), chat.session().tokens().end()) == before);
  chat.say("upon");
  REQUIRE(chat.messages().size() == 4);
}

TEST_CASE("an answer that reaches the end of the context stops there and says so") {
  Chat chat(stories(), options(40, 1000));
  chat.say("Once upon a time");
  REQUIRE(chat.last().reason == StopReason::context_full);
  REQUIRE(chat.session().length() <= 40);
  REQUIRE_THROWS_AS(chat.say("and then"), ContextFull);
}

TEST_CASE("sliding keeps the system turn, drops the oldest whole turns, and goes on for more than three contexts") {
  ChatOptions sliding = options(96, 20);
  sliding.overflow = Overflow::slide;
  sliding.system = "A story";
  Chat chat(stories(), sliding);
  Index total = 0, slides = 0;
  while (total < 4 * 96) {
    const auto before = chat.messages().size();
    const std::string text = "Then the dog ran home " + std::to_string(total);
    chat.say(text);
    total += chat.last().answer_tokens + 8;
    REQUIRE(chat.session().length() <= 96);
    REQUIRE(chat.messages().front().role == Role::system);
    REQUIRE(chat.messages().front().content == "A story");
    REQUIRE(chat.messages().size() % 2 == 1);
    REQUIRE(chat.messages()[chat.messages().size() - 2].content == text);
    if (chat.messages().size() != before + 2) ++slides;
    for (std::size_t i = 1; i < chat.messages().size(); ++i) REQUIRE(chat.messages()[i].role == (i % 2 == 1 ? Role::user : Role::assistant));
    require_consistent(chat, sliding.session);
  }
  REQUIRE(slides >= 2);
  std::string long_text;
  for (int i = 0; i < 60; ++i) long_text += "the cat sat on the mat ";
  const auto said = chat.messages().size();
  REQUIRE_THROWS_AS(chat.say(long_text), ContextFull);  // alone too long
  REQUIRE(chat.messages().size() == said);
  chat.say("The end");
}

TEST_CASE("times come from the caller's clock") {
  ChatOptions timed = options();
  double now = 10;
  timed.clock = [&] { return now += 1; };
  Chat chat(stories(), timed);
  chat.say("Once");
  REQUIRE(chat.last().first_token_seconds == 1);
  REQUIRE(chat.last().total_seconds == 2);
}

TEST_CASE("a chat that changes its adapter goes on with the whole conversation") {
  Adapter adapter(stories().model, {.rank = 4, .targets = {"q_proj"}});
  for (Index slot = 0; slot < adapter.size(); ++slot)
    if (adapter.touches(slot)) fill(adapter[slot].b.values(), 0.1f);
  Chat chat(stories(), options()), bare(stories(), options());
  chat.say("Once upon a time");
  bare.say("Once upon a time");
  const Index before = chat.session().length();
  chat.wear(&adapter);
  chat.say("The end");
  REQUIRE(chat.last().prompt_tokens > before);  // all of it again
  REQUIRE(chat.messages().size() == 4);
  REQUIRE(chat.messages()[1].content == bare.messages()[1].content);
  bare.say("The end");
  REQUIRE(chat.messages()[3].content != bare.messages()[3].content);
  chat.wear(nullptr);
  chat.say("Once upon a time");
  require_consistent(chat, options().session);
}
