#include "tfm/text/alpaca_prompt.hpp"

#include <fstream>
#include <nlohmann/json.hpp>

#include "support/catch.hpp"
#include "support/data.hpp"

TEST_CASE("the Alpaca prompt is Alpaca-LoRA's") {
  const auto file = tfm_test::require(tfm_test::shared() / "data/chat/template-alpaca.json");
  if (!file) return;
  const auto published = nlohmann::json::parse(std::ifstream(*file));
  const tfm::AlpacaPrompt ours;
  CHECK(ours.prompt_input == published["prompt_input"].get<std::string>());
  CHECK(ours.prompt_no_input == published["prompt_no_input"].get<std::string>());
  CHECK(ours.response_split == published["response_split"].get<std::string>());
}

TEST_CASE("prompt and output are the text of Alpaca's records") {
  const auto file = tfm_test::require(tfm_test::shared() / "data/instructions/alpaca_tiny.json");
  if (!file) return;
  const tfm::AlpacaPrompt prompt;
  int with_input = 0, without = 0;
  for (const auto& entry : nlohmann::json::parse(std::ifstream(*file))) {
    const tfm::AlpacaRecord record{
        .instruction = entry["instruction"], .input = entry["input"], .output = entry["output"]};
    REQUIRE(prompt(record) + record.output == entry["text"].get<std::string>());
    (record.input.empty() ? without : with_input) += 1;
  }
  CHECK(with_input > 0);
  CHECK(without > 0);
}

TEST_CASE("what looks like a place in a record's texts stays as it is") {
  const tfm::AlpacaPrompt prompt{.prompt_input = "{instruction}|{input}|{other}", .prompt_no_input = "<{instruction}>"};
  CHECK(prompt({.instruction = "{input}", .input = "{instruction}"}) == "{input}|{instruction}|{other}");
  CHECK(prompt({.instruction = "{input} {instruction}"}) == "<{input} {instruction}>");
}

TEST_CASE("the response is what stands after the marker") {
  const tfm::AlpacaPrompt prompt;
  const std::string text = prompt({.instruction = "Say hello."});
  CHECK(prompt.response(text + "Hello!") == "Hello!");
  CHECK(prompt.response(text + " \nHello!\n\n### Response:\nAgain") == "Hello!");
  CHECK(prompt.response(text).empty());
  CHECK_THROWS_AS(prompt.response("Hello!"), tfm::TemplateError);
  CHECK_THROWS_WITH(prompt.response("Hello!"), Catch::Contains("### Response:") && Catch::Contains("6 bytes"));
}
