// What a careful person is told of a checkpoint: special tokens on which files disagree, chat templates, double BOS.
#include <functional>

#include "support/catch.hpp"
#include "support/data.hpp"
#include "support/error_of.hpp"
#include "support/temporary_folder.hpp"
#include "support/tiny_llama.hpp"
#include "tfm/checkpoint/load_llama.hpp"

using namespace tfm;
using tfm_test::TemporaryFolder;
using tfm_test::TinyLlama;

namespace {

const std::string chatml =
    "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + "
    "'\\n'}}{% endfor %}";
const std::string llama2 =
    "{% if messages[0]['role'] == 'system' %}{% set loop_messages = messages[1:] %}{% set system_message = "
    "messages[0]['content'] %}"
    "{% else %}{% set loop_messages = messages %}{% set system_message = false %}{% endif %}{% for message in "
    "loop_messages %}"
    "{% if loop.index0 == 0 and system_message != false %}{% set content = '<<SYS>>\\n' + system_message + "
    "'\\n<</SYS>>\\n\\n' + message['content'] %}"
    "{% else %}{% set content = message['content'] %}{% endif %}{% if message['role'] == 'user' %}{{ bos_token + "
    "'[INST] ' + content.strip() + ' [/INST]' }}"
    "{% elif message['role'] == 'assistant' %}{{ ' ' + content.strip() + ' ' + eos_token }}{% endif %}{% endfor %}";

/// The tiny model with LLaMA's small tokenizer (tok512.model: unk 0, bos 1, eos 2), changed.
std::optional<Loaded<AnyLlama>> with_tokenizer(const std::function<void(TinyLlama&)>& change) {
  const auto tokenizer = tfm_test::require(tfm_test::shared() / "data/stories260K/hf/tokenizer.model");
  if (!tokenizer) return std::nullopt;
  const TemporaryFolder folder;
  TinyLlama tiny({512, 32, 1, 4, 2, 64, 64, 0, 1e-5f, 10000.f, true, {}});
  change(tiny);
  tiny.write_folder(folder.path());
  std::filesystem::copy_file(*tokenizer, folder / "tokenizer.model");
  return load_llama(folder.path());
}
const std::vector<std::string> none;
using Notes = std::vector<std::string>;
const std::string no_template = "there is no chat template: the vocabulary has the marks of no known one, so chats are written in the format plain";

Loaded<AnyLlama> gguf(const std::function<void(GgufWriter&)>& change) {
  GgufWriter file = TinyLlama().gguf();
  tfm_test::add_tokenizer(file);
  change(file);
  return load_llama(file.bytes());
}

}  // namespace

TEST_CASE("config.json's special tokens give way to the tokenizer's, and it is told") {
  // as the early conversions of LLaMA have them
  const auto legacy = with_tokenizer([](TinyLlama& tiny) {
    tiny.config["bos_token_id"] = "0", tiny.config["eos_token_id"] = "1", tiny.config["pad_token_id"] = "-1";
  });
  if (!legacy) return;
  CHECK(legacy->notes == Notes{"config.json says bos is 0, the tokenizer says 1: the tokenizer's is used",
                               "config.json says eos is 1, the tokenizer says 2: the tokenizer's is used", no_template});
  CHECK(legacy->tokenizer.bos() == 1);
  CHECK(legacy->tokenizer.eos() == 2);
  CHECK(legacy->stop_tokens == std::vector<Token>{2});

  const auto agrees = with_tokenizer([](TinyLlama& tiny) {
    tiny.config["bos_token_id"] = "1", tiny.config["eos_token_id"] = "2", tiny.config["pad_token_id"] = "null";
  });
  CHECK(agrees->notes == Notes{no_template});
}

