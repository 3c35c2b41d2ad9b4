#pragma once
// PreTokenizer: how a text is cut into words, inside which pieces are merged.
#include <cstddef>
#include <string_view>
#include <utility>
#include <vector>

#include "tfm/text/pattern.hpp"
#include "tfm/text/splitters.hpp"

namespace tfm::inline TFM_ABI {

/// Patterns, of which each cuts every word of the one before into its matches and what lies between them.
class PreTokenizer {
  std::vector<Pattern> patterns_;

 public:
  /// Memory for cut(), to be used again.
  struct Workspace {
    Pattern::States states;
    std::vector<TextSpan> words, matches, before;
  };

  PreTokenizer() = default;
  /// One more pattern. `what` stands before the message. Errors: LoadError where it is not supported.
  void add(std::string_view pattern, std::string_view what) { patterns_.emplace_back(pattern, what); }
  /// What GGUF's tokenizer.ggml.pre names. Errors: TokenizerError for a name that is not known.
  explicit PreTokenizer(std::string_view name);

  /// The words of a well-formed text, in order; together they are the text. They stand in the workspace.
  const std::vector<TextSpan>& cut(std::string_view text, Workspace& work) const;
};

/// Calls on_word(std::string_view) for the words of a well-formed text, in order; together they are the text.
template <class OnWord>
void pre_tokenize(const PreTokenizer& pre_tokenizer, std::string_view text, PreTokenizer::Workspace& work, OnWord&& on_word) {
  for (const auto& [begin, end] : pre_tokenizer.cut(text, work)) on_word(text.substr(begin, end - begin));
}

}  // namespace tfm::inline TFM_ABI

#if defined(TFM_DEFINITIONS)
#include "tfm/text/pre_tokenizer.inl"
#endif
