#pragma once
// PreTokenizer: how a text is cut into words, inside which a model makes its pieces.
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tfm/text/pattern.hpp"
#include "tfm/text/splitters.hpp"

namespace tfm::inline TFM_ABI {

/// What becomes of a match: it is left out, or a word by itself, or goes with the word before it, with the one behind
/// it, or with the other matches beside it.
enum class SplitBehavior : unsigned char { removed, isolated, merged_with_previous, merged_with_next, contiguous };

/// Where a mark stands for the space in front of a text: before every stretch of it, at its very beginning, or nowhere.
enum class PrependScheme : unsigned char { always, first, never };

/// A text and where its words are in it.
struct Words {
  std::string_view text;
  const std::vector<TextSpan>& spans;
};

/// Steps, each of which cuts or changes the words of the one before.
class PreTokenizer {
  struct Step {
    enum class Kind : unsigned char { split, mark_spaces, prefix_space, to_alphabet, from_alphabet } kind = Kind::split;
    std::optional<Pattern> pattern{};
    SplitBehavior behavior = SplitBehavior::isolated;
    bool inverted = false;
    std::string mark{};
    PrependScheme scheme = PrependScheme::never;
  };
  std::vector<Step> steps_;

 public:
  /// Memory for cut(), to be used again.
  struct Workspace {
    Pattern::States states;
    std::vector<TextSpan> words, matches, before;
    std::vector<std::pair<TextSpan, bool>> parts;  // true: a match
    std::string text, changed;
  };

  PreTokenizer() = default;
  /// What GGUF's tokenizer.ggml.pre names. Errors: TokenizerError for a name that is not known.
  explicit PreTokenizer(std::string_view name);

  /// Cuts each word at the matches; inverted: what lies between them counts as the matches. `what` stands before the
  /// message. Errors: LoadError where the pattern is not supported.
  void add(std::string_view pattern, std::string_view what, SplitBehavior behavior = SplitBehavior::isolated,
           bool inverted = false);
  /// `mark` for each space, and in front of a word that does not begin with it.
  void add_mark(std::string mark, PrependScheme scheme);
  /// A space in front of a word that does not begin with one.
  void add_prefix_space() { steps_.push_back({.kind = Step::Kind::prefix_space}); }
  /// Each byte as its character of GPT-2's alphabet, and back.
  void add_to_alphabet() { steps_.push_back({.kind = Step::Kind::to_alphabet}); }
  void add_from_alphabet() { steps_.push_back({.kind = Step::Kind::from_alphabet}); }

  /// The words of a well-formed text, in order. They stand in the workspace, or are the text's own.
  /// `first`: the text begins with this one.
  Words cut(std::string_view text, Workspace& work, bool first = true) const;

 private:
  static void split(const Step& step, std::string_view text, Workspace& work);
  static void change(const Step& step, std::string_view text, Workspace& work, bool first);
};

/// Calls on_word(std::string_view) for each word.
template <class OnWord>
void pre_tokenize(const PreTokenizer& pre_tokenizer, std::string_view text, PreTokenizer::Workspace& work,
                  OnWord&& on_word) {
  const Words words = pre_tokenizer.cut(text, work);
  for (const auto& [begin, end] : words.spans) on_word(words.text.substr(begin, end - begin));
}

}  // namespace tfm::inline TFM_ABI

#if defined(TFM_DEFINITIONS)
#include "tfm/text/pre_tokenizer.inl"
#endif
