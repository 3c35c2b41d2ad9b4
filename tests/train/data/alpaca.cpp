// Alpaca's files: read, refused in words, and written as Python writes them.
#include "tfm/train/data/alpaca.hpp"

#include <fstream>

#include "support/catch.hpp"
#include "support/data.hpp"
#include "support/error_of.hpp"
#include "support/temporary_folder.hpp"

namespace {

using tfm::AlpacaRecord, tfm::Index;

std::string refusal(std::string_view text) {
  return tfm_test::error_of<tfm::LoadError>([&] { tfm::parse_alpaca(text, "x.json"); });
}

std::string contents(const std::filesystem::path& path) {
  const auto file = tfm::MappedFile::open(path);
  return std::string(tfm::text_of(file->bytes()));
}

TEST_CASE("Alpaca records are an array, or one a line", "[alpaca]") {
  const std::string array = R"( [{"instruction": "Say \u00e9.", "input": "x", "output": "\ud83d\ude00", "id": 7},
                                {"output": "b", "instruction": "a"}, {"instruction": "", "input": null, "output": ""}])";
  const std::string lines = "\xEF\xBB\xBF" R"({"instruction": "Say é.", "input": "x", "output": "😀"})" "\r\n\n \t\n"
                            R"({"output": "b", "instruction": "a"})" "\n" R"({"instruction": "", "output": ""})";
  for (const std::string& text : {array, lines}) {
    const auto records = tfm::parse_alpaca(text, "x.json");
    REQUIRE(records.size() == 3);
    CHECK(records[0].instruction == "Say \xC3\xA9.");
    CHECK(records[0].input == "x");
    CHECK(records[0].output == "\xF0\x9F\x98\x80");
    CHECK(records[1].instruction == "a");
    CHECK(records[1].input.empty());
    CHECK(records[1].output == "b");
    CHECK(records[2].instruction.empty());
  }
}

TEST_CASE("Alpaca records stand over several lines", "[alpaca]") {
  const std::string one = "{\n \"instruction\": \"a {[\",\n \"output\": \"} \\\" ]\"\n}\n", other = R"({"instruction": "c", "output": "d"})";
  const auto outputs = [](const std::string& text) {
    std::string all;
    for (const auto& record : tfm::parse_alpaca(text, "x.json")) all += record.output + "|";
    return all;
  };
  CHECK(outputs(one) == "} \" ]|");
  CHECK(outputs(one + one + "\n" + other) == "} \" ]|} \" ]|d|");
  CHECK(outputs(other + other) == "d|d|");
  const std::string expected = "tfm: x.json: found an object, expected an array of records, or records with 'instruction' and 'output' one behind the other";
  CHECK(refusal("{\"version\": 1,\n \"data\": [\n" + one + "," + other + "]}\n") == expected + "; its member 'data' is an array: save that alone");
  CHECK(refusal(R"({"train": [], "test": []})") == expected + "; its members 'train', 'test' are arrays: save one alone");
  CHECK(refusal(R"({"0": {}, "1": {}})") == expected);
  CHECK(refusal(one + "\n" + other + "\n{\"a\": 1}") == "tfm: x.json: line 7: record 3: 'instruction' is missing, expected a string");
  CHECK(refusal(one + "\n{\"instruction\": \"a\",\n\"output\": \"b\n}\n" + other).starts_with("tfm: x.json: line 6: not valid JSON at byte "));
  CHECK(refusal(other + "}\n").starts_with("tfm: x.json: line 1: not valid JSON at byte 1"));
  CHECK(refusal(one + "[1]").starts_with("tfm: x.json: line 5: record 2: found an array"));
  CHECK(refusal(std::string("\xFF\xFE[\0]\0", 6)).starts_with("tfm: x.json: line 1: found text in UTF-16, expected UTF-8"));
}

TEST_CASE("what is wrong with Alpaca records is told with the record's number, the field, found and expected", "[alpaca]") {
  const std::string good = R"({"instruction": "a", "output": "b"})";
  CHECK(refusal("[" + good + R"(, {"instruction": "a"}])") == "tfm: x.json: record 2: 'output' is missing, expected a string");
  CHECK(refusal(R"([{"instruction": null, "output": "b"}])") == "tfm: x.json: record 1: 'instruction': found null, expected a string");
  CHECK(refusal(R"([{"instruction": "a", "output": 1}])") == "tfm: x.json: record 1: 'output': found the integer 1, expected a string");
  CHECK(refusal(R"([{"instruction": "a", "input": {}, "output": "b"}])") == "tfm: x.json: record 1: 'input': found an object, expected a string");
  CHECK(refusal("[" + good + ", []]") == "tfm: x.json: record 2: found an array, expected an object with 'instruction', 'input' and 'output'");
  CHECK(refusal("[]") == "tfm: x.json: found no record, expected at least one");
  CHECK(refusal("\"x\"") == "tfm: x.json: found the string 'x', expected an array of records, or a record a line");
  CHECK(refusal(good + "\n\n" + R"({"output": "b"})") == "tfm: x.json: line 3: record 2: 'instruction' is missing, expected a string");
  CHECK(refusal(good + "\n{\"instruction\"\n").starts_with("tfm: x.json: line 2: not valid JSON at byte "));
  CHECK(refusal("").starts_with("tfm: x.json: not valid JSON"));
  CHECK(tfm_test::error_of<tfm::LoadError>([] { tfm::read_alpaca("/nowhere/x.json"); }) == "tfm: cannot open /nowhere/x.json: No such file or directory");
}

