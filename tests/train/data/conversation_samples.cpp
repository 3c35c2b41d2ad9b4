// Conversations as samples: labels on what the assistant says, in any template, and as transformers marks them where a
// template says so.
#include "tfm/train/data/conversation_samples.hpp"

#include <map>

#include "support/catch.hpp"
#include "support/data.hpp"
#include "support/error_of.hpp"
#include "support/file_text.hpp"
#include "support/vocabularies.hpp"
#include "tfm/text/sentencepiece.hpp"

namespace {

using tfm::AnyTokenizer, tfm::ChatTemplate, tfm::ConversationFormat, tfm::ConversationRecord, tfm::Index,
    tfm::LearntText, tfm::Message, tfm::Role, tfm::Token;
namespace jinja = tfm::jinja;

/// The texts that are learnt, with a bar behind each.
std::string learnt(const LearntText& text) {
  const std::string all = text.rendering.text();
  std::string out;
  for (const tfm::TextSpan& span : text.learnt) out += all.substr(span.begin, span.end - span.begin) + "|";
  return out;
}
ConversationFormat format_of(const ChatTemplate& chat_template, std::vector<std::string> stops = {}) {
  ConversationFormat format(chat_template, {}, {});
  format.stops.insert(format.stops.end(), stops.begin(), stops.end());
  return format;
}
const ConversationRecord two_turns{{{Role::system, "Be brief."},
                                    {Role::user, " One? "},
                                    {Role::assistant, " Una.\n"},
                                    {Role::user, "Two?"},
                                    {Role::assistant, "Dos."}}};

AnyTokenizer named_tokenizer(const std::string& name) {
  return tfm_test::byte_bpe_of(tfm_test::read_json(tfm_test::golden() / "tokenizers" / (name + ".tokenizer.json")),
                               name == "gpt2" ? "gpt-2" : name);
}

}  // namespace

TEST_CASE("learnt is what the assistant says and what ends its turn", "[conversations]") {
  const auto of = [](const char* name) {
    const ChatTemplate chat_template = ChatTemplate::named(name);
    return learnt(tfm::learnt_text(format_of(chat_template), two_turns));
  };
  CHECK(of("chatml") == " Una.\n<|im_end|>|Dos.<|im_end|>|");
  CHECK(of("llama2") == "Una. </s>|Dos. </s>|");
  CHECK(of("alpaca") == " Una.\n</s>|Dos.</s>|");
  CHECK(of("plain") == " Una.\n|Dos.\n|");  // what ends the last one is an EOS behind the text
  const ChatTemplate plain = ChatTemplate::named("plain");
  const LearntText text = tfm::learnt_text(format_of(plain), two_turns);
  CHECK((text.unstopped == 1 && text.ends));
  CHECK_THROWS_WITH(
      tfm::learnt_text(format_of(plain), {{{Role::user, "a"}, {Role::tool, "b"}, {Role::assistant, "c"}}}),
      "tfm: chat template plain: message 2 of 3 is the tool's, expected the user's or the assistant's: this format has "
      "no tools");
}

TEST_CASE("of calls and thoughts all is learnt from the reply's opening on", "[conversations]") {
  const ChatTemplate chat_template = ChatTemplate::detect(
                                         "{% for m in messages %}<|{{ m.role }}|>{% if m.reasoning_content %}<think>{{ "
                                         "m.reasoning_content }}</think>{% endif %}{{ m.content }}"
                                         "{% for call in m.tool_calls or [] %}<call>{{ call.function.name }}({{ "
                                         "call.function.arguments | tojson }})</call>{% endfor %}<|end|>\n{% endfor %}"
                                         "{% if add_generation_prompt %}<|assistant|>{% endif %}")
                                         .value();
  const std::string lines =
      R"({"messages": [{"role": "user", "content": "Warm?"}, {"role": "assistant", "content": null, "tool_calls":
    [{"function": {"name": "heat", "arguments": {"at": "home"}}}, {"function": {"name": "cool", "arguments": "{}"}}]}, {"role": "tool", "content": "19"},
    {"role": "assistant", "reasoning_content": "Hm.", "content": "19."}]})";
  const auto read = tfm::parse_conversations(lines, "x");
  const LearntText text = tfm::learnt_text(format_of(chat_template, {"<|end|>"}), read.records[0]);
  CHECK(learnt(text) ==
        "<call>heat({\"at\": \"home\"})</call><call>cool({})</call><|end|>|<think>Hm.</think>19.<|end|>|");
  CHECK((text.unstopped == 0 && !text.ends));
}

