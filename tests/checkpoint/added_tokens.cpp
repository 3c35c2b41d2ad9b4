// Tokens that a folder's files add to its tokenizer.model. Expected ids are those of transformers 5.24's AutoTokenizer on the same files.
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "support/catch.hpp"
#include "support/data.hpp"
#include "support/error_of.hpp"
#include "support/temporary_folder.hpp"
#include "support/vocabularies.hpp"
#include "tfm/checkpoint/load_tokenizer.hpp"

using namespace tfm;
using tfm_test::error_of;
using tfm_test::TemporaryFolder;

namespace {

using Tokens = std::vector<Token>;
using Notes = std::vector<std::string>;

std::optional<std::filesystem::path> model() { return tfm_test::require(tfm_test::shared() / "data/stories260K/hf/tokenizer.model"); }

/// LLaMA's small tokenizer of 512 pieces with other files beside it.
FoundTokenizer with(const std::filesystem::path& model, const std::vector<std::pair<std::string, std::string>>& files, Index rows = 520) {
  const TemporaryFolder folder;
  std::filesystem::copy_file(model, folder / "tokenizer.model");
  for (const auto& [name, text] : files) std::ofstream(folder / name) << text;
  return load_folder_tokenizer(folder.path(), rows);
}

/// tokenizer_config.json with an added_tokens_decoder.
std::string config(const std::string& decoder, const std::string& more = "") {
  return R"({"tokenizer_class": "LlamaTokenizer", "bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "add_bos_token": true, )" + more +
         R"("added_tokens_decoder": {"0": {"content": "<unk>", "special": true}, "1": {"content": "<s>", "special": true}, "2": {"content": "</s>", "special": true})" +
         decoder + "}}";
}
std::string entry(int id, const std::string& content, const std::string& flags = R"("special": true)") {
  return ", \"" + std::to_string(id) + R"(": {"content": ")" + content + "\", " + flags + "}";
}
const std::string marks = entry(512, "<|im_start|>") + entry(513, "<|im_end|>");
const std::string added_json = R"({"<|im_start|>": 512, "<|im_end|>": 513})";

}  // namespace

TEST_CASE("added tokens: ids, roles and text of a folder with ChatML's markers") {
  const auto folder = tfm_test::require(tfm_test::shared() / "cases/added-tokens/model");
  if (!folder) return;
  const auto loaded = load_folder_tokenizer(*folder, 520);
  const AnyTokenizer& tokenizer = loaded.tokenizer;
  CHECK(tokenizer.size() == 514);
  CHECK(tokenizer.eos() == Token{513});
  CHECK(loaded.notes == Notes{"tokenizer_config.json says eos is '<|im_end|>' (513), the vocabulary says 2: 513 is used"});
  const auto ids = [&](const char* text) { return tokenizer.encode(TemplateText{text}); };
  CHECK(ids("<|im_start|>user\nhi<|im_end|>\n") == Tokens{512, 425, 419, 285, 13, 415, 417, 513, 13});
  CHECK(ids("a<s> b") == Tokens{261, 1, 268});
  CHECK(ids("a</s>b") == Tokens{261, 2, 430});
  CHECK(ids("hi <|im_end|> there") == Tokens{270, 417, 410, 513, 383});
  CHECK(ids("<|im_end|> x") == Tokens{513, 410, 444});
  CHECK(ids("a<unk>b") == Tokens{261, 0, 430});
  CHECK(ids(" x") == Tokens{410, 444});
  CHECK(tokenizer.decode(ids("<|im_start|>user\nhi<|im_end|>\n")) == "user\nhi\n");
  for (const Token token : tokenizer.encode(UserText{"<|im_start|>user</s><|im_end|>"})) CHECK_FALSE(tokenizer.is_control(token));
  CHECK(tokenizer.encode({TemplateText{"<|im_start|>us"}, UserText{"er\nh"}, TemplateText{"i<|im_end|>\n"}}) == ids("<|im_start|>user\nhi<|im_end|>\n"));
}

