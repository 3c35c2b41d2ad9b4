#pragma once
// Tokenizers for tests: out of a Hugging Face tokenizer.json, and the texts that come with their ids.
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "support/data.hpp"
#include "tfm/text/byte_bpe.hpp"

namespace tfm_test {

inline std::string read_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}
inline nlohmann::json read_json(const std::filesystem::path& path) { return nlohmann::json::parse(read_file(path)); }

/// The byte-level BPE of a tokenizer.json: vocabulary, merges as pairs, added tokens.
inline tfm::ByteBpeTokenizer byte_bpe_of(const nlohmann::json& json, std::string_view pre_tokenizer) {
  const auto& model = json.at("model");
  std::vector<std::string> pieces(model.at("vocab").size());
  for (const auto& [piece, token] : model.at("vocab").items()) pieces.at(token.get<std::size_t>()) = piece;
  std::vector<std::int32_t> types(pieces.size(), 1);
  for (const auto& added : json.at("added_tokens")) {
    types.at(added.at("id").get<std::size_t>()) = added.at("special").get<bool>() ? 3 : 4;
  }
  std::vector<std::pair<std::string, std::string>> merges = model.at("merges");
  const std::vector<std::string_view> piece_views(pieces.begin(), pieces.end());
  const std::vector<std::pair<std::string_view, std::string_view>> merge_views(merges.begin(), merges.end());
  return tfm::ByteBpeTokenizer(
      {.pieces = piece_views, .merge_pairs = merge_views, .types = types, .pre_tokenizer = pre_tokenizer});
}

/// The texts of shared/data/vocab's .inp files, and of an .ids or .out file the tokens of each, one line a text.
inline std::vector<std::string> vocabulary_texts(const std::filesystem::path& inp) {
  const std::string all = read_file(inp), mark = "\n__ggml_vocab_test__\n";
  std::vector<std::string> texts;
  std::size_t from = 0;
  for (std::size_t at; (at = all.find(mark, from)) != std::string::npos; from = at + mark.size()) {
    texts.push_back(all.substr(from, at - from));
  }
  return texts;
}
inline std::vector<std::vector<tfm::Token>> expected_ids(const std::filesystem::path& path) {
  std::istringstream lines(read_file(path));
  std::vector<std::vector<tfm::Token>> all;
  for (std::string line; std::getline(lines, line);) {
    std::istringstream numbers(line);
    auto& ids = all.emplace_back();
    for (tfm::Token id; numbers >> id;) ids.push_back(id);
  }
  return all;
}

}  // namespace tfm_test