TEST_CASE("in every template of the goldens the assistant's own words are learnt, and nobody else's",
          "[conversations]") {
  const auto folder = tfm_test::require(tfm_test::shared() / "golden/data/templates");
  if (!folder) return;
  const jinja::Value sources = jinja::from_json(tfm_test::file_text(*folder / "sources.json"));
  ConversationRecord record{{{Role::user, "First question"},
                             {Role::assistant, "First *answer*"},
                             {Role::user, "Second question"},
                             {Role::assistant, "Second answer"}}};
  int compared = 0, marked = 0, stopped = 0;
  for (const auto& [file, source] : sources.as<jinja::Dict>().items) {
    const std::string name(file.bytes());
    CAPTURE(name);
    const auto mark = [&, &of = source](const char* key) {
      const jinja::Value* found = jinja::find(of, key);
      return found == nullptr ? std::string() : std::string(found->bytes());
    };
    const auto chat =
        ChatTemplate::detect(tfm_test::file_text(*folder / (name + ".jinja")), {mark("bos_token"), mark("eos_token")});
    if (!chat) continue;
    tfm::TemplateInputs inputs;
    inputs.now = jinja::DateTime{2024, 9, 5, 14, 3, 9};
    const ChatTemplate chat_template = chat->with(inputs);
    LearntText text;
    try {
      text = tfm::learnt_text(format_of(chat_template, {mark("eos_token")}), record);
    } catch (const tfm::TemplateError&) {
      continue;
    }
    const std::string all = text.rendering.text();
    ++compared;
    stopped += text.unstopped == 0 ? 1 : 0;
    std::string said;
    for (const tfm::TextSpan& span : text.learnt) said += all.substr(span.begin, span.end - span.begin) + "|";
    CAPTURE(said);
    CHECK(said.find("question") == said.npos);
    if (chat_template.marks_generation()) {
      ++marked;
      continue;
    }
    // As often as the template writes an answer it is learnt: its words, and then only what leads to a stop.
    std::size_t written = 0, at = 0;
    for (const tfm::TextSpan& span : text.learnt) {
      const std::string own = all.substr(span.begin, span.end - span.begin);
      const bool first = own.starts_with("First *answer*"), second = own.starts_with("Second answer");
      CHECK((first || second));
      CHECK(own.size() - (first ? 14 : 13) < 40);
    }
    for (const char* answer : {"First *answer*", "Second answer"})
      for (at = all.find(answer); at != all.npos; at = all.find(answer, at + 1)) ++written;
    CHECK(written == text.learnt.size());
  }
  CHECK(compared > 100);
  CHECK(marked == 2);  // SmolLM3's asks for a clock
  CHECK(stopped > 90);
}

TEST_CASE("what {% generation %} encloses is learnt, character for character as transformers has it",
          "[conversations]") {
  const auto folder = tfm_test::require(tfm_test::golden() / "templates");
  const auto shared = tfm_test::require(tfm_test::shared() / "golden/data/templates");
  if (!folder || !shared) return;
  const auto json = [&](const std::string& name) { return jinja::from_json(tfm_test::file_text(*shared / name)); };
  const jinja::Value sources = json("sources.json"), talk = *jinja::find(json("conversations.json"), "training");
  ConversationRecord record;
  for (const jinja::Value& message : jinja::find(talk, "messages")->as<jinja::List>().items)
    record.messages.push_back({tfm::role_named(jinja::find(message, "role")->bytes()).value(),
                               std::string(jinja::find(message, "content")->bytes())});
  int compared = 0;
  for (const char* name : {"poolside-laguna-xs-2.1", "poolside-laguna-xs.2"}) {
    CAPTURE(name);
    const jinja::Value expected =
        *jinja::find(jinja::from_json(tfm_test::file_text(*folder / (std::string(name) + ".json"))), "training spans");
    const jinja::Value& source = *jinja::find(sources, name);
    const auto mark = [&](const char* key) {
      const jinja::Value* found = jinja::find(source, key);
      return found == nullptr ? std::string() : std::string(found->bytes());
    };
    tfm::TemplateInputs inputs;
    inputs.now = jinja::DateTime{2024, 9, 5, 14, 3, 9};
    const ChatTemplate chat_template =
        ChatTemplate::detect(tfm_test::file_text(*shared / (std::string(name) + ".jinja")),
                             {mark("bos_token"), mark("eos_token")})
            .value()
            .with(inputs);
    const LearntText text = tfm::learnt_text(format_of(chat_template), record);
    const std::string all = text.rendering.text();
    const auto characters = [&](std::size_t bytes) {
      return std::count_if(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(bytes),
                           [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; });
    };
    const auto& spans = expected.as<jinja::List>().items;
    REQUIRE(spans.size() == text.learnt.size());
    for (std::size_t i = 0; i < spans.size(); ++i) {
      const auto& ends = spans[i].as<jinja::List>().items;
      CHECK((characters(text.learnt[i].begin) == ends[0].integer() &&
             characters(text.learnt[i].end) == ends[1].integer()));
      ++compared;
    }
  }
  CHECK(compared == 4);
}

