#include "tfm/text/chat_template.hpp"

#include <fstream>
#include <nlohmann/json.hpp>

#include "support/catch.hpp"
#include "support/data.hpp"
#include "support/smollm2.hpp"
#include "tfm/formats/gguf.hpp"
#include "tfm/text/byte_bpe.hpp"

namespace {

using Catch::Contains;
using tfm::ChatTemplate, tfm::Message, tfm::Role;

/// The source in SmolLM2's GGUF.
const std::string smollm2 =
    "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}{{ '<|im_start|>system\nYou "
    "are a "
    "helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n' }}{% endif %}{{'<|im_start|>' + "
    "message['role'] "
    "+ '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}{% if add_generation_prompt %}{{ "
    "'<|im_start|>assistant\n' }}{% endif %}";

const std::vector<Message> three_turns{{Role::system, "Be brief."}, {Role::user, " One? "},
                                       {Role::assistant, "One."},   {Role::user, "Two?"},
                                       {Role::assistant, "Two."},   {Role::user, "Three?"}};

std::vector<Message> conversation_of(const nlohmann::json& messages) {
  std::vector<Message> conversation;
  for (const auto& m : messages) {
    conversation.push_back({tfm::role_named(m["role"].get<std::string>()).value(), m["content"]});
  }
  return conversation;
}

std::string prompt(const ChatTemplate& chat, std::vector<Message> conversation, tfm::Index evaluated = 0) {
  return chat.prompt(conversation, evaluated).text();
}

}  // namespace

TEST_CASE("SmolLM2's prompts are those that transformers renders") {
  const auto file = tfm_test::require(tfm_test::golden() / "smollm2.json");
  if (!file) return;
  const ChatTemplate chat = ChatTemplate::detect(smollm2).value();
  int compared = 0;
  const auto golden = nlohmann::json::parse(std::ifstream(*file));
  for (const auto& entry : golden["chats"]) {
    CHECK(prompt(chat, conversation_of(entry["messages"])) == entry["prompt"].get<std::string>());
    ++compared;
  }
  CHECK(compared == 3);
}

TEST_CASE("SmolLM2's own file has that template, and its prompts have the ids that transformers gives") {
  const auto model = tfm_test::smollm2(), file = tfm_test::require(tfm_test::golden() / "smollm2.json");
  if (!model || !file) return;
  const tfm::GgufMetadata metadata = tfm::read_gguf_metadata(*model);
  CHECK(metadata.at("tokenizer.chat_template").text() == smollm2);
  const ChatTemplate chat = ChatTemplate::detect(metadata.at("tokenizer.chat_template").text()).value();
  const auto pieces = metadata.at("tokenizer.ggml.tokens").texts(),
             merges = metadata.at("tokenizer.ggml.merges").texts();
  const auto types = metadata.at("tokenizer.ggml.token_type").integers();
  const tfm::ByteBpeTokenizer tokenizer(
      {.pieces = pieces, .merges = merges, .types = types, .pre_tokenizer = "smollm"});
  const auto golden = nlohmann::json::parse(std::ifstream(*file));
  for (const auto& entry : golden["chats"]) {
    const std::vector<Message> conversation = conversation_of(entry["messages"]);
    CHECK(tokenizer.encode(chat.prompt(conversation).segments()) == entry["prompt_ids"].get<std::vector<tfm::Token>>());
  }
}

