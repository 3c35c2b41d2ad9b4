// tfm tokenize: the tokens of a text.
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

}  // namespace

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
