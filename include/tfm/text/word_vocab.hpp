#pragma once
// WordVocab: the vocabulary of d2l.ai's translation data, whole words between single spaces, as a tokenizer.
#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tfm/text/marker_splitter.hpp"
#include "tfm/text/tokenizer.hpp"
#include "tfm/text/vocabulary.hpp"

namespace tfm::inline TFM_ABI {

/// Ids are those of d2l.ai: <unk> 0, <pad> 1, <bos> 2, <eos> 3, then the words, the most frequent first.
///   const auto vocab = WordVocab::from_corpus(sentences);  vocab.encode(std::array{TextSegment(UserText{"go ."})});
/// Words are separated by single spaces, as d2l separates them: two spaces have an empty word between them. A word that
/// is not in the vocabulary, or that spells a reserved token, is <unk>.
class WordVocab : public VocabularyTokenizer {
  MarkerSplitter markers_;

  static std::size_t total_bytes(std::span<const std::string> words);
  void encode_words(std::string_view text, std::vector<Token>& out) const;

 public:
  static constexpr Token unknown = 0, pad = 1, bos = 2, eos = 3;
  static constexpr std::array<std::string_view, 4> reserved{"<unk>", "<pad>", "<bos>", "<eos>"};

  /// The reserved tokens and then `words` in their order. `what` names the vocabulary in messages. Throws
  /// TokenizerError for a word that is there twice, is a reserved token, holds a space or is no UTF-8.
  explicit WordVocab(std::span<const std::string> words, std::string what = "word vocabulary");

  /// The words that are at least `least` times in the sentences, by falling frequency; of words as frequent, the one
  /// that came first. So d2l.ai orders them (with least = 2).
  static WordVocab from_corpus(std::span<const std::string> sentences, Index least = 2,
                               std::string what = "word vocabulary");

  /// The words of the segments. A control token that a template spells needs no space at its sides, and may have one.
  std::vector<Token> encode(std::span<const TextSegment> segments) const;

  /// The words behind the reserved tokens, in order of their ids: what the constructor takes.
  std::vector<std::string> words() const;
};
static_assert(Tokenizer<WordVocab>);

}  // namespace tfm::inline TFM_ABI

#if defined(TFM_DEFINITIONS)
#include "tfm/text/word_vocab.inl"
#endif
