// What bleu.hpp declares.
#include "tfm/train/decimals.hpp"

namespace tfm::inline TFM_ABI {

namespace detail {

TFM_INLINE Index matching_ngrams(const Words& said, const Words& meant, std::size_t n) {
  std::map<Words, Index> left;
  for (std::size_t i = 0; i + n <= meant.size(); ++i)
    ++left[Words(meant.begin() + static_cast<std::ptrdiff_t>(i), meant.begin() + static_cast<std::ptrdiff_t>(i + n))];
  Index matches = 0;
  for (std::size_t i = 0; i + n <= said.size(); ++i) {
    const auto from = said.begin() + static_cast<std::ptrdiff_t>(i);
    const auto found = left.find(Words(from, from + static_cast<std::ptrdiff_t>(n)));
    if (found != left.end() && found->second > 0) --found->second, ++matches;
  }
  return matches;
}

}  // namespace detail

TFM_INLINE double sentence_bleu(std::string_view prediction, std::string_view reference, Index longest) {
  const detail::Words said = words_of(prediction), meant = words_of(reference);
  if (said.empty()) return 0;
  double score = std::exp(std::min(0.0, 1 - static_cast<double>(meant.size()) / static_cast<double>(said.size())));
  for (std::size_t n = 1; n <= std::min(to_size(longest), said.size()); ++n) {
    const auto matches = static_cast<double>(detail::matching_ngrams(said, meant, n));
    score *= std::pow(matches / static_cast<double>(said.size() - n + 1), std::pow(0.5, static_cast<double>(n)));
  }
  return score;
}

TFM_INLINE std::string bleu_line(const CorpusBleu& bleu) {
  std::string line = "BLEU = " + fixed_text(bleu.score, 2);
  for (std::size_t n = 0; n < bleu.precisions.size(); ++n) line += (n == 0 ? ' ' : '/') + fixed_text(bleu.precisions[n], 1);
  return line + " (BP = " + fixed_text(bleu.brevity_penalty, 3) + " ratio = " + fixed_text(bleu.ratio(), 3) +
         " hyp_len = " + std::to_string(bleu.length) + " ref_len = " + std::to_string(bleu.reference_length) + ")";
}

TFM_INLINE CorpusBleu corpus_bleu(std::span<const std::string> predictions, std::span<const std::string> references) {
  if (predictions.size() != references.size())
    raise(Error("tfm: BLEU of " + std::to_string(predictions.size()) + " sentences, found " +
                std::to_string(references.size()) + " references, expected one for each"));
  BleuCounts counts;
  for (std::size_t i = 0; i < predictions.size(); ++i) counts.add(predictions[i], references[i]);
  return counts.score();
}

}  // namespace tfm::inline TFM_ABI