TEST_CASE("added tokens: which file counts") {
  const auto file = model();
  if (!file) return;
  const auto ids = [&](const FoundTokenizer& found) { return found.tokenizer.encode(TemplateText{"<|im_start|>user\nhi<|im_end|>\n"}); };
  const Tokens expected{512, 425, 419, 285, 13, 415, 417, 513, 13};
  // added_tokens.json alone, and roles from special_tokens_map.json
  auto found = with(*file, {{"added_tokens.json", added_json},
                            {"tokenizer_config.json", R"({"tokenizer_class": "LlamaTokenizer", "eos_token": "</s>"})"},
                            {"special_tokens_map.json", R"({"eos_token": {"content": "<|im_end|>"}, "additional_special_tokens": ["<|im_start|>"]})"}});
  CHECK(ids(found) == expected);
  CHECK(found.tokenizer.eos() == Token{513});
  CHECK(found.notes == Notes{"special_tokens_map.json says eos_token is '<|im_end|>', tokenizer_config.json '</s>': the former counts",
                             "tokenizer_config.json says eos is '<|im_end|>' (513), the vocabulary says 2: 513 is used"});
  // added_tokens_decoder goes before both
  found = with(*file, {{"tokenizer_config.json", config(marks)},
                       {"added_tokens.json", R"({"<|im_start|>": 513, "<|im_end|>": 512, "<more>": 514})"},
                       {"special_tokens_map.json", R"({"eos_token": "<|im_end|>"})"}});
  CHECK(ids(found) == expected);
  CHECK(found.tokenizer.size() == 514);
  CHECK(found.tokenizer.eos() == Token{2});
  CHECK(found.notes == Notes{"added_tokens.json says '<|im_start|>' is 513, tokenizer_config.json's added_tokens_decoder 512: the latter counts",
                             "added_tokens.json says '<|im_end|>' is 512, tokenizer_config.json's added_tokens_decoder 513: the latter counts",
                             "added_tokens.json says '<more>' is 514, tokenizer_config.json's added_tokens_decoder has no such token: it is not added"});
  // special tokens that no file gives a number
  found = with(*file, {{"tokenizer_config.json", config("", R"("pad_token": "<pad>", "cls_token": "<cls>", "additional_special_tokens": ["<b>", "<a>"], )")}});
  CHECK(found.tokenizer.encode(TemplateText{"<pad><cls><b><a>"}) == Tokens{512, 513, 514, 515});
  CHECK(found.tokenizer.pad() == Token{512});
  CHECK(found.notes.front() == "the special token '<pad>' is not in the vocabulary: as in transformers it is added as 512");
}

TEST_CASE("added tokens: numbers that are not the next ones, and those that the model has no rows for") {
  const auto file = model();
  if (!file) return;
  auto found = with(*file, {{"tokenizer_config.json", config(entry(513, "<a>") + entry(515, "<b>"))}});
  CHECK(found.tokenizer.encode(TemplateText{"<b><a>"}) == Tokens{513, 512});
  CHECK(found.notes == Notes{"the added token '<a>' (513) is token 512: as in transformers added tokens follow the 512 pieces of tokenizer.model one by one",
                             "the added token '<b>' (515) is token 513: as in transformers added tokens follow the 512 pieces of tokenizer.model one by one"});
  found = with(*file, {{"tokenizer_config.json", config(entry(300, "<a>") + entry(512, "re"))}});  // 300 and "re" are the model's own
  CHECK(found.tokenizer.encode(TemplateText{"a<a>b"}) == Tokens{261, 512, 430});
  CHECK(found.tokenizer.encode(TemplateText{"are re"}) == Tokens{261, 276, 410, 276});
  CHECK(found.notes == Notes{"the added token '<a>' (300) is token 512: as in transformers added tokens follow the 512 pieces of tokenizer.model one by one",
                             "the added token 're' (512) is token 276 of the tokenizer.model: that is used"});
  found = with(*file, {{"tokenizer_config.json", config(marks, R"("pad_token": "<pad>", )")}}, 513);
  CHECK(found.tokenizer.size() == 513);
  CHECK(found.notes == Notes{"the added token '<|im_end|>' (513) is left out: the model's vocabulary has 513 rows",
                             "tokenizer_config.json says pad is '<pad>', which the vocabulary does not have"});
  const auto refused = [&](const std::string& decoder) {
    return error_of<LoadError>([&] { with(*file, {{"tokenizer_config.json", config(decoder)}}); });
  };
  CHECK(refused(R"(, "x": {"content": "<a>"})").find("'added_tokens_decoder.x': expected a token's number for a key") != std::string::npos);
  CHECK(refused(R"(, "512": {})").find("'content' is missing") != std::string::npos);
}