TEST_CASE("pad is compared where the tokenizer has one") {
  const auto loaded = with_tokenizer([](TinyLlama& tiny) {
    tiny.config["pad_token_id"] = "0";
    tiny.files["tokenizer_config.json"] = R"({"pad_token": "</s>"})";
  });
  if (!loaded) return;
  CHECK(loaded->notes == Notes{"config.json says pad is 0, the tokenizer says 2: the tokenizer's is used", no_template});
  CHECK(loaded->tokenizer.pad() == 2);
}

TEST_CASE("tokenizer_config.json gives roles, and whether BOS is added") {
  const auto loaded = with_tokenizer([](TinyLlama& tiny) {
    tiny.files["tokenizer_config.json"] =
        R"({"add_bos_token": false, "add_eos_token": true, "bos_token": {"__type": "AddedToken", "content": "<s>"},
            "eos_token": "<unk>", "pad_token": "", "unk_token": "<nobody>"})";
  });
  if (!loaded) return;
  CHECK_FALSE(loaded->tokenizer.add_bos());
  CHECK(loaded->tokenizer.add_eos());
  CHECK(loaded->tokenizer.bos() == 1);
  CHECK(loaded->tokenizer.eos() == 0);
  CHECK_FALSE(loaded->tokenizer.pad());
  CHECK(loaded->notes == Notes{"tokenizer_config.json says eos is '<unk>' (0), the vocabulary says 2: 0 is used",
                               "tokenizer_config.json says unk is '<nobody>', which the vocabulary does not have", no_template,
                               "by their names these tokens end an answer, too: </s> (2)"});
  CHECK(loaded->stop_tokens == std::vector<Token>{0, 2});
  CHECK(with_tokenizer([](TinyLlama&) {})->tokenizer.add_bos());
}

TEST_CASE("all of several eos end a text") {
  const auto loaded = with_tokenizer([](TinyLlama& tiny) {
    tiny.config["eos_token_id"] = "2";
    tiny.files["generation_config.json"] = R"({"eos_token_id": [2, 300, 301, 9999]})";
  });
  if (!loaded) return;
  CHECK(loaded->stop_tokens == std::vector<Token>{2, 300, 301});
  CHECK(loaded->notes == Notes{no_template});
  const auto strange = with_tokenizer([](TinyLlama& tiny) { tiny.config["eos_token_id"] = "[300, 301]"; });
  CHECK(strange->stop_tokens == std::vector<Token>{2, 300, 301});
  CHECK(strange->notes == Notes{"of several eos in config.json or generation_config.json none is the tokenizer's 2: "
                                "all of them end a text",
                                no_template});
}

TEST_CASE("a chat template in tokenizer_config.json") {
  const auto loaded = with_tokenizer([](TinyLlama& tiny) {
    tiny.files["tokenizer_config.json"] = "{\"chat_template\": " + json_string(chatml) + "}";
  });
  if (!loaded) return;
  REQUIRE(loaded->chat_template);
  CHECK(loaded->chat_template->name() == "chatml");
  CHECK(loaded->notes == none);
}

TEST_CASE("a list of templates, of which the default is for chat") {
  const auto list = [](const std::string& name) {
    return with_tokenizer([&](TinyLlama& tiny) {
      tiny.files["tokenizer_config.json"] =
          R"({"chat_template": [{"name": "rag", "template": "{{ nobody }}"}, {"name": ")" + name +
          R"(", "template": )" + json_string(chatml) + "}]}";
    });
  };
  const auto loaded = list("default");
  if (!loaded) return;
  REQUIRE(loaded->chat_template);
  CHECK(loaded->chat_template->name() == "chatml");
  CHECK(loaded->notes == none);
  const auto no_default = list("tool_use");
  CHECK_FALSE(no_default->chat_template);
  CHECK(no_default->notes ==
        Notes{"none of the chat templates is called 'default': 'rag' is taken",
              "the chat template cannot be used: it does not write what a user says; name one to chat: plain, chatml, llama2, alpaca"});
}

