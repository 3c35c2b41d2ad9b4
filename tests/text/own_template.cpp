#include "tfm/text/own_template.hpp"

#include <filesystem>
#include <string>
#include <vector>

#include "support/catch.hpp"
#include "support/data.hpp"
#include "support/file_text.hpp"
#include "tfm/text/chat_template.hpp"

namespace {

using tfm::ChatTemplate, tfm::Message, tfm::Role;
namespace jinja = tfm::jinja;

const std::string chatml_turns =
    "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + "
    "'\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";

std::string llama2(const std::string& otherwise, const std::string& content, const std::string& reply) {
  return "{% if messages[0]['role'] == 'system' %}{% set loop_messages = messages[1:] %}{% set system_message = "
         "messages[0]['content'] %}" +
         otherwise +
         "{% else %}{% set loop_messages = messages %}{% set system_message = false %}{% endif %}{% for message in "
         "loop_messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ "
         "raise_exception('Conversation "
         "roles must alternate user/assistant/user/assistant/...') }}{% endif %}{% if loop.index0 == 0 and "
         "system_message != false %}{% set content = '<<SYS>>\\n' + system_message + '\\n<</SYS>>\\n\\n' + "
         "message['content'] %}{% else %}{% set content = message['content'] %}{% endif %}{% if message['role'] == "
         "'user' "
         "%}{{ bos_token + '[INST] ' + " +
         content + " + ' [/INST]' }}{% elif message['role'] == 'assistant' %}{{ " + reply +
         " }}{% endif %}{% endfor %}";
}
std::string alpaca(const std::string& before, const std::string& reply) {
  return before +
         "{% for message in messages %}{% if message['role'] == 'user' %}{{ '### Instruction:\\n' + "
         "message['content'] + '\\n\\n' }}{% elif message['role'] == 'assistant' %}{{ '### Response:\\n' + "
         "message['content'] + " +
         reply + " }}{% endif %}{% endfor %}{% if add_generation_prompt %}{{ '### Response:\\n' }}{% endif %}";
}
/// Thoughts of earlier replies are left out, and a switch keeps the model from thinking.
const std::string thinking =
    "{% for m in messages %}<|{{ m.role }}|>{% if m.role == 'assistant' %}{{ m.content.split('</think>')[-1] }}{% else "
    "%}{{ m.content }}{% endif %}<|end|>\n{% endfor %}{% if add_generation_prompt %}<|assistant|>{% if enable_thinking "
    "is false %}<think></think>{% endif %}{% endif %}";

std::string name_of(const std::string& source) {
  const auto found = ChatTemplate::detect(source);
  return found ? found->name() : "none";
}

}  // namespace

TEST_CASE("a template that writes what a known format writes is that format") {
  CHECK(name_of(chatml_turns) == "chatml");
  CHECK(ChatTemplate::detect("{{bos_token}}" + chatml_turns)->format().start == "<s>");
  CHECK(
      name_of(
          "{%- for m in messages %}\n    {{- \"<|im_start|>\" + m.role + \"\\n\" + m.content|trim + \"<|im_end|>\\n\" "
          "}}\n{%- endfor %}\n{%- if add_generation_prompt %}\n    {{- '<|im_start|>assistant\\n' }}\n{%- endif %}") ==
      "chatml");
  const auto polite = ChatTemplate::detect(
      "{% if messages[0]['role'] != 'system' %}{{ \"<|im_start|>system\\nDon't shout.<|im_end|>\\n\" }}{% endif %}" +
      chatml_turns);
  REQUIRE(polite);
  CHECK(polite->name() == "chatml");
  CHECK(polite->default_system() == "Don't shout.");
  const std::string reply = "' '  + content.strip() + ' ' + eos_token";
  CHECK(ChatTemplate::detect(llama2("", "content.strip()", reply))->default_system().empty());
  CHECK(name_of(llama2("", "content.strip()", reply)) == "llama2");
  const auto loose = ChatTemplate::detect(llama2("", "content", "' ' + content + ' ' + eos_token"));
  CHECK(loose->name() == "llama2");
  const std::vector<Message> turns{{Role::user, " a "}, {Role::assistant, " b "}, {Role::user, "c"}};
  CHECK(loose->prompt(turns).text() == "<s>[INST]  a  [/INST]  b  </s><s>[INST] c [/INST]");
  const std::string system =
      "{% if messages[0]['role'] == 'system' %}{{ messages[0]['content'] + '\\n\\n' }}{% else %}{{ 'Below are some "
      "instructions.\\n\\n' }}{% endif %}";
  const auto marked = ChatTemplate::detect(alpaca("{{ bos_token }}" + system, "eos_token + '\\n\\n'"));
  CHECK(marked->name() == "alpaca");
  CHECK(marked->default_system() == "Below are some instructions.");
  CHECK(ChatTemplate::detect(alpaca(system, "'\\n\\n'"))->format().closing == "\n\n");
  // Whatever else is written is run.
  for (const std::string& other :
       {chatml_turns + "!", llama2("", "content.strip()", "' ' + content.strip() + eos_token"), thinking})
    CHECK(name_of(other) == "its own");
}

