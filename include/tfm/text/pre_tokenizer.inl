// What pre_tokenizer.hpp declares.
#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>

#include "tfm/core/error.hpp"
#include "tfm/core/quotes.hpp"
#include "tfm/text/byte_alphabet.hpp"

namespace tfm::inline TFM_ABI {

TFM_INLINE PreTokenizer::PreTokenizer(std::string_view name) {
  const PreTokenizerFacts* const facts = pre_tokenizer_facts(name);
  if (facts == nullptr) {
    std::string known;
    for (const PreTokenizerFacts& each : detail::pre_tokenizers)
      known += (known.empty() ? "" : ", ") + std::string(each.name);
    raise<TokenizerError>({"tfm: pre-tokenizer ", in_quotes(name), " is not known; known are: ", known});
  }
  for (const std::string_view pattern : splitter_named(facts->splitter)->patterns)
    if (!pattern.empty())
      add(pattern, facts->name, facts->small_letters ? SplitBehavior::removed : SplitBehavior::isolated,
          facts->small_letters);
}

TFM_INLINE void PreTokenizer::add(std::string_view pattern, std::string_view what, SplitBehavior behavior, bool inverted) {
  steps_.push_back(
      {.kind = Step::Kind::split, .pattern = Pattern(pattern, what), .behavior = behavior, .inverted = inverted});
}
TFM_INLINE void PreTokenizer::add_mark(std::string mark, PrependScheme scheme) {
  steps_.push_back({.kind = Step::Kind::mark_spaces, .mark = std::move(mark), .scheme = scheme});
}

/// The words of work.before, cut, into work.words.
TFM_INLINE void PreTokenizer::split(const Step& step, std::string_view text, Workspace& work) {
  for (const TextSpan word : work.before) {
    work.matches.clear();
    step.pattern->find(text.substr(word.begin, word.end - word.begin), work.states, work.matches);
    std::size_t at = word.begin;
    const auto cut_at = [&](std::size_t end) {
      if (end > at) work.words.push_back({at, end}), at = end;
    };
    if (step.behavior == SplitBehavior::isolated) {
      for (const TextSpan match : work.matches) cut_at(word.begin + match.begin), cut_at(word.begin + match.end);
      cut_at(word.end);
      continue;
    }
    auto& parts = work.parts;
    parts.clear();
    const auto part = [&](std::size_t end, bool match) {
      if (end > at || match) parts.push_back({{at, end}, match != step.inverted}), at = end;
    };
    for (const TextSpan match : work.matches) part(word.begin + match.begin, false), part(word.begin + match.end, true);
    part(word.end, false);
    // As Hugging Face's library joins them.
    const std::size_t first = work.words.size();
    const auto joins = [&](std::size_t i, bool previous) {
      if (step.behavior == SplitBehavior::contiguous) return parts[i].second == previous && work.words.size() > first;
      return step.behavior != SplitBehavior::removed && parts[i].second && !previous && work.words.size() > first;
    };
    const bool backwards = step.behavior == SplitBehavior::merged_with_next;
    bool previous = false;
    for (std::size_t n = 0; n < parts.size(); ++n) {
      const std::size_t i = backwards ? parts.size() - 1 - n : n;
      if (joins(i, previous))
        (backwards ? work.words.back().begin = parts[i].first.begin : work.words.back().end = parts[i].first.end);
      else if (step.behavior != SplitBehavior::removed || !parts[i].second) work.words.push_back(parts[i].first);
      previous = parts[i].second;
    }
    const auto begin = work.words.begin() + static_cast<std::ptrdiff_t>(first);
    if (backwards) std::reverse(begin, work.words.end());
    work.words.erase(std::remove_if(begin, work.words.end(), [](TextSpan span) { return span.begin == span.end; }),
                     work.words.end());
  }
}

/// The words of work.before, changed, into work.words and work.changed.
TFM_INLINE void PreTokenizer::change(const Step& step, std::string_view text, Workspace& work, bool first) {
  std::string& out = work.changed;
  out.clear();
  for (const TextSpan span : work.before) {
    const std::string_view word = text.substr(span.begin, span.end - span.begin);
    const std::size_t begin = out.size();
    switch (step.kind) {
      case Step::Kind::mark_spaces: {
        const bool here =
            step.scheme == PrependScheme::always || (step.scheme == PrependScheme::first && first && span.begin == 0);
        if (here && !word.starts_with(' ') && !word.starts_with(step.mark)) out += step.mark;
        for (const char c : word) c == ' ' ? out += step.mark : out += c;
        break;
      }
      case Step::Kind::prefix_space: out.append(word.starts_with(' ') ? "" : " ").append(word); break;
      case Step::Kind::to_alphabet:
        for (const char c : word) append_utf8(out, byte_alphabet[static_cast<unsigned char>(c)]);
        break;
      case Step::Kind::from_alphabet: append_spelt_bytes(out, word); break;
      case Step::Kind::split: break;
    }
    work.words.push_back({begin, out.size()});
  }
}

TFM_INLINE Words PreTokenizer::cut(std::string_view text, Workspace& work, bool first) const {
  work.words.clear();
  if (!text.empty()) work.words.push_back({0, text.size()});
  for (const Step& step : steps_) {
    std::swap(work.words, work.before);
    work.words.clear();
    if (step.kind == Step::Kind::split) {
      split(step, text, work);
    } else {
      change(step, text, work, first);
      std::swap(work.text, work.changed);
      text = work.text;
    }
  }
  return {text, work.words};
}

}  // namespace tfm::inline TFM_ABI
