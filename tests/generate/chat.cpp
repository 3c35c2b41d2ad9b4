#include "tfm/generate/chat.hpp"

#include "support/catch.hpp"
#include "support/error_of.hpp"
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

template <class Chat>
std::vector<Token> tokens(Chat& chat) {
  return {chat.session().tokens().begin(), chat.session().tokens().end()};
}

// Throws at the call whose number it is given, from whatever a chat calls: its clock, its progress, or a reply's pieces.
struct Fuse {
  struct Burnt {};
  int left = 0, calls = 0;
  void call() {
    ++calls;
    if (left > 0 && --left == 0) throw Burnt();
  }
  ChatOptions watch(ChatOptions options) {
    options.clock = [this] { return call(), 0.0; };
    options.progress = [this](const Progress&) { call(); };
    options.session.chunk = 16;
    return options;
  }
};

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
  chat.set_adapter(&adapter);
  chat.say("The end");
  REQUIRE(chat.last().prompt_tokens > before);  // all of it again
  REQUIRE(chat.messages().size() == 4);
  REQUIRE(chat.messages()[1].content == bare.messages()[1].content);
  bare.say("The end");
  REQUIRE(chat.messages()[3].content != bare.messages()[3].content);
  chat.set_adapter(nullptr);
  chat.say("Once upon a time");
  require_consistent(chat, options().session);
}

TEST_CASE("what is thrown out of any callback leaves a chat as though the call had not been made") {
  for (const Overflow overflow : {Overflow::error, Overflow::slide}) {  // sliding: the call that fails drops old turns
    ChatOptions seeded = options(overflow == Overflow::error ? 256 : 64, 20);
    seeded.sampler = {.temperature = 1.2f, .seed = 11};
    seeded.overflow = overflow;
    Fuse fuse;
    Chat undisturbed(stories(), seeded), chat(stories(), fuse.watch(seeded)), probe(stories(), fuse.watch(seeded));
    for (const char* text : {"Once upon a time", "The dog ran home"}) {
      REQUIRE(chat.say(text) == undisturbed.say(text));
      probe.say(text);
    }
    const std::string text = "There was a big red ball in the park and a girl";
    const auto say = [&](auto& to) { return to.say(text, [&](std::string_view) { fuse.call(); }); };
    fuse.calls = 0;
    say(probe);
    const int calls = fuse.calls;
    REQUIRE(calls > 15);
    if (overflow == Overflow::slide) REQUIRE(probe.messages().size() < 6);
    const std::string last = chat.messages().back().content;
    for (int n = 1; n <= calls; ++n) {
      fuse.left = n;
      REQUIRE_THROWS_AS(say(chat), Fuse::Burnt);
      REQUIRE((chat.messages().size() == 4 && chat.messages().back().content == last));
      if (overflow == Overflow::error) REQUIRE(tokens(chat) == tokens(undisturbed));
      REQUIRE(chat.last().answer_tokens == undisturbed.last().answer_tokens);
    }
    for (int turn = 0; turn < 2; ++turn) {
      REQUIRE(say(chat) == undisturbed.say(text));
      REQUIRE(tokens(chat) == tokens(undisturbed));
      REQUIRE(chat.messages().size() == undisturbed.messages().size());
    }
    require_consistent(chat, seeded.session);
  }
}

TEST_CASE("a first call that fails leaves a fresh chat") {
  Chat chat(stories(), options()), fresh(stories(), options());
  int pieces = 0;
  REQUIRE_THROWS_AS(chat.say("Lily had a dog", [&](std::string_view) {
    if (++pieces == 3) throw Fuse::Burnt();
  }), Fuse::Burnt);
  REQUIRE((chat.session().length() == 0 && chat.messages().empty()));
  REQUIRE(chat.say("Once upon a time") == fresh.say("Once upon a time"));
  REQUIRE(tokens(chat) == tokens(fresh));
}

