#pragma once
// A WordVocab as a JSON file: {"type": "word_vocab", "reserved": ["<unk>", ...], "words": [...]}, words by rising id.
#include <filesystem>
#include <string>
#include <vector>

#include "tfm/formats/atomic_file.hpp"
#include "tfm/formats/json.hpp"
#include "tfm/formats/json_text.hpp"
#include "tfm/text/word_vocab.hpp"

namespace tfm::inline TFM_ABI {

/// The file becomes the vocabulary, whole or not at all. LoadError if it cannot be written.
inline void save_word_vocab(const WordVocab& vocab, const std::filesystem::path& file) {
  std::string text = "{\"type\": \"word_vocab\", \"reserved\": [";
  const char* comma = "";
  for (const std::string_view token : WordVocab::reserved) text += comma + json_string(token), comma = ", ";
  text += "],\n\"words\": [";
  comma = "\n";
  for (const std::string& word : vocab.words()) text += comma + json_string(word), comma = ",\n";
  write_file(file, bytes_of(text + "]}\n"));
}

/// What save_word_vocab wrote. LoadError if it cannot be read or is no such file, TokenizerError for words that make
/// no vocabulary.
inline WordVocab load_word_vocab(const std::filesystem::path& file) {
  const JsonDocument document = read_json(file);
  const Json root = document.root(), type = root.at("type"), reserved = root.at("reserved");
  if (type.text() != "word_vocab") type.refuse("found " + type.found() + ", expected 'word_vocab'");
  std::size_t known = 0;
  for (const Json token : reserved.elements()) {
    if (known >= WordVocab::reserved.size() || token.text() != WordVocab::reserved[known])
      token.refuse("found " + token.found() + ", expected <unk>, <pad>, <bos>, <eos> in this order");
    ++known;
  }
  if (known != WordVocab::reserved.size())
    reserved.refuse("found " + std::to_string(known) + " tokens, expected <unk>, <pad>, <bos>, <eos>");
  std::vector<std::string> words;
  for (const Json word : root.at("words").elements()) words.emplace_back(word.text());
  return WordVocab(words, file.string());
}

}  // namespace tfm::inline TFM_ABI