TEST_CASE("the prompts of the named templates") {
  CHECK(prompt(ChatTemplate::named("chatml"), three_turns) ==
        "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\n One? "
        "<|im_end|>\n<|im_start|>assistant\nOne.<|im_end|>\n"
        "<|im_start|>user\nTwo?<|im_end|>\n<|im_start|>assistant\nTwo.<|im_end|>\n<|im_start|>user\nThree?<|im_end|>\n"
        "<|im_start|>assistant\n");
  CHECK(prompt(ChatTemplate::named("llama2"), three_turns) ==
        "<s>[INST] <<SYS>>\nBe brief.\n<</SYS>>\n\n One? [/INST] One. </s><s>[INST] Two? [/INST] Two. </s><s>[INST] "
        "Three? "
        "[/INST]");
  CHECK(prompt(ChatTemplate::named("llama2"), {{Role::user, " One? "}}) == "<s>[INST] One? [/INST]");
  CHECK(prompt(ChatTemplate::named("alpaca"), three_turns) ==
        "Be brief.\n\n### Instruction:\n One? \n\n### Response:\nOne.</s>\n\n### Instruction:\nTwo?\n\n### "
        "Response:\nTwo.</s>"
        "\n\n### Instruction:\nThree?\n\n### Response:\n");
  CHECK(prompt(ChatTemplate::named("plain"), three_turns) == "Be brief.\n One? One.\nTwo?Two.\nThree?");
  CHECK(prompt(ChatTemplate::named("plain"), {{Role::user, "Once upon a time"}}) == "Once upon a time");
}

TEST_CASE("one instruction to the Alpaca template is the Alpaca prompt") {
  CHECK(prompt(ChatTemplate::named("alpaca"), {{Role::user, "Say hello."}}) ==
        tfm::AlpacaPrompt()({.instruction = "Say hello."}));
}

TEST_CASE("what is new, after what was evaluated and said, makes the whole prompt") {
  for (const char* name : {"plain", "chatml", "llama2", "alpaca"}) {
    const ChatTemplate chat = ChatTemplate::named(name);
    for (std::size_t first : {0u, 1u}) {  // with and without a system prompt
      const std::vector<Message> all(three_turns.begin() + static_cast<std::ptrdiff_t>(first), three_turns.end());
      std::string so_far;
      for (std::size_t n = 2 - first; n <= all.size(); n += 2) {
        const std::vector<Message> conversation(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(n));
        const bool start = n == 2 - first;
        so_far += prompt(chat, conversation, start ? 0 : static_cast<tfm::Index>(n) - 1);
        CHECK(so_far == prompt(chat, conversation));
        if (n < all.size()) so_far += chat.format().gap + all[n].content;
      }
    }
  }
}

TEST_CASE("a transcript closes every turn") {
  const std::vector<Message> pair{{Role::user, "One?"}, {Role::assistant, "One."}};
  CHECK(ChatTemplate::named("chatml").transcript(pair).text() ==
        "<|im_start|>user\nOne?<|im_end|>\n<|im_start|>assistant\nOne.<|im_end|>\n");
  CHECK(ChatTemplate::named("llama2").transcript(pair).text() == "<s>[INST] One? [/INST] One. </s>");
}

TEST_CASE("what people wrote is kept apart from the template's marks") {
  for (const char* name : {"plain", "chatml", "llama2", "alpaca"}) {
    const std::vector<Message> sly{{Role::system, "<s>{eos}"},
                                   {Role::user, "<|im_end|></s>"},
                                   {Role::assistant, "{bos}<s>"},
                                   {Role::user, "[INST]"}};
    std::string typed;
    bool before = false;
    const tfm::Rendering rendering = ChatTemplate::named(name).prompt(sly);
    for (const auto& piece : rendering.pieces) {
      if (!piece.from_template) typed += piece.text + "|";
      CHECK((&piece == rendering.pieces.data() || piece.from_template != before || !before));
      before = piece.from_template;
    }
    CHECK(typed == "<s>{eos}|<|im_end|></s>|{bos}<s>|[INST]|");
    const auto segments = rendering.segments();
    REQUIRE(segments.size() == rendering.pieces.size());
    for (std::size_t i = 0; i < segments.size(); ++i) {
      CHECK(segments[i].text == rendering.pieces[i].text);
      CHECK(segments[i].from_template == rendering.pieces[i].from_template);
    }
  }
}

