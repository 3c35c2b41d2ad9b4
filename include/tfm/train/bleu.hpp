#pragma once
// BLEU (Papineni et al. 2002): of one sentence as d2l.ai computes it, and of a corpus as sacrebleu does (Post 2018).
#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tfm/core/error.hpp"
#include "tfm/core/index.hpp"
#include "tfm/text/white_space.hpp"

namespace tfm::inline TFM_ABI {

namespace detail {
using Words = std::vector<std::string_view>;

/// How many of the n-grams of `said` are in `meant`, each at most as often as it is there.
Index matching_ngrams(const Words& said, const Words& meant, std::size_t n);
}  // namespace detail

/// BLEU with n-grams up to `longest`, 0 to 1: exp(min(0, 1 - |reference| / |prediction|)) times the product over n of
/// precision_n ^ (1 / 2^n). Words are what white space separates. A prediction of fewer than n words has no n-grams:
/// the product ends there; one without words scores 0.    d2l.ai, "Sequence-to-Sequence Learning", equation 10.7.4
double sentence_bleu(std::string_view prediction, std::string_view reference, Index longest);

/// A corpus's score, and what it is made of.
struct CorpusBleu {
  double score = 0;                     ///< 0 to 100
  std::array<double, 4> precisions{};   ///< of n-grams of 1 to 4 words, in percent
  double brevity_penalty = 1;
  Index length = 0, reference_length = 0;  ///< words

  /// length / reference_length; 0 without a reference.
  double ratio() const noexcept { return reference_length > 0 ? static_cast<double>(length) / static_cast<double>(reference_length) : 0; }
};

/// "BLEU = 34.56 70.0/45.2/30.1/18.8 (BP = 0.951 ratio = 0.952 hyp_len = 640 ref_len = 672)": the line that sacrebleu prints.
std::string bleu_line(const CorpusBleu& bleu);

/// Counts n-grams of sentence after sentence. Words are what white space separates, as they are: sacrebleu's
/// tokenize='none'. The score is sacrebleu's default: n up to 4, and where no n-gram matches, the precision is that of
/// 1/2 a match, 1/4 the next time, and so on (its smooth_method 'exp').
class BleuCounts {
  std::array<Index, 4> matches_{}, ngrams_{};
  Index length_ = 0, reference_length_ = 0;

 public:
  /// One sentence and its one reference.
  void add(std::string_view prediction, std::string_view reference) {
    const detail::Words said = words_of(prediction), meant = words_of(reference);
    length_ += static_cast<Index>(said.size());
    reference_length_ += static_cast<Index>(meant.size());
    for (std::size_t n = 1; n <= 4 && n <= said.size(); ++n) {
      matches_[n - 1] += detail::matching_ngrams(said, meant, n);
      ngrams_[n - 1] += static_cast<Index>(said.size() - n + 1);
    }
  }

  CorpusBleu score() const {
    CorpusBleu bleu{.length = length_, .reference_length = reference_length_};
    if (length_ < reference_length_) {
      const double ratio = static_cast<double>(reference_length_) / static_cast<double>(std::max<Index>(length_, 1));
      bleu.brevity_penalty = length_ > 0 ? std::exp(1 - ratio) : 0;
    }
    if (std::all_of(matches_.begin(), matches_.end(), [](Index m) { return m == 0; })) return bleu;
    double logarithms = 0, smoothing = 1;
    for (std::size_t n = 0; n < 4; ++n) {
      if (ngrams_[n] == 0) return bleu;  // sentences so short have no score
      const double matches = matches_[n] > 0 ? static_cast<double>(matches_[n]) : 1 / (smoothing *= 2);
      bleu.precisions[n] = 100 * matches / static_cast<double>(ngrams_[n]);
      logarithms += std::log(bleu.precisions[n]);
    }
    bleu.score = bleu.brevity_penalty * std::exp(logarithms / 4);
    return bleu;
  }
};

/// The score of all sentences; each has one reference. Throws Error where their numbers differ.
CorpusBleu corpus_bleu(std::span<const std::string> predictions, std::span<const std::string> references);

}  // namespace tfm::inline TFM_ABI

#if defined(TFM_DEFINITIONS)
#include "tfm/train/bleu.inl"
#endif