TEST_CASE("a chat that begins with messages, or goes on from others, is the fresh one with these, and evaluates what differs") {
  ChatOptions seeded = options();
  seeded.sampler = {.temperature = 1, .seed = 2};
  seeded.system = "A story";
  Chat chat(stories(), seeded);
  chat.say("Once upon a time");
  const std::vector<Message> first(chat.messages().begin(), chat.messages().end());
  chat.say("The dog ran home");
  chat.set_messages(first);
  REQUIRE(chat.messages().size() == 3);
  // What a fresh chat makes of the same history, its sampler as far.
  ChatOptions from = seeded;
  from.messages = first;
  Chat fresh(stories(), from);
  const std::vector<Token> expected = [&] {
    fresh.say("A cat", [](std::string_view) { return false; });
    return std::vector<Token>(fresh.session().tokens().begin(), fresh.session().tokens().begin() + fresh.last().prompt_tokens);
  }();
  chat.say("A cat");
  REQUIRE(chat.session().length() >= fresh.last().prompt_tokens);
  REQUIRE(std::equal(expected.begin(), expected.end(), chat.session().tokens().begin()));
  REQUIRE(chat.last().prompt_tokens < fresh.last().prompt_tokens);
  require_consistent(chat, seeded.session);

  // Greedy: the same question again is the same answer, and costs one token.
  Chat greedy(stories(), options());
  greedy.say("Once upon a time");
  const std::vector<Message> before(greedy.messages().begin(), greedy.messages().end());
  Chat other(stories(), [&] {
    ChatOptions o = options();
    o.messages = before;
    return o;
  }());
  const std::string reply = other.say("The dog ran home");
  greedy.set_messages(before);
  REQUIRE(greedy.say("The dog ran home") == reply);
  greedy.set_messages(before);
  REQUIRE(greedy.say("The dog ran home") == reply);
  REQUIRE(greedy.last().prompt_tokens == 1);
  REQUIRE(tokens(greedy) == tokens(other));
  greedy.set_messages({{Role::user, "Hello"}, {Role::assistant, "Hi"}});  // nothing in common but the beginning
  greedy.say("Once");
  require_consistent(greedy, options().session);
}

TEST_CASE("messages have a system turn, the chat's own where they bring none, and take turns") {
  ChatOptions with = options();
  with.system = "A story";
  with.messages = {{Role::user, "One"}, {Role::assistant, "Two"}};
  Chat chat(stories(), with);
  REQUIRE(chat.messages().size() == 3);
  REQUIRE((chat.messages()[0].role == Role::system && chat.messages()[0].content == "A story"));
  chat.set_messages({{Role::system, "Another"}});
  REQUIRE((chat.messages().size() == 1 && chat.messages()[0].content == "Another"));
  const auto refusal = [&](std::vector<Message> messages) {
    return tfm_test::error_of<TemplateError>([&] { chat.set_messages(std::move(messages)); });
  };
  CHECK(refusal({{Role::user, "One"}}) ==
        "tfm: chat template plain: message 1 of 1 is the user's, expected a last message of the assistant's, after which the user's turn comes");
  CHECK(refusal({{Role::assistant, "One"}}).find("message 1 of 1 is the assistant's, expected the user's") != std::string::npos);
  CHECK(refusal({{Role::user, "One"}, {Role::system, "Two"}}).find("message 2 of 2 is the system's") != std::string::npos);
  REQUIRE((chat.messages().size() == 1 && chat.messages()[0].content == "Another"));
  chat.reset();
  REQUIRE((chat.messages().size() == 1 && chat.messages()[0].content == "A story"));
  with.messages = {{Role::user, "One"}};
  REQUIRE_THROWS_AS(Chat(stories(), with), TemplateError);
}

TEST_CASE("a chat takes a template as Jinja source") {
  ChatOptions given = options();
  given.template_source = "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}";
  Chat chat(stories(), given);
  REQUIRE(chat.chat_template().name() == "chatml");
  for (const char* unknown : {"{{ nobody }}", "  \n"}) {
    given.template_source = unknown;
    CHECK(tfm_test::error_of<TemplateError>([&] { Chat refused(stories(), given); }) ==
          (std::string(unknown).starts_with('{')
               ? "tfm: the chat template that was given cannot be used: it does not write what a user says; there are: plain, chatml, llama2, alpaca"
               : "tfm: the chat template that was given cannot be used: it is empty; there are: plain, chatml, llama2, alpaca"));
  }
  given.chat_template = "plain";
  REQUIRE_THROWS_AS(Chat(stories(), given), OptionError);
}

