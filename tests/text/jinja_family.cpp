#include "tfm/text/jinja_family.hpp"

#include <fstream>
#include <nlohmann/json.hpp>

#include "support/catch.hpp"
#include "support/data.hpp"
#include "tfm/text/chat_template.hpp"

namespace {

using tfm::ChatTemplate, tfm::Message, tfm::Role;

std::string family(std::string_view jinja) {
  const auto format = tfm::recognise_jinja(jinja);
  return format ? format->name : "unknown";
}

const std::string chatml_turns =
    "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + "
    "'\n'}}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";

/// As LLaMA 2's own, with the parts that its relatives do otherwise.
std::string llama2(const std::string& otherwise, const std::string& content, const std::string& reply) {
  return "{% if messages[0]['role'] == 'system' %}{% set loop_messages = messages[1:] %}{% set system_message = "
         "messages[0]['content'] %}" +
         otherwise +
         "{% else %}{% set loop_messages = messages %}{% set system_message = false "
         "%}{% endif %}{% for message in loop_messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) "
         "%}{{ "
         "raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}{% endif %}{% if "
         "loop.index0 == 0 and system_message != false %}{% set content = '<<SYS>>\\n' + system_message + "
         "'\\n<</SYS>>\\n\\n' + message['content'] %}{% else %}{% set content = message['content'] %}{% endif %}{% if "
         "message['role'] == 'user' %}{{ bos_token + '[INST] ' + " +
         content +
         " + ' [/INST]' }}{% elif message['role'] == "
         "'assistant' %}{{ " +
         reply + " }}{% endif %}{% endfor %}";
}
const std::string llama2_reply = "' '  + content.strip() + ' ' + eos_token";

std::string alpaca(const std::string& before, const std::string& reply) {
  return before +
         "{% for message in messages %}{% if message['role'] == 'user' %}{{ '### Instruction:\\n' + "
         "message['content'] + '\\n\\n' }}{% elif message['role'] == 'assistant' %}{{ '### Response:\\n' + "
         "message['content'] + " +
         reply +
         " }}{% endif %}{% endfor %}{% if add_generation_prompt %}{{ "
         "'### Response:\\n' }}{% endif %}";
}
const std::string alpaca_system =
    "{% if messages[0]['role'] == 'system' %}{{ messages[0]['content'] + '\\n\\n' }}{% else %}"
    "{{ 'Below are some instructions.\\n\\n' }}{% endif %}";

}  // namespace

TEST_CASE("templates of the ChatML family") {
  CHECK(family(chatml_turns) == "chatml");
  CHECK(tfm::recognise_jinja(chatml_turns)->default_system.empty());
  CHECK(tfm::recognise_jinja("{{bos_token}}" + chatml_turns)->start == "{bos}");
  CHECK(family("{% if not add_generation_prompt is defined %}{% set add_generation_prompt = false %}{% endif %}" +
               chatml_turns) == "chatml");
  // Other quotes and spelling; blocks on their own lines; a turn that stays open; white space that minus signs take
  // away.
  CHECK(family("{# ChatML #}\n{%- for message in messages %}\n    {{- \"<|im_start|>\" + message.role + \"\\n\" + "
               "message.content|trim + \"<|im_end|>\\n\" }}\n{%- endfor %}\n{%- if add_generation_prompt %}\n    {{- "
               "'<|im_start|>assistant\\n' }}\n{%- endif %}\n") == "chatml");
  CHECK(
      family(
          "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content']}}{% if "
          "(loop.last and add_generation_prompt) or not loop.last %}{{ '<|im_end|>' + '\n'}}{% endif %}{% endfor %}") ==
      "chatml");
  const auto polite = tfm::recognise_jinja(
      "{% if messages[0]['role'] != 'system' %}{{ \"<|im_start|>system\\nDon't shout.<|im_end|>\\n\" }}{% endif %}" +
      chatml_turns);
  REQUIRE(polite);
  CHECK(polite->default_system == "Don't shout.");
}