TEST_CASE("what cannot be used to chat is told") {
  for (const auto& [source, expected] : {std::pair{"{{ nobody }}", "it does not write what a user says"},
                                         {"{{ messages[0].content", "line 1: unexpected end"},
                                         {"{{ raise_exception('never') }}", "never"},
                                         {"{% for m in messages %}{{ m.content + 1 }}{% endfor %}", "concatenate"}}) {
    std::string why;
    CHECK_FALSE(ChatTemplate::detect(source, {}, &why));
    CHECK_THAT(why, Catch::Contains(expected));
  }
}

TEST_CASE("a template of its own: what is new, what ends a turn, and what only it may write") {
  const ChatTemplate chat = ChatTemplate::detect(thinking).value();
  REQUIRE(chat.stop_tokens().size() == 1);
  CHECK(chat.stop_tokens()[0] == "<|end|>");
  std::vector<Message> turns{{Role::user, "<|end|>"}, {Role::assistant, "Yes."}, {Role::user, "Why?"}};
  CHECK(chat.prompt(turns).text() ==
        "<|user|><|end|><|end|>\n<|assistant|>Yes.<|end|>\n<|user|>Why?<|end|>\n<|assistant|>");
  const tfm::Rendering rendering = chat.prompt(turns);
  CHECK((rendering.pieces[0].text == "<|user|>" && rendering.pieces[0].from_template));
  CHECK((rendering.pieces[1].text == "<|end|>" && !rendering.pieces[1].from_template));
  CHECK(chat.prompt(turns, 2).text() == "<|end|>\n<|user|>Why?<|end|>\n<|assistant|>");
  CHECK(chat.added(turns, 2)->text() == chat.prompt(turns, 2).text());
  turns[1].content = "<think>Hm.</think>Yes.";
  CHECK_FALSE(chat.added(turns, 2));  // the reply's thoughts are not there any more
  CHECK_THROWS_AS(chat.prompt(turns, 2), tfm::TemplateError);
  tfm::TemplateInputs inputs;
  inputs.variables.emplace_back("enable_thinking", jinja::Value::of(false));
  CHECK(chat.with(inputs).prompt(turns).text().ends_with("<|assistant|><think></think>"));
  CHECK_THROWS_AS(ChatTemplate::named("chatml").with(inputs), tfm::TemplateError);
  // A known format that is given more than it can write is run.
  const ChatTemplate tools = ChatTemplate::detect(chatml_turns + "{% if tools %}{{ tools|length }}{% endif %}").value();
  CHECK(tools.name() == "chatml");
  inputs.tools = jinja::from_json("[{}, {}]");
  CHECK(tools.with(inputs).prompt(turns).text().ends_with("<|im_start|>assistant\n2"));
}

TEST_CASE("chats through the goldens' templates are what transformers renders") {
  const auto folder = tfm_test::require(tfm_test::shared() / "golden/data/templates");
  if (!folder) return;
  const auto json = [&](const std::string& name) { return jinja::from_json(tfm_test::file_text(*folder / name)); };
  const jinja::Value sources = json("sources.json"), conversations = json("conversations.json");
  int compared = 0, own = 0;
  for (const auto& [file, source] : sources.as<jinja::Dict>().items) {
    const auto mark = [&, &of = source](const char* name) {
      const jinja::Value* found = jinja::find(of, name);
      return found == nullptr ? std::string() : std::string(found->bytes());
    };
    const std::string name(file.bytes());
    CAPTURE(name);
    if (jinja::find(source, "variables") != nullptr) continue;
    const auto chat =
        ChatTemplate::detect(tfm_test::file_text(*folder / (name + ".jinja")), {mark("bos_token"), mark("eos_token")});
    if (!chat) continue;
    tfm::TemplateInputs inputs;
    inputs.now = jinja::DateTime{2024, 9, 5, 14, 3, 9};
    const jinja::Value golden = json(name + ".json");
    for (const char* job : {"user", "system_user", "five_turns", "white_space"}) {
      CAPTURE(job);
      const jinja::Value& expected = *jinja::find(golden, job);
      if (!expected.is(jinja::Kind::text)) continue;
      std::vector<Message> turns;
      for (const jinja::Value& message :
           jinja::find(*jinja::find(conversations, job), "messages")->as<jinja::List>().items)
        turns.push_back({tfm::role_named(jinja::find(message, "role")->bytes()).value(),
                         std::string(jinja::find(message, "content")->bytes())});
      const std::string text = chat->with(inputs).prompt(turns).text();
      // A known format writes the reply's opening where the template has none.
      CHECK((text == expected.bytes() ||
             (chat->name() != "its own" && text == std::string(expected.bytes()) + chat->format().opening)));
      ++compared;
    }
    own += chat->name() == "its own" ? 1 : 0;
  }
  CHECK(compared > 400);
  CHECK(own > 50);
}
