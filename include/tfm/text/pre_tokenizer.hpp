#pragma once
// Pre-tokenizers of byte-level BPE: how a text is cut into words, inside which pieces are merged.
#include <cstddef>
#include <string>
#include <string_view>

#include "tfm/core/error.hpp"
#include "tfm/text/unicode.hpp"
#include "tfm/text/utf8.hpp"

namespace tfm::inline TFM_ABI {

enum class PreTokenizer : unsigned char {
  /// "gpt-2" (Radford et al. 2019): 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
  gpt2,
  /// "smollm": every numeric character (\p{N}: ½, ² and Ⅷ too) is a word; what lies between them is cut as for gpt2.
  smollm,
};

/// The pre-tokenizer that GGUF's tokenizer.ggml.pre names; TokenizerError for any other.
inline PreTokenizer pre_tokenizer_named(std::string_view name) {
  if (name == "gpt-2") return PreTokenizer::gpt2;
  if (name == "smollm") return PreTokenizer::smollm;
  raise<TokenizerError>({"tfm: pre-tokenizer '", name, "' is not supported; known are: gpt-2, smollm"});
}

namespace detail {

/// The end of the word of GPT-2's expression that begins at `at`. The text is well-formed and goes on at `at`.
inline std::size_t gpt2_word_end(std::string_view text, std::size_t at) {
  if (text[at] == '\'') {
    for (const std::string_view ending : {"'s", "'t", "'re", "'ve", "'m", "'ll", "'d"}) {
      if (text.substr(at).starts_with(ending)) return at + ending.size();
    }
  }
  const auto class_at = [&](std::size_t i, std::size_t& end) {
    end = i;
    return char_class(next_code_point(text, end));
  };
  // " ?" and a run of one class that is not space
  std::size_t end = 0;
  const std::size_t first = text[at] == ' ' && at + 1 < text.size() ? at + 1 : at;
  if (const CharClass kind = class_at(first, end); kind != CharClass::space) {
    for (std::size_t next = end; end < text.size() && class_at(end, next) == kind; end = next) {}
    return end;
  }
  // A run of space; followed by something, it leaves that one its last character, if it has two.
  class_at(at, end);
  std::size_t last = at;
  for (std::size_t next = end; end < text.size() && class_at(end, next) == CharClass::space; end = next) last = end;
  return end == text.size() || last == at ? end : last;
}

template <class OnWord>
void gpt2_words(std::string_view text, OnWord&& on_word) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = gpt2_word_end(text, at);
    on_word(text.substr(at, end - at));
    at = end;
  }
}

}  // namespace detail

/// Calls on_word(std::string_view) for the words of a well-formed text, in order; together they are the text.
template <class OnWord>
void pre_tokenize(PreTokenizer kind, std::string_view text, OnWord&& on_word) {
  if (kind == PreTokenizer::gpt2) return detail::gpt2_words(text, on_word);
  std::size_t from = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t begin = at;
    if (char_class(next_code_point(text, at)) != CharClass::number) continue;
    detail::gpt2_words(text.substr(from, begin - from), on_word);
    on_word(text.substr(begin, at - begin));
    from = at;
  }
  detail::gpt2_words(text.substr(from), on_word);
}

}  // namespace tfm::inline TFM_ABI
