// What word_vocab.hpp declares.
#include <algorithm>
#include <unordered_map>
#include <utility>

namespace tfm::inline TFM_ABI {

TFM_INLINE std::size_t WordVocab::total_bytes(std::span<const std::string> words) {
  std::size_t bytes = 64;  // the reserved tokens
  for (const std::string& word : words) bytes += word.size() + 1;
  return bytes;
}

TFM_INLINE void WordVocab::encode_words(std::string_view text, std::vector<Token>& out) const {
  for (std::size_t from = 0, end = 0; end != std::string_view::npos; from = end + 1) {
    end = text.find(' ', from);
    const auto id = vocabulary_.find(text.substr(from, end == std::string_view::npos ? end : end - from));
    out.push_back(id && !is_control(*id) ? *id : unknown);
  }
}

TFM_INLINE WordVocab::WordVocab(std::span<const std::string> words, std::string what)
    : VocabularyTokenizer(Vocabulary(static_cast<Index>(words.size() + reserved.size()), total_bytes(words), std::move(what))) {
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

TFM_INLINE WordVocab WordVocab::from_corpus(std::span<const std::string> sentences, Index least,
                             std::string what) {
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

TFM_INLINE std::vector<Token> WordVocab::encode(std::span<const TextSegment> segments) const {
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

TFM_INLINE std::vector<std::string> WordVocab::words() const {
  std::vector<std::string> words;
  for (Token token = static_cast<Token>(reserved.size()); token < size(); ++token) words.emplace_back(piece(token));
  return words;
}

}  // namespace tfm::inline TFM_ABI
