#include "tfm/checkpoint/settle_chat.hpp"

#include "support/catch.hpp"
#include "tfm/text/sentencepiece.hpp"

using namespace tfm;

namespace {

using Notes = std::vector<std::string>;
using Tokens = std::vector<Token>;
const std::string no_template = "there is no chat template: the vocabulary has the marks of no known one, so chats are written in the format plain";
const std::string chatml =
    "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n'}}{% endfor %}";

/// A sentencepiece vocabulary with control tokens of these names behind the usual three.
AnyTokenizer named_tokens(const std::vector<std::string>& names, const SpecialTokens& special) {
  std::vector<std::string_view> pieces{"<unk>", "<s>", "</s>"};
  std::vector<std::int32_t> types{2, 3, 3};
  for (const std::string& name : names) pieces.push_back(name), types.push_back(3);
  pieces.push_back("\xE2\x96\x81"), types.push_back(1);
  pieces.push_back("<|im_end"), types.push_back(1);
  const std::vector<float> scores(pieces.size());
  return SentencePieceTokenizer({.pieces = pieces, .scores = scores, .types = types, .special = special, .what = "test"});
}

}  // namespace

TEST_CASE("without a chat template the vocabulary speaks for one, and the note says why") {
  const SpecialTokens special{.bos = 1, .eos = 2, .unknown = 0};
  const auto settled = [&](const std::vector<std::string>& names, std::string_view jinja = "") { return settle_chat(named_tokens(names, special), jinja, {}); };
  const ChatSettings im = settled({"<|im_start|>", "<|im_end|>"});
  CHECK(im.chat_template->name() == "chatml");
  CHECK(im.notes == Notes{"there is no chat template: the vocabulary has <|im_start|> and <|im_end|>, so chats are written in the format chatml"});
  CHECK(im.stop_tokens == Tokens{2, 4});
  CHECK(settled({"<|im_start|>"}).chat_template->name() == "plain");
  CHECK(settled({"<|im_start|>"}).notes == Notes{no_template});
  const ChatSettings inst = settled({"[INST]", "[/INST]"});
  CHECK(inst.chat_template->name() == "llama2");
  CHECK(inst.chat_template->format().user_before == "<s>[INST] ");
  CHECK(inst.notes == Notes{"there is no chat template: the vocabulary has [INST] and [/INST], so chats are written in the format llama2"});
  const ChatSettings unknown = settled({"<|im_start|>", "<|im_end|>"}, "{{ nobody }}");
  CHECK_FALSE(unknown.chat_template);
  CHECK(unknown.notes == Notes{"the chat template cannot be used: it does not write what a user says; name one to chat: plain, chatml, llama2, alpaca (the vocabulary has <|im_start|> and "
                               "<|im_end|>, which speaks for chatml)",
                               "by their names these tokens end an answer, too: <|im_end|> (4)"});
  CHECK(unknown.template_notes == Notes{unknown.notes[0]});
  CHECK(im.template_notes == im.notes);
  CHECK(settled({"<|im_start|>", "<|im_end|>"}, chatml).notes.empty());
  CHECK(settle_chat({}, "", {}).notes.empty());  // without a tokenizer nobody chats
}

TEST_CASE("tokens that end a turn by their names end it, unless they have another use") {
  const auto ends = [](const std::vector<std::string>& names, SpecialTokens special, std::vector<Token> said = {}) {
    return settle_chat(named_tokens(names, special), "{{ nobody }}", said).stop_tokens;
  };
  CHECK(ends({"<|end_of_text|>", "<|eot_id|>", "<|eom_id|>", "<|python_tag|>"}, {.bos = 1, .eos = 3}) == Tokens{3, 4, 5, 2});
  CHECK(ends({"<|eot_id|>"}, {.bos = 1, .eos = 2, .pad = 3}) == Tokens{2, 3});            // a turn's end is that as padding, too
  CHECK(ends({"<|endoftext|>", "<|im_end|>"}, {.eos = 4, .unknown = 3, .pad = 2}) == Tokens{4});
  CHECK(ends({"<|endoftext|>"}, {.bos = 3, .pad = 2}) == Tokens{2, 3});                   // nothing else ends a text
  CHECK(ends({"<|end|>", "<|endoftext|>"}, {.bos = 1, .eos = 2}) == Tokens{2, 3, 4});
  CHECK(ends({"<|end|>", "<|return|>", "<|call|>"}, {.bos = 1, .eos = 4, .pad = 2}) == Tokens{4, 5});  // of a message, not of a turn
  CHECK(ends({"<|im_end|>"}, {.bos = 1, .eos = 2}, {3}) == Tokens{2, 3});
  CHECK(ends({}, {.bos = 1, .eos = 2}) == Tokens{2});
}