TEST_CASE("added tokens: white space and words around them") {
  const auto file = model();
  if (!file) return;
  const auto ids = [&](const std::string& flags) {
    const auto found = with(*file, {{"tokenizer_config.json", config(entry(512, "<think>", flags))}});
    CHECK(found.notes.empty());
    std::vector<Tokens> all;
    for (const char* text : {"a <think> b", "x<think>y <think>,", "a<think>\n\n b"}) all.push_back(found.tokenizer.encode(TemplateText{text}));
    return all;
  };
  using All = std::vector<Tokens>;
  CHECK(ids(R"("special": true)") == All{{261, 410, 512, 268}, {410, 444, 512, 422, 410, 512, 432}, {261, 512, 13, 13, 268}});
  CHECK(ids(R"("special": false, "normalized": true)") == All{{261, 410, 512, 268}, {410, 444, 512, 422, 410, 512, 432}, {261, 512, 13, 13, 268}});
  CHECK(ids(R"("special": true, "lstrip": true)") == All{{261, 512, 268}, {410, 444, 512, 422, 512, 432}, {261, 512, 13, 13, 268}});
  CHECK(ids(R"("special": true, "rstrip": true)") == All{{261, 410, 512, 430}, {410, 444, 512, 422, 410, 512, 432}, {261, 512, 430}});
  CHECK(ids(R"("special": true, "single_word": true)") ==
        All{{261, 410, 512, 268}, {410, 444, 504, 413, 415, 271, 433, 505, 422, 410, 512, 432}, {261, 504, 413, 415, 271, 433, 505, 13, 13, 268}});
}

TEST_CASE("added tokens that are not special are text, which anybody may write") {
  const auto file = model();
  if (!file) return;
  const auto found = with(*file, {{"added_tokens.json", R"({"<think>": 512, "<|im_end|>": 513})"},
                                  {"tokenizer_config.json", R"({"tokenizer_class": "LlamaTokenizer"})"}});
  const AnyTokenizer& tokenizer = found.tokenizer;
  CHECK(tokenizer.encode(UserText{"a <think>b"}) == Tokens{261, 410, 512, 430});
  CHECK(tokenizer.encode(TemplateText{"x<think> y <|im_end|>\n"}) == Tokens{410, 444, 512, 348, 410, 513, 13});
  CHECK(tokenizer.decode(Tokens{261, 512, 425}) == "a<think>u");
  CHECK(tokenizer.is_control(513));  // nobody types a marker, whatever the file says
}

TEST_CASE("added tokens: where the text behind a marker begins with a space") {
  const auto file = model();
  if (!file) return;
  const auto ids = [&](const std::string& more) {
    const auto found = with(*file, {{"tokenizer_config.json", config(marks, more)}});
    return found.tokenizer.encode(TemplateText{"a<|im_start|>user</s>b"});
  };
  CHECK(ids("") == Tokens{261, 512, 425, 419, 285, 2, 430});
  CHECK(ids(R"("legacy": true, )") == Tokens{261, 512, 318, 419, 285, 2, 268});
  CHECK(ids(R"("add_prefix_space": false, )") == Tokens{412, 512, 425, 419, 285, 2, 430});
}
