// What word_vocab_file.hpp declares.
#include <string>
#include <vector>

namespace tfm::inline TFM_ABI {

TFM_INLINE void save_word_vocab(const WordVocab& vocab, const std::filesystem::path& file) {
  JsonWriter json;
  json.begin_object(JsonLayout::lines).member("type", "word_vocab").key("reserved").begin_array();
  for (const std::string_view token : WordVocab::reserved) json.value(token);
  json.end().key("words").begin_array(JsonLayout::lines);
  for (const std::string& word : vocab.words()) json.value(word);
  write_file(file, bytes_of(json.end().end().text() + "\n"));
}

TFM_INLINE WordVocab load_word_vocab(const std::filesystem::path& file) {
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