TEST_CASE("templates of the Llama 2 family") {
  CHECK(family(llama2("", "content.strip()", llama2_reply)) == "llama2");
  CHECK(tfm::recognise_jinja(llama2("", "content.strip()", llama2_reply))->default_system.empty());
  const std::string otherwise =
      " == true and not '<<SYS>>' in messages[0]['content'] %}{% set loop_messages = messages %}"
      "{% set system_message = 'Be kind.' %}";
  CHECK(tfm::recognise_jinja(llama2("{% elif true" + otherwise, "content.strip()", llama2_reply))->default_system ==
        "Be kind.");
  CHECK(tfm::recognise_jinja(llama2("{% elif false" + otherwise, "content.strip()", llama2_reply))
            ->default_system.empty());
  // Without strip(), white space stays.
  const ChatTemplate loose = ChatTemplate::detect(llama2("", "content", "' ' + content + ' ' + eos_token")).value();
  const std::vector<Message> conversation{{Role::user, " a "}, {Role::assistant, " b "}, {Role::user, "c"}};
  CHECK(loose.prompt(conversation).text() == "<s>[INST]  a  [/INST]  b  </s><s>[INST] c [/INST]");
}

TEST_CASE("templates of the Alpaca family") {
  const auto marked = tfm::recognise_jinja(alpaca("{{ bos_token }}" + alpaca_system, "eos_token + '\\n\\n'"));
  REQUIRE(marked);
  CHECK(marked->name == "alpaca");
  CHECK(marked->start == "{bos}");
  CHECK(marked->default_system == "Below are some instructions.");
  CHECK(marked->closing == "{eos}\n\n");
  const auto unmarked = tfm::recognise_jinja(alpaca(alpaca_system, "'\\n\\n'"));
  REQUIRE(unmarked);
  CHECK(unmarked->closing == "\n\n");
}

TEST_CASE("what differs from a known family in a word is unknown") {
  CHECK(family(llama2("", "content.strip()", "' ' + content.strip() + eos_token")) == "unknown");
  CHECK(family(alpaca(alpaca_system, "'\\n<|EOT|>\\n'")) == "unknown");
  CHECK(family(alpaca("", "eos_token + '\\n\\n'")) == "unknown");  // no word of a system prompt
  CHECK(family(chatml_turns + "!") == "unknown");
  CHECK(family(chatml_turns + "{{ strftime_now('%d') }}") == "unknown");
  CHECK(family("{% set x = 1 %}" + chatml_turns) == "unknown");
  CHECK(family("{% for message in messages[2:] %}{% endfor %}" + chatml_turns) == "unknown");
  CHECK(family("{% for message in messages %}\n{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + "
               "'<|im_end|>' + '\\n' }}\n{% endfor %}") == "unknown");  // writes a line break more after each turn
  CHECK(family("{{ '<|im_start|>assistant\\n' }}") == "unknown");
  CHECK(
      family("{{ bos_token }}{% for message in messages %}{% if message['role'] == 'user' %}{{ '[INST] ' + "
             "message['content'] + ' [/INST]' }}{% elif message['role'] == 'assistant' %}{{ ' ' + message['content'] + "
             "eos_token }}{% endif %}{% endfor %}") == "unknown");
  CHECK(family("Hello") == "unknown");
  for (const char* broken : {"{{", "{%", "{#", "{{ 'a", "{{ 'a\\", "{{ '\\q' }}", "{{ a", "{% if", "{{ '\1' }}", "{"}) {
    CHECK(family(broken) == "unknown");
    CHECK(family(chatml_turns + broken) == "unknown");
  }
}

TEST_CASE("templates of real models that are of no known family") {
  for (const char* path : {"data/configs/llama-3.2-1b-instruct/tokenizer_config.json",
                           "data/tokenizers/tinyllama/tokenizer_config.json"}) {
    const auto file = tfm_test::require(tfm_test::shared() / path);
    if (!file) return;
    const auto source = nlohmann::json::parse(std::ifstream(*file))["chat_template"].get<std::string>();
    CHECK(source.size() > 100);
    CHECK_FALSE(ChatTemplate::detect(source));
  }
}
