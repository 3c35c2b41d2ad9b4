// Labels as transformers marks them: token for token what apply_chat_template(return_assistant_tokens_mask=True) gives,
// where {% generation %} says it.
#include <algorithm>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "support/catch.hpp"
#include "support/data.hpp"
#include "support/vocabularies.hpp"
#include "tfm/checkpoint/load_tokenizer.hpp"
#include "tfm/train/data/conversation_samples.hpp"

namespace {

using tfm::AnyTokenizer, tfm::ConversationRecord, tfm::Role;

/// A reply's text alone; its end too; spaces and marks that are no tokens of every vocabulary; no marks at all, so that
/// tokens reach over the ends.
const std::map<std::string, std::string> templates{
    {"content",
     "{% for m in messages %}<|im_start|>{{ m.role }}\n{% if m.role == 'assistant' %}{% generation %}{{ m.content }}{% "
     "endgeneration %}<|im_end|>\n{% else %}{{ m.content }}"
     "<|im_end|>\n{% endif %}{% endfor %}"},
    {"turn",
     "{% for m in messages %}<|im_start|>{{ m.role }}\n{% if m.role == 'assistant' %}{% generation %}{{ m.content + "
     "'<|im_end|>\n' }}{% endgeneration %}{% else %}{{ m.content }}"
     "<|im_end|>\n{% endif %}{% endfor %}"},
    {"llama",
     "{% for m in messages %}{% if m.role == 'assistant' %}{% generation %} {{ m.content }} </s>{% endgeneration %}{% "
     "else %}<s>[INST] {{ m.content }} [/INST]{% endif %}{% endfor %}"},
    {"bare",
     "{% for m in messages %}{% if m.role == 'assistant' %}A: {% generation %}{{ m.content }}{% endgeneration %}\n{% "
     "else %}Q: {{ m.content }}\n{% endif %}{% endfor %}"}};

const std::vector<ConversationRecord> conversations{
    {{{Role::user, "Hi there"},
      {Role::assistant, "Hello, world"},
      {Role::user, "caf\xC3\xA9?"},
      {Role::assistant, "\xC3\xA9t\xC3\xA9 \xF0\x9F\x98\x80 the end."}}},
    {{{Role::system, "the cat"},
      {Role::user, "the"},
      {Role::assistant, "\nthe\n\n  two"},
      {Role::user, "x"},
      {Role::assistant, "it's 1234 ok"}}}};

struct Mask {
  const char *tokenizers, *chat_template;
  std::size_t conversation;
  const char* mask;  // 1: the assistant's
};
/// By transformers 5.24.0.
const std::vector<Mask> masks{
    {"gpt2 llama3 qwen2 smollm", "content", 0, "0000000000000000111111110000000000000000000001111111111111100"},
    {"gpt2", "content", 1, "000000000000000000000001111111100000000000000001111111100"},
    {"gpt2 llama3 qwen2 smollm", "turn", 0, "0000000000000000111111111100000000000000000001111111111111111"},
    {"gpt2", "turn", 1, "000000000000000000000001111111111000000000000001111111111"},
    {"gpt2 llama3 qwen2 smollm", "llama", 0, "00000000000000000011111111111110000000000000000000011111111111111111111"},
    {"gpt2", "llama", 1, "000000000000000000000000000000000011111111111111000000000000000001111111111111"},
    {"gpt2 llama3 qwen2 smollm", "bare", 0, "00000000111111110000000000011111111111111"},
    {"gpt2", "bare", 1, "000000000000011111111000000011111111"},
    {"llama3 qwen2 smollm", "content", 1, "0000000000000000000000011111111000000000000000011111111100"},
    {"llama3 qwen2 smollm", "turn", 1, "0000000000000000000000011111111110000000000000011111111111"},
    {"llama3 qwen2 smollm", "llama", 1,
     "0000000000000000000000000000000000111111111111110000000000000000011111111111111"},
    {"llama3 qwen2 smollm", "bare", 1, "0000000000000111111110000000111111111"},
    {"tinyllama", "content", 0,
     "000000000000000000000000000001110000000000000000000000000000000000000001111111110000000"},
    {"tinyllama", "content", 1,
     "0000000000000000000000000000000000000000000000011111100000000000000000000000000000000000011111111100000000"},
    {"tinyllama", "turn", 0, "000000000000000000000000000001111111111100000000000000000000000000000001111111111111111"},
    {"tinyllama", "turn", 1,
     "0000000000000000000000000000000000000000000000011111111111111000000000000000000000000000011111111111111111"},
    {"tinyllama", "llama", 0, "0000000000111110000000000011111111111"},
    {"tinyllama", "llama", 1, "000000000000000000011111111100000000011111111111"},
    {"tinyllama", "bare", 0, "000000011100000000111111111"},
    {"tinyllama", "bare", 1, "000000000000111111000000111111111"},
};

AnyTokenizer tokenizer_named(const std::string& name) {
  if (name == "tinyllama") return tfm::find_tokenizer(tfm_test::shared() / "data/tokenizers/tinyllama").tokenizer;
  return tfm_test::byte_bpe_of(
      tfm_test::read_json(tfm_test::shared() / "golden/data/tokenizers" / (name + ".tokenizer.json")),
      name == "gpt2" ? "gpt-2" : name);
}

}  // namespace

TEST_CASE("labels are where transformers' mask of the assistant's tokens is", "[conversations]") {
  if (!tfm_test::require(tfm_test::shared() / "golden/data/tokenizers") ||
      !tfm_test::require(tfm_test::shared() / "data/tokenizers/tinyllama"))
    return;
  std::map<std::string, AnyTokenizer> tokenizers;
  int compared = 0;
  for (const Mask& expected : masks) {
    std::istringstream names(expected.tokenizers);
    for (std::string name; names >> name; ++compared) {
      CAPTURE(name, expected.chat_template, expected.conversation);
      if (!tokenizers.contains(name)) {
        const AnyTokenizer found = tokenizer_named(name);
        tfm::SpecialTokens special = found.special();
        special.add_bos = false;  // transformers leaves it to the template
        tokenizers.emplace(name, found.with_special(special));
      }
      const AnyTokenizer& tokenizer = tokenizers.at(name);
      const tfm::ChatTemplate chat_template =
          tfm::ChatTemplate::detect(templates.at(expected.chat_template), tfm::marks_of(tokenizer)).value();
      REQUIRE(chat_template.marks_generation());
      const auto sample = tfm::conversation_sample(tokenizer, tfm::ConversationFormat(chat_template, tokenizer, {}),
                                                   conversations[expected.conversation], 1000)
                              .sample;
      std::string mask;
      for (const tfm::Token label : sample.labels) mask += label == tfm::ignored_label ? '0' : '1';
      CHECK(mask == expected.mask);
    }
  }
  CHECK(compared == 40);
}
