#pragma once
// Sampler: from logits to the next token, by greedy choice or by chance after the usual filters.
#include <bit>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "tfm/core/error.hpp"
#include "tfm/core/random.hpp"
#include "tfm/generate/largest_logit.hpp"
#include "tfm/kernels/candidates.hpp"
#include "tfm/text/tokenizer.hpp"

namespace tfm::inline TFM_ABI {

/// How the next token is chosen. The defaults suit conversation; {.temperature = 0} always takes the most likely token.
struct SamplerOptions {
  float temperature = 0.8f;      ///< logits are divided by it; 0: greedy. Below 1 sharper, above 1 flatter
  Index top_k = 40;              ///< only the k most likely tokens (and those as likely as the k-th); 0: all
  float top_p = 0.95f;           ///< only the most likely tokens that together reach this probability; 1: all; 0: the most likely one
  float min_p = 0.05f;           ///< only tokens at least this fraction as likely as the most likely one; 0: all
  float repetition_penalty = 1;  ///< for tokens seen before: positive logits divided, negative multiplied; 1: none
  std::uint64_t seed = 0;        ///< the same seed, logits and number of the draw give the same token
  std::vector<Token> forbidden{};  ///< never chosen: a checkpoint's stop tokens, for answers that are not to end by them
};

/// Refuses an option that makes no sense, with its name, its value and what was expected. \throws OptionError
void validate(const SamplerOptions& options);

/// Chooses tokens. The order is that of transformers' generate(): repetition penalty (Keskar et al. 2019, CTRL),
/// temperature, top-k (Fan et al. 2018), top-p (Holtzman et al. 2019), min-p (Nguyen et al. 2024); forbidden tokens are
/// out before all of them. Every filter leaves at least the most likely token. Memory is taken by the first call with a
/// vocabulary's size and kept. One for each conversation: a Sampler counts its draws.
class Sampler {
  SamplerOptions options_;
  RandomKey key_;
  std::uint64_t draws_ = 0;
  std::vector<float> scores_;                     // [vocabulary]: the logits after the penalty
  std::vector<float> room_;                       // for finding the k-th largest
  std::vector<Token> found_;                      // [vocabulary]: the tokens that a kernel picked
  std::vector<float> candidates_;                 // the scores of the tokens that top-k leaves
  std::vector<Token> ids_;                        // the tokens that are left, by rising id
  std::vector<double> weights_;                   // and exp((score - best) / temperature) of each
  std::vector<double> mass_;                      // for top-p: the weight of all tokens of a magnitude
  std::vector<std::pair<double, Token>> ranked_;  // and those among which its last one is

 public:
  explicit Sampler(SamplerOptions options = {});

  const SamplerOptions& options() const noexcept { return options_; }
  /// Tokens chosen so far: the number of the next draw.
  std::uint64_t draws() const noexcept { return draws_; }
  /// Goes on as if `draws` tokens had been chosen: 0 starts anew.
  void restart(std::uint64_t draws = 0) noexcept { draws_ = draws; }

  /// The next token. `logits` [vocabulary]: finite, or -inf for a token that is ruled out; `seen`: the tokens that the
  /// repetition penalty is for, each counted once. Equal logits: greedy takes the lowest id.
  /// \throws Error for logits that leave no choice or are no numbers, and for a seen token outside the vocabulary;
  /// OptionError for a forbidden one outside it
  Token sample(std::span<const float> logits, std::span<const Token> seen = {});
  /// The same token, of logits [1, vocabulary] of which a context's kernels pick the candidates: they need not come to the host whole, unless a
  /// penalty or forbidden tokens want to see them all.
  /// \throws as above
  Token sample(Context& context, View logits, std::span<const Token> seen = {});

  /// What sample() would draw from: `probabilities` [vocabulary], 0 for the tokens that the filters took away.
  /// \throws Error as sample() does, ShapeError where the sizes differ
  void probabilities(std::span<const float> logits, std::span<const Token> seen, std::span<float> probabilities);

 private:
  /// One of the tokens that filter() left, by its weight; `best` where the most likely one is always taken.
  Token draw(Token best);

  /// scores_ becomes the logits after the repetition penalty; gives the lowest id among the largest.
  Token penalise(std::span<const float> logits, std::span<const Token> seen);

  void reserve(std::size_t vocabulary);

  /// ids_ and weights_ become what top-k, top-p and min-p leave of scores_, whose largest is that of `best`.
  void filter(Token best);

  /// The same of candidates_, the scores of ids_, which top-k has left, and the largest score.
  void weigh(float largest);

  /// Top-p: keeps the most likely tokens, one after the other, until their weights reach `mass`. Nothing is sorted: the
  /// weights are counted by magnitude, and where the last token must be, the range is halved until it is found.
  void cut_to_mass(double mass);

  /// Grows with the weight, which is 0 to 1: its exponent and two bits more.
  static std::size_t magnitude(double weight) noexcept;
  static constexpr std::size_t magnitudes = (std::bit_cast<std::uint64_t>(1.0) >> 50) + 1;

  template <class Keep>
  void keep(Keep wanted) {
    std::size_t kept = 0;
    for (std::size_t i = 0; i < ids_.size(); ++i) {
      if (!wanted(weights_[i], ids_[i])) continue;
      ids_[kept] = ids_[i];
      weights_[kept++] = weights_[i];
    }
    ids_.resize(kept);
    weights_.resize(kept);
  }
};

}  // namespace tfm::inline TFM_ABI

#if defined(TFM_DEFINITIONS)
#include "tfm/generate/sampler.inl"
#endif
