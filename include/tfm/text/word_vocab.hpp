#pragma once
// WordVocab: the vocabulary of d2l.ai's translation data, whole words between single spaces, as a tokenizer.
#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "tfm/text/marker_splitter.hpp"
#include "tfm/text/tokenizer.hpp"
#include "tfm/text/vocabulary.hpp"

namespace tfm::inline TFM_ABI {

/// Ids are those of d2l.ai: <unk> 0, <pad> 1, <bos> 2, <eos> 3, then the words, the most frequent first.
///   const auto vocab = WordVocab::from_corpus(sentences);  vocab.encode(std::array{TextSegment(UserText{"go ."})});
/// Words are separated by single spaces, as d2l separates them: two spaces have an empty word between them. A word that
/// is not in the vocabulary, or that spells a reserved token, is <unk>.
class WordVocab {
  Vocabulary vocabulary_;
  MarkerSplitter markers_;

  static std::size_t total_bytes(std::span<const std::string> words) {
    std::size_t bytes = 64;  // the reserved tokens
    for (const std::string& word : words) bytes += word.size() + 1;
    return bytes;
  }
  void encode_words(std::string_view text, std::vector<Token>& out) const {
    for (std::size_t from = 0, end = 0; end != std::string_view::npos; from = end + 1) {
      end = text.find(' ', from);
      const auto id = vocabulary_.find(text.substr(from, end == std::string_view::npos ? end : end - from));
      out.push_back(id && !is_control(*id) ? *id : unknown);
    }
  }

 public:
  static constexpr Token unknown = 0, pad = 1, bos = 2, eos = 3;
  static constexpr std::array<std::string_view, 4> reserved{"<unk>", "<pad>", "<bos>", "<eos>"};

  /// The reserved tokens and then `words` in their order. `what` names the vocabulary in messages. Throws
  /// TokenizerError for a word that is there twice, is a reserved token, holds a space or is no UTF-8.
  explicit WordVocab(std::span<const std::string> words, std::string what = "word vocabulary")
      : vocabulary_(static_cast<Index>(words.size() + reserved.size()), total_bytes(words), std::move(what)) {
    // <unk> is no control token: a translation shows where a word was missing.
    for (const std::string_view token : reserved)
      vocabulary_.add(token, " " + std::string(token), token == reserved[0] ? TokenType::normal : TokenType::control);
    for (const std::string& word : words) {
      const auto refuse = [&, id = vocabulary_.size()](const char* why) {
        raise(TokenizerError("tfm: " + vocabulary_.what() + ": word " + std::to_string(id) + ", '" +
                             replace_invalid(std::string_view(word).substr(0, 40)) + "', " + why));
      };
      if (word.find(' ') != std::string::npos) refuse("holds a space, expected a single word");
      if (!is_utf8(word)) refuse("is not UTF-8");
      if (!vocabulary_.add(word, " " + word, TokenType::normal)) refuse("is there twice");
    }
    vocabulary_.set_special({.bos = bos, .eos = eos, .unknown = unknown, .pad = pad});
    vocabulary_.set_leading_space(LeadingSpace::drop_one);
    markers_ = MarkerSplitter(vocabulary_, [&](Token token) { return vocabulary_.is_control(token); });
  }

  /// The words that are at least `least` times in the sentences, by falling frequency; of words as frequent, the one
  /// that came first. So d2l.ai orders them (with least = 2).
  static WordVocab from_corpus(std::span<const std::string> sentences, Index least = 2,
                               std::string what = "word vocabulary") {
    std::unordered_map<std::string_view, std::size_t> places;
    std::vector<std::pair<std::string_view, Index>> counted;  // in order of appearance
    for (const std::string_view sentence : sentences) {
      for (std::size_t from = 0, end = 0; end != std::string_view::npos; from = end + 1) {
        end = sentence.find(' ', from);
        const auto word = sentence.substr(from, end == std::string_view::npos ? end : end - from);
        const auto [place, is_new] = places.try_emplace(word, counted.size());
        if (is_new) counted.emplace_back(word, 0);
        ++counted[place->second].second;
      }
    }
    std::stable_sort(counted.begin(), counted.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
    std::vector<std::string> words;
    for (const auto& [word, count] : counted) {
      if (count < least) break;
      if (std::find(reserved.begin(), reserved.end(), word) == reserved.end()) words.emplace_back(word);
    }
    return WordVocab(words, std::move(what));
  }

  /// The words of the segments. A control token that a template spells needs no space at its sides, and may have one.
  std::vector<Token> encode(std::span<const TextSegment> segments) const {
    std::vector<Token> out;
    std::string stretch;  // what has been read since the last control token, across segments
    bool behind_control = false;
    const auto text = [&](std::string_view part) { stretch += part; };
    const auto flush = [&](bool before_control) {
      std::string_view rest = stretch;
      if (behind_control && rest.starts_with(' ')) rest.remove_prefix(1);
      if (before_control && rest.ends_with(' ')) rest.remove_suffix(1);
      if (!rest.empty()) encode_words(rest, out);
      stretch.clear();
      behind_control = before_control;
    };
    for (const TextSegment& segment : segments) {
      if (!segment.from_template) {
        text(segment.text);
        continue;
      }
      markers_.split(segment.text, text, [&](Token token, MarkerRule) {
        flush(true);
        out.push_back(token);
      });
    }
    flush(false);
    return out;
  }

  /// The words behind the reserved tokens, in order of their ids: what the constructor takes.
  std::vector<std::string> words() const {
    std::vector<std::string> words;
    for (Token token = static_cast<Token>(reserved.size()); token < size(); ++token) words.emplace_back(piece(token));
    return words;
  }

  Index size() const noexcept { return vocabulary_.size(); }
  const SpecialTokens& special() const noexcept { return vocabulary_.special(); }
  bool is_control(Token token) const { return vocabulary_.is_control(token); }
  std::string_view bytes(Token token) const { return vocabulary_.bytes(token); }
  std::string_view leading_bytes(Token token) const { return vocabulary_.leading_bytes(token); }
  bool trims_spaces() const noexcept { return vocabulary_.trims_spaces(); }
  std::string_view piece(Token token) const { return vocabulary_.piece(token); }
  std::optional<Token> find(std::string_view piece) const { return vocabulary_.find(piece); }
};
static_assert(Tokenizer<WordVocab>);

}  // namespace tfm::inline TFM_ABI