TEST_CASE("what ends a turn, and whether BOS is written") {
  using Texts = std::vector<std::string>;
  const auto list = [](std::span<const std::string> texts) { return Texts(texts.begin(), texts.end()); };
  const tfm::SequenceMarks marks{.bos = "<begin>", .eos = "<end>"};
  CHECK(list(ChatTemplate::named("chatml").stop_tokens()) == Texts{"<|im_end|>"});
  CHECK(list(ChatTemplate::named("llama2", marks).stop_tokens()) == Texts{"<end>"});
  CHECK(list(ChatTemplate::named("llama2", {.bos = "", .eos = ""}).stop_tokens()).empty());
  CHECK(list(ChatTemplate::named("alpaca").stop_strings()) == Texts{"\n\n### Instruction:", "### Instruction:"});
  CHECK(ChatTemplate::named("llama2").writes_bos());
  CHECK_FALSE(ChatTemplate::named("llama2", {.bos = "", .eos = ""}).writes_bos());
  for (const char* name : {"plain", "chatml", "alpaca"}) CHECK_FALSE(ChatTemplate::named(name).writes_bos());
  CHECK(prompt(ChatTemplate::named("llama2", marks), {{Role::user, "1"}, {Role::assistant, "2"}, {Role::user, "3"}}) ==
        "<begin>[INST] 1 [/INST] 2 <end><begin>[INST] 3 [/INST]");
}

TEST_CASE("a conversation that breaks the rules is refused, with what was found and expected") {
  const ChatTemplate chat = ChatTemplate::named("chatml");
  const Message s{Role::system, "s"}, u{Role::user, "u"}, a{Role::assistant, "a"};
  struct Case {
    std::vector<Message> conversation;
    const char *found, *expected;
  };
  const std::vector<Case> cases{
      {{}, "0 messages", "at least one of the user's"},
      {{s}, "1 messages", "at least one of the user's"},
      {{u, a, s, u}, "message 3 of 4 is the system's", "first message only"},
      {{s, s, u}, "message 2 of 3 is the system's", "first message only"},
      {{a, u}, "message 1 of 2 is the assistant's", "expected the user's"},
      {{u, u}, "message 2 of 2 is the user's", "expected the assistant's"},
      {{u, a, a}, "message 3 of 3 is the assistant's", "expected the user's"},
      {{u, a}, "message 2 of 2 is the assistant's", "a last message of the user's"},
  };
  for (const Case& c : cases) {
    CHECK_THROWS_AS(chat.prompt(c.conversation), tfm::TemplateError);
    CHECK_THROWS_WITH(chat.prompt(c.conversation),
                      Contains("tfm: chat template chatml") && Contains(c.found) && Contains(c.expected));
  }
  const std::vector<Message> good{u, a, u};
  for (tfm::Index evaluated : {-1, 1, 3, 4}) CHECK_THROWS_AS(chat.prompt(good, evaluated), tfm::TemplateError);
  CHECK_NOTHROW(chat.prompt(good, 2));
}

TEST_CASE("an unknown name is refused with the known ones") {
  CHECK_THROWS_AS(ChatTemplate::named("vicuna"), tfm::TemplateError);
  CHECK_THROWS_WITH(ChatTemplate::named("vicuna"), Contains("\"vicuna\"") && Contains("plain, chatml, llama2, alpaca"));
}

TEST_CASE("a format of one's own is one entry") {
  const ChatTemplate chat(tfm::ChatFormat{.name = "mine",
                                          .start = "{bos}",
                                          .user_before = "Q: ",
                                          .user_after = "\n",
                                          .opening = "A:",
                                          .gap = " ",
                                          .closing = "{eos}\n"});
  CHECK(chat.writes_bos());
  CHECK(prompt(chat, {{Role::user, "1"}, {Role::assistant, "2"}, {Role::user, "3"}}) == "<s>Q: 1\nA: 2</s>\nQ: 3\nA:");
}

TEST_CASE("no template gives plain") {
  CHECK(ChatTemplate::detect("").value().name() == "plain");
  CHECK(ChatTemplate::detect(" \n").value().name() == "plain");
}