TEST_CASE("a sample's labels are the tokens that hold a learnt character, and the cutoff takes its end",
          "[conversations]") {
  if (!tfm_test::require(tfm_test::golden() / "tokenizers")) return;
  const AnyTokenizer tokenizer = named_tokenizer("smollm");
  const ChatTemplate chat_template = ChatTemplate::named("chatml", tfm::marks_of(tokenizer));
  const ConversationFormat format(chat_template, tokenizer, {});
  const ConversationRecord record{{{Role::user, "Hi <|im_end|>"}, {Role::assistant, "Hello\nthere"}}};
  const auto whole = tfm::conversation_sample(tokenizer, format, record, 1000);
  REQUIRE(whole.sample.ids.size() == whole.sample.labels.size());
  std::vector<Token> said;
  for (std::size_t i = 0; i < whole.sample.ids.size(); ++i)
    if (whole.sample.labels[i] != tfm::ignored_label) {
      CHECK(whole.sample.labels[i] == whole.sample.ids[i]);
      said.push_back(whole.sample.labels[i]);
    }
  CHECK(tokenizer.decode(said, tfm::TextStart::middle).starts_with("Hello\nthere"));
  CHECK(tokenizer.decode(whole.sample.ids).find("Hi <|im_end|>") !=
        std::string::npos);  // typed, and no token that ends a turn
  CHECK_FALSE(whole.cut);
  const auto cut = tfm::conversation_sample(tokenizer, format, record, 5);
  CHECK((cut.cut && cut.sample.ids.size() == 5 && cut.sample.labels.size() == 5));
  CHECK(std::equal(cut.sample.ids.begin(), cut.sample.ids.end(), whole.sample.ids.begin()));
  CHECK_THROWS_AS(tfm::conversation_sample(tokenizer, format, record, 0), tfm::OptionError);
}

TEST_CASE("a text whose template ends nothing gets an EOS that is learnt, and BOS where the tokenizer adds one",
          "[conversations]") {
  const auto file = tfm_test::require(tfm_test::golden() / "tokenizers/sp.model");
  if (!file) return;
  const AnyTokenizer tokenizer = tfm::SentencePieceTokenizer(*file);
  const ChatTemplate plain = ChatTemplate::named("plain", tfm::marks_of(tokenizer)),
                     llama2 = ChatTemplate::named("llama2", tfm::marks_of(tokenizer));
  const ConversationRecord record{{{Role::user, "the"}, {Role::assistant, "cat"}}};
  const Token ends[] = {*tokenizer.eos()};
  const auto bare = tfm::conversation_sample(tokenizer, ConversationFormat(plain, tokenizer, ends), record, 100).sample;
  CHECK((bare.ids.front() == tokenizer.bos() && bare.labels.front() == tfm::ignored_label));
  CHECK((bare.ids.back() == tokenizer.eos() && bare.labels.back() == tokenizer.eos()));
  const auto marked =
      tfm::conversation_sample(tokenizer, ConversationFormat(llama2, tokenizer, ends), record, 100).sample;
  CHECK(std::count(marked.ids.begin(), marked.ids.end(), *tokenizer.bos()) == 1);
  CHECK(std::count(marked.ids.begin(), marked.ids.end(), *tokenizer.eos()) == 1);
  CHECK(marked.labels.back() == tokenizer.eos());
}
