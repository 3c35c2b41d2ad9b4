#pragma once
// Normalizer: what Hugging Face's tokenizers do to a text before it is cut into words.
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tfm/text/normal_forms.hpp"
#include "tfm/text/pattern.hpp"

namespace tfm::inline TFM_ABI {

struct NormalizerStep {
  enum class Kind : unsigned char {
    nfc, nfd, nfkc, nfkd,
    lowercase,      ///< each character by itself
    strip_accents,  ///< takes out what is a mark (M)
    nmt,            ///< takes out control characters and makes a space of each kind of white space
    byte_level,     ///< each byte becomes its character of GPT-2's alphabet
    strip,          ///< white space at the left end, the right end
    prepend,        ///< `text` in front, unless there is none
    replace,        ///< `text` for each match of `pattern`
    bert,           ///< BERT's clean-up, below
    charsmap,       ///< sentencepiece's compiled rules, in `text`; checked
  };
  Kind kind = Kind::nfc;
  std::string text{};
  std::optional<Pattern> pattern{};
  bool left = true, right = true;
  /// Takes out control characters; spaces around Chinese ones; takes out accents (Mn, after NFD); small letters.
  bool clean_text = true, spaced_chinese = true, bare_letters = true, small_letters = true;
};

class Normalizer {
  std::vector<NormalizerStep> steps_;
  std::string what_ = "vocabulary";

 public:
  Normalizer() = default;
  /// `what` names the file in messages.
  explicit Normalizer(std::string what) : what_(std::move(what)) {}
  void add(NormalizerStep step) { steps_.push_back(std::move(step)); }
  bool empty() const noexcept { return steps_.empty(); }
  /// Changes a well-formed text. Errors: TokenizerError where it grows beyond all measure.
  void apply(std::string& text) const;
};

}  // namespace tfm::inline TFM_ABI

#if defined(TFM_DEFINITIONS)
#include "tfm/text/normalizer.inl"
#endif
