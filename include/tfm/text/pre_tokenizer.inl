// What pre_tokenizer.hpp declares.
#include <string>

#include "tfm/core/error.hpp"
#include "tfm/core/quotes.hpp"

namespace tfm::inline TFM_ABI {

TFM_INLINE PreTokenizer::PreTokenizer(std::string_view name) {
  const PreTokenizerFacts* const facts = pre_tokenizer_facts(name);
  if (facts == nullptr) {
    std::string known;
    for (const PreTokenizerFacts& each : detail::pre_tokenizers) known += (known.empty() ? "" : ", ") + std::string(each.name);
    raise<TokenizerError>({"tfm: pre-tokenizer ", in_quotes(name), " is not known; known are: ", known});
  }
  if (facts->splitter == "gemma4" || facts->splitter == "whitespace")
    raise<TokenizerError>({"tfm: pre-tokenizer ", in_quotes(name), " is not supported: its pieces are not spelt in the byte alphabet"});
  for (const std::string_view pattern : splitter_named(facts->splitter)->patterns)
    if (!pattern.empty()) add(pattern, facts->name);
}

TFM_INLINE const std::vector<TextSpan>& PreTokenizer::cut(std::string_view text, Workspace& work) const {
  work.words.clear();
  if (!text.empty()) work.words.push_back({0, text.size()});
  for (const Pattern& pattern : patterns_) {
    std::swap(work.words, work.before);
    work.words.clear();
    for (const TextSpan word : work.before) {
      work.matches.clear();
      pattern.find(text.substr(word.begin, word.end - word.begin), work.states, work.matches);
      std::size_t at = word.begin;
      const auto cut_at = [&](std::size_t end) {
        if (end > at) work.words.push_back({at, end}), at = end;
      };
      for (const TextSpan match : work.matches) cut_at(word.begin + match.begin), cut_at(word.begin + match.end);
      cut_at(word.end);
    }
  }
  return work.words;
}

}  // namespace tfm::inline TFM_ABI
