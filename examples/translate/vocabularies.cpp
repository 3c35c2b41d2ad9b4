#include "vocabularies.hpp"

#include <sentencepiece_trainer.h>

#include <set>
#include <unordered_map>

#include "tfm/checkpoint/word_vocab_file.hpp"
#include "tfm/text/sentencepiece.hpp"

namespace cli {

using tfm::Index;

namespace {

/// Both sides of the pairs, one after the other.
class Sentences final : public sentencepiece::SentenceIterator {
  const std::vector<tfm::SentencePair>& pairs_;
  std::size_t at_ = 0;

 public:
  explicit Sentences(const std::vector<tfm::SentencePair>& pairs) : pairs_(pairs) {}
  bool done() const override { return at_ == 2 * pairs_.size(); }
  void Next() override { ++at_; }
  const std::string& value() const override {
    return at_ % 2 == 0 ? pairs_[at_ / 2].source : pairs_[at_ / 2].target;
  }
  sentencepiece::util::Status status() const override { return {}; }
};

/// sentencepiece ends the program where characters alone fill the vocabulary; so this is found out before.
void check_pieces(const std::vector<tfm::SentencePair>& pairs, Index pieces) {
  std::set<char32_t> characters;
  for (Sentences all(pairs); !all.done(); all.Next())
    for (std::size_t at = 0; at < all.value().size();) characters.insert(tfm::next_code_point(all.value(), at));
  const Index least = static_cast<Index>(characters.size()) + 8;
  if (pieces < least)
    tfm::raise(tfm::OptionError("tfm: --pieces is " + std::to_string(pieces) + ", expected at least " +
                                std::to_string(least) + ": so many characters the sentences have"));
}

std::string train_subwords(const std::vector<tfm::SentencePair>& pairs, Index pieces) {
  check_pieces(pairs, pieces);
  // The ids are WordVocab's. One thread: the same pairs give the same file. A small text may give fewer pieces.
  const std::unordered_map<std::string, std::string> options{
      {"model_type", "bpe"}, {"vocab_size", std::to_string(pieces)}, {"hard_vocab_limit", "false"},
      {"unk_id", "0"}, {"pad_id", "1"}, {"bos_id", "2"}, {"eos_id", "3"},
      {"character_coverage", "1"}, {"normalization_rule_name", "identity"}, {"num_threads", "1"}, {"minloglevel", "2"}};
  Sentences sentences(pairs);
  std::string model;
  const auto status = sentencepiece::SentencePieceTrainer::Train(options, &sentences, &model);
  if (!status.ok()) tfm::raise(tfm::TokenizerError("tfm: sentencepiece makes no vocabulary: " + status.ToString()));
  return model;
}

std::string bytes_of_file(const std::filesystem::path& path) {
  return std::string(tfm::text_of(tfm::MappedFile::open(path)->bytes()));
}

}  // namespace

std::string fingerprint(std::string_view text) {
  std::uint64_t state = text.size();
  for (const char c : text) state = tfm::splitmix64(state ^ static_cast<unsigned char>(c));
  return std::to_string(state);
}

VocabularyFiles make_vocabularies(const std::vector<tfm::SentencePair>& pairs, Index pieces,
                                  const std::filesystem::path& folder) {
  VocabularyFiles files;
  const auto written = [&](const char* name) { files.emplace_back(name, fingerprint(bytes_of_file(folder / name))); };
  if (pieces > 0) {
    tfm::write_file(folder / subwords, tfm::bytes_of(train_subwords(pairs, pieces)));
    written(subwords);
    return files;
  }
  std::vector<std::string> sources, targets;
  for (const auto& pair : pairs) sources.push_back(pair.source), targets.push_back(pair.target);
  tfm::save_word_vocab(tfm::WordVocab::from_corpus(sources), folder / words_of_source);
  tfm::save_word_vocab(tfm::WordVocab::from_corpus(targets), folder / words_of_target);
  written(words_of_source), written(words_of_target);
  return files;
}

Vocabularies load_vocabularies(const std::filesystem::path& folder, const VocabularyFiles& files) {
  for (const auto& [name, expected] : files) {
    const std::string found = fingerprint(bytes_of_file(folder / name));
    if (found != expected)
      tfm::raise(tfm::LoadError("tfm: " + (folder / name).string() + " is the vocabulary of another model: found the fingerprint " +
                                found + ", expected " + expected + " (translation.json)"));
  }
  if (files.size() == 1) {
    const tfm::AnyTokenizer both = tfm::SentencePieceTokenizer(folder / files[0].first);
    return {both, both};
  }
  return {tfm::load_word_vocab(folder / files[0].first), tfm::load_word_vocab(folder / files[1].first)};
}

}  // namespace cli