TEST_CASE("tools answer a reply, and only what is new is evaluated", "[chat]") {
  ChatOptions with = options();
  with.sampler.temperature = 0;
  with.template_source =
      "{% for m in messages %}{% if m.role == 'tool' %}Result: {{ m.content }}\n{% elif m.role == 'user' %}Q: {{ m.content }}\n{% else %}A: {{ m.content }}\n{% endif %}{% endfor %}"
      "{% if add_generation_prompt %}A: {% endif %}";
  Chat chat(stories(), with);
  chat.say("How warm is it");
  const Index before = chat.session().length();
  const std::string reply = chat.say({{Role::tool, "19"}, {Role::tool, "66 F", jinja::make_dict({{jinja::Value::of("name"), jinja::Value::of("heat")}})}});
  CHECK(chat.last().prompt_tokens < 40);
  CHECK(chat.session().length() == before + chat.last().prompt_tokens + chat.last().answer_tokens - 1);
  REQUIRE(chat.messages().size() == 5);
  CHECK((chat.messages()[2].role == Role::tool && chat.messages()[4].content == reply));
  require_consistent(chat, with.session);
  CHECK(stories().tokenizer.decode(chat.session().tokens()).find("\nResult: 19\nResult: 66 F\nA: ") != std::string::npos);
  chat.say("And tomorrow");
  require_consistent(chat, with.session);
  // The same from its messages.
  with.messages.assign(chat.messages().begin(), chat.messages().begin() + 2);
  Chat again(stories(), with);
  chat.set_messages(with.messages);
  CHECK(again.say({{Role::tool, "19"}, {Role::tool, "66 F"}}) == chat.say({{Role::tool, "19"}, {Role::tool, "66 F"}}));
  CHECK(tokens(again) == tokens(chat));
  // A tool answers the assistant alone, and formats know none.
  CHECK_THROWS_WITH(Chat(stories(), with).say({{Role::user, "a"}, {Role::tool, "b"}}), "tfm: chat template its own: message 4 of 4 is the tool's, expected the assistant's: the two take turns");
  Chat plain(stories(), options());
  plain.say("Once");
  CHECK_THROWS_WITH(plain.say({{Role::tool, "b"}}), "tfm: chat template plain: message 3 of 3 is the tool's, expected the user's or the assistant's: this format has no tools");
  CHECK(plain.messages().size() == 2);
}

TEST_CASE("thoughts go to a callback of their own, where the template opens them too") {
  ChatOptions with = options();
  Chat plain(stories(), with);
  std::string answer, thoughts;
  const auto said = [&](std::string_view piece) { answer += piece; };
  const auto thought = [&](std::string_view piece) { thoughts += piece; };
  const std::string reply = plain.say("Once upon a time", said, thought);
  REQUIRE((answer == reply && thoughts.empty()));
  with.template_source = "{% for m in messages %}{{ m.content.split('</think>')[-1] }}\n{% endfor %}{% if add_generation_prompt %}<think>{% endif %}";
  Chat thinker(stories(), with);
  answer.clear();
  const std::string both = thinker.say("Once upon a time", said, thought);
  REQUIRE(!both.empty());
  REQUIRE((answer.empty() && trimmed(both) == trimmed(thoughts)));
  REQUIRE(thinker.messages().back().content == both);
  // The template writes the reply without the mark that it opened: what follows is evaluated from there on, as in a fresh chat.
  const std::vector<Message> before(thinker.messages().begin(), thinker.messages().end());
  with.messages = before;
  Chat fresh(stories(), with);
  REQUIRE(thinker.say("And then?") == fresh.say("And then?"));
  REQUIRE(tokens(thinker) == tokens(fresh));
  require_consistent(thinker, with.session);
}

TEST_CASE("a chat's stop string that spells a control token stops at it") {
  ChatOptions with = options(512, 400);
  with.stop_strings = {"<s>"};
  Chat chat(stories(), with);
  chat.say("Once upon a time");
  REQUIRE(chat.last().reason == StopReason::stop_token);
  REQUIRE(chat.last().answer_tokens == 341);
  with.stop_strings = {chat.messages().back().content.substr(chat.messages().back().content.size() - 5) + "<s>"};
  Chat other(stories(), with);
  other.say("Once upon a time");
  REQUIRE(other.last().reason == StopReason::stop_string);
  REQUIRE(chat.messages().back().content == other.messages().back().content + with.stop_strings[0].substr(0, 5));
  other.say("The end", [](std::string_view) { return false; });
  require_consistent(other, with.session);
}