TEST_CASE("Alpaca records are written as Python's json.dump does", "[alpaca]") {
  const std::vector<AlpacaRecord> records{{"a\"\\/\b\f\n\r\t", std::string("\0\x1f\x7f", 3), "\xC3\xA9\xE2\x80\x99\xEF\xBF\xBF\xF0\x9F\x98\x80\xF4\x8F\xBF\xBF"}, {"b", "", ""}};
  // python3 -c 'import json; print(json.dumps(…))'
  CHECK(tfm::alpaca_json(records) ==
        R"([{"instruction": "a\"\\/\b\f\n\r\t", "input": "\u0000\u001f\u007f", "output": "\u00e9\u2019\uffff\ud83d\ude00\udbff\udfff"}, )"
        R"({"instruction": "b", "input": "", "output": ""}])");
  CHECK(tfm::alpaca_json({}) == "[]");
  const auto again = tfm::parse_alpaca(tfm::alpaca_json(records), "again");
  REQUIRE(again.size() == 2);
  CHECK(again[0].instruction == records[0].instruction);
  CHECK(again[0].input == records[0].input);
  CHECK(again[0].output == records[0].output);
  const std::vector<AlpacaRecord> bad{{"\xFF", "", ""}};
  CHECK_THROWS_WITH(tfm::alpaca_json(bad), "tfm: '\\xff' is not UTF-8 and cannot be written as JSON");
}

TEST_CASE("the tweets' JSON is read and written back byte for byte", "[alpaca]") {
  const auto file = tfm_test::require(tfm_test::shared() / "data/tweets/alpaca-bitcoin-sentiment-dataset.json");
  if (!file) return;
  const auto records = tfm::read_alpaca(*file);
  CHECK(records.size() == 1897);
  CHECK(tfm::alpaca_json(records) == contents(*file));
  const std::vector<std::pair<std::string, Index>> expected{{"Neutral", 860}, {"Positive", 779}, {"Negative", 258}};
  CHECK(tfm::output_counts(records) == expected);
}

TEST_CASE("equally common outputs stand in the order of the records", "[alpaca]") {
  const std::vector<AlpacaRecord> records{{"", "", "b"}, {"", "", "a"}, {"", "", "c"}, {"", "", "c"}};
  const std::vector<std::pair<std::string, Index>> expected{{"c", 2}, {"b", 1}, {"a", 1}};
  CHECK(tfm::output_counts(records) == expected);
}

TEST_CASE("Alpaca-LoRA's template files are read", "[alpaca]") {
  const auto folder = tfm_test::require(tfm_test::shared() / "data/chat");
  if (!folder) return;
  const AlpacaRecord record{"Do.", "this", "done"};
  const tfm::AlpacaPrompt alpaca = tfm::read_alpaca_prompt(*folder / "template-alpaca.json");
  CHECK(alpaca(record) == tfm::AlpacaPrompt()(record));
  CHECK(tfm::read_alpaca_prompt(*folder / "template-alpaca_legacy.json")({"Do."}).ends_with("Do.\n\n### Response:"));
  CHECK(tfm::read_alpaca_prompt(*folder / "template-alpaca_short.json")(record) == "### Instruction:\nDo.\n\n### Input:\nthis\n\n### Response:\n");
  CHECK(tfm::read_alpaca_prompt(*folder / "template-vigogne.json").response_split == "### R\xC3\xA9ponse:");
}

TEST_CASE("a template file that lacks something is refused", "[alpaca]") {
  const tfm_test::TemporaryFolder folder;
  const std::filesystem::path path = folder / "t.json";
  const auto refused = [&](const char* text) {
    std::ofstream(path, std::ios::trunc) << text;
    const std::string error = tfm_test::error_of<tfm::LoadError>([&] { tfm::read_alpaca_prompt(path); });
    return error.substr(error.find("t.json: ") + 8);
  };
  CHECK(refused(R"({"prompt_input": "{instruction} {input}", "response_split": "x"})") == "the JSON's root: 'prompt_no_input' is missing");
  CHECK(refused(R"({"prompt_input": "{instruction}", "prompt_no_input": "{instruction}", "response_split": "x"})") ==
        "'prompt_input': found the string '{instruction}', expected the place {input} in it");
  CHECK(refused(R"({"prompt_input": "{instruction} {input}", "prompt_no_input": 3, "response_split": "x"})") == "'prompt_no_input': found the integer 3, expected a string");
  CHECK(refused(R"({"prompt_input": "{instruction} {input}", "prompt_no_input": "{instruction}", "response_split": ""})") ==
        "'response_split': found an empty text, expected what stands before the answer");
}

}  // namespace