TEST_CASE("chat_template.jinja goes before tokenizer_config.json's") {
  const auto loaded = with_tokenizer([](TinyLlama& tiny) {
    tiny.files["tokenizer_config.json"] = "{\"chat_template\": \"{{ nobody }}\"}";
    tiny.files["chat_template.jinja"] =
        "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' "
        "+ '\n'}}{% endfor %}";
  });
  if (!loaded) return;
  REQUIRE(loaded->chat_template);
  CHECK(loaded->chat_template->name() == "chatml");
}

TEST_CASE("a template that writes BOS beside a tokenizer that adds one") {
  const auto loaded = gguf([](GgufWriter& file) { file.set("tokenizer.chat_template", llama2); });
  REQUIRE(loaded.chat_template);
  CHECK(loaded.chat_template->name() == "llama2");
  CHECK(loaded.notes == Notes{"the chat template writes BOS and the tokenizer would add another: it is written once"});
  const auto quiet = gguf([](GgufWriter& file) {
    file.set("tokenizer.chat_template", llama2), file.set("tokenizer.ggml.add_bos_token", false);
  });
  CHECK(quiet.notes == none);
}

TEST_CASE("GGUF: an unknown template is told, none is plain, and what ends a turn ends a text") {
  const auto unknown = gguf([](GgufWriter& file) { file.set("tokenizer.chat_template", "{{ nobody }}"); });
  CHECK_FALSE(unknown.chat_template);
  CHECK(unknown.notes ==
        Notes{"the chat template cannot be used: it does not write what a user says; name one to chat: plain, chatml, llama2, alpaca"});
  const auto plain = gguf([](GgufWriter& file) { file.set("tokenizer.ggml.eot_token_id", std::uint32_t{263}); });
  CHECK(plain.notes == Notes{no_template});
  CHECK(plain.chat_template->name() == "plain");
  CHECK(plain.stop_tokens == std::vector<Token>{2, 263});
}

TEST_CASE("a folder whose tokenizer.json is not read loads without a tokenizer, and says so") {
  const TemporaryFolder folder;
  TinyLlama tiny;
  tiny.files["tokenizer.json"] = "{}";
  tiny.write_folder(folder.path());
  const auto loaded = load_llama(folder.path());
  CHECK_FALSE(loaded.tokenizer);
  const std::string note = "tokenizer.json is not read, and there is no tokenizer.model: the model has no tokenizer: " +
                           (folder / "tokenizer.json").string() + ": the JSON's root: 'model' is missing";
  CHECK(loaded.notes == Notes{note});
  CHECK(tfm_test::error_of<LoadError>([&] { load_tokenizer(folder.path()); }) == "tfm: " + folder.path().string() + ": " + note);
}

TEST_CASE("a tokenizer alone, of a folder or of a GGUF file without tensors") {
  const auto data = tfm_test::require(tfm_test::shared() / "data");
  if (!data) return;
  const auto from_folder = load_tokenizer(*data / "stories260K/hf"),
             from_gguf = load_tokenizer(*data / "stories260K/stories260K.F32.gguf");
  CHECK(from_folder.encode(UserText{"a time"}) == from_gguf.encode(UserText{"a time"}));
  CHECK(load_tokenizer(*data / "vocab/ggml-vocab-llama-spm.gguf").size() == 32000);
  CHECK(load_tokenizer(*data / "vocab/ggml-vocab-gpt-2.gguf").size() == 50257);
}

TEST_CASE("the embedding's rows are the vocabulary, whatever else llama.vocab_size says") {
  const auto loaded = gguf([](GgufWriter& file) { file.set("llama.vocab_size", std::uint32_t{265}); });
  CHECK(loaded.notes == Notes{"llama.vocab_size is u32 265, and the embedding has 264 rows: these are used", no_template});
  CHECK(loaded.model.shape.vocab == 264);
  CHECK(gguf([](GgufWriter& file) { file.set("llama.vocab_size", std::uint32_t{264}); }).notes == Notes{no_template});
}
