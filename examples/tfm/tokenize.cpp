// tfm tokenize: the tokens of a text; tfm detokenize: the text of tokens.
#include <charconv>

#include "model.hpp"
#include "support/json_output.hpp"
#include "support/text_file.hpp"
#include "tfm/checkpoint/load_tokenizer.hpp"

namespace cli {

namespace {

/// A token's number and its piece, spelt as in JSON so that every byte can be seen.
std::string described(const tfm::AnyTokenizer& tokenizer, tfm::Token token) {
  const std::string piece(tokenizer.piece(token));
  return std::to_string(token) + "\t" + nlohmann::json(tfm::replace_invalid(piece)).dump() + "\n";
}

/// The numbers in a list as people and programs write it.
std::vector<tfm::Token> numbers_of(std::string_view text) {
  std::vector<tfm::Token> ids;
  constexpr std::string_view between = " \t\r\n,[]";
  for (std::size_t at = 0; (at = text.find_first_not_of(between, at)) != text.npos;) {
    const std::string_view word = text.substr(at, text.find_first_of(between, at) - at);
    tfm::Token id = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), id);
    if (error != std::errc() || end != word.data() + word.size())
      tfm::raise<tfm::TokenizerError>({"tfm: detokenize: found ", tfm::in_quotes(word), ", expected a token's number"});
    ids.push_back(id);
    at += word.size();
  }
  return ids;
}

}  // namespace

int run(const DetokenizeArguments& arguments) {
  const auto [tokenizer, jinja, notes] = tfm::find_tokenizer(arguments.model);
  tell_notes(notes);
  const auto given = given_text(arguments.text);
  const std::string text = tokenizer.decode(numbers_of(given ? *given : read_text("-")));
  if (arguments.json) print_json({{"text", text}});
  else print(text);
  return success;
}

int run(const TokenizeArguments& arguments) {
  const auto [tokenizer, jinja, notes] = tfm::find_tokenizer(arguments.model);
  tell_notes(notes);
  const auto given = given_text(arguments.text);
  const std::string text = given ? *given : read_text("-");
  std::vector<tfm::Token> ids =
      arguments.special ? tokenizer.encode(tfm::TemplateText{text}) : tokenizer.encode(tfm::UserText{text});
  if (arguments.bos) {
    if (!tokenizer.bos()) tfm::raise(tfm::TokenizerError("tfm: --bos: " + arguments.model.string() + " names no BOS"));
    ids.insert(ids.begin(), *tokenizer.bos());
  }
  if (arguments.json) {
    print_json({{"ids", ids}});
  } else {
    std::string lines;
    for (const tfm::Token id : ids) lines += described(tokenizer, id);
    print(lines);
  }
  return success;
}

}  // namespace cli
