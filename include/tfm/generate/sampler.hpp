#pragma once
// Sampler: from logits to the next token, by greedy choice or by chance after the usual filters.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <span>
#include <string>
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
inline void validate(const SamplerOptions& options) {
  const auto require = [](bool good, const char* option, auto found, const char* expected) {
    if (!good) {
      raise<OptionError>({"tfm: sampler option ", option, " is ", std::to_string(found), ", expected ", expected});
    }
  };
  constexpr float infinity = std::numeric_limits<float>::infinity();
  // Each condition is written so that NaN fails it.
  require(options.temperature >= 0 && options.temperature < infinity, "temperature", options.temperature,
          "a finite number, 0 (greedy) or more");
  require(options.top_k >= 0, "top_k", options.top_k, "0 (all tokens) or more");
  require(options.top_p >= 0 && options.top_p <= 1, "top_p", options.top_p, "0 (the most likely token) to 1 (all tokens)");
  require(options.min_p >= 0 && options.min_p <= 1, "min_p", options.min_p, "0 (all tokens) to 1");
  require(options.repetition_penalty > 0 && options.repetition_penalty < infinity, "repetition_penalty",
          options.repetition_penalty, "a finite number above 0 (1: no penalty)");
  for (const Token token : options.forbidden) require(token >= 0, "forbidden", token, "tokens, whose ids are 0 or more");
}

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
  explicit Sampler(SamplerOptions options = {}) : options_(std::move(options)), key_(RandomKey{options_.seed}.with(0)) {
    validate(options_);
  }

  const SamplerOptions& options() const noexcept { return options_; }
  /// Tokens chosen so far: the number of the next draw.
  std::uint64_t draws() const noexcept { return draws_; }
  /// Goes on as if `draws` tokens had been chosen: 0 starts anew.
  void restart(std::uint64_t draws = 0) noexcept { draws_ = draws; }

  /// The next token. `logits` [vocabulary]: finite, or -inf for a token that is ruled out; `seen`: the tokens that the
  /// repetition penalty is for, each counted once. Equal logits: greedy takes the lowest id.
  /// \throws Error for logits that leave no choice or are no numbers, and for a seen token outside the vocabulary;
  /// OptionError for a forbidden one outside it
  Token sample(std::span<const float> logits, std::span<const Token> seen = {}) {
    const Token best = penalise(logits, seen);
    if (options_.temperature > 0) filter(best);
    return draw(best);
  }
  /// The same token, of logits [1, vocabulary] of which a context's kernels pick the candidates: they need not come to the host whole, unless a
  /// penalty or forbidden tokens want to see them all.
  /// \throws as above
  Token sample(Context& context, View logits, std::span<const Token> seen = {}) {
    const std::span<const float> all(logits.data, to_size(logits.cols));
    const Index k = options_.top_k;
    if (options_.repetition_penalty != 1 || !options_.forbidden.empty() || k == 0 || k >= logits.cols) return sample(all, seen);
    kernels::LargestLogit best;
    kernels::table(context).largest_logits(context, logits, &best);
    if (best.token < 0) {
      largest_logit(all, "sampler");
      context.raise_if_ended();  // a device's failure
    }
    if (options_.temperature > 0) {
      if (scores_.size() != all.size()) reserve(all.size());
      const Index count = kernels::top_k(context, logits, k, found_.data(), scores_.data());
      ids_.assign(found_.begin(), found_.begin() + count);
      candidates_.assign(scores_.begin(), scores_.begin() + count);
      weigh(best.logit);
    }
    return draw(best.token);
  }

  /// What sample() would draw from: `probabilities` [vocabulary], 0 for the tokens that the filters took away.
  /// \throws Error as sample() does, ShapeError where the sizes differ
  void probabilities(std::span<const float> logits, std::span<const Token> seen, std::span<float> probabilities) {
    if (probabilities.size() != logits.size()) {
      raise<ShapeError>({"tfm: sampler: room for ", probabilities.size(), " probabilities, expected ", logits.size(),
                         ", one for each logit"});
    }
    const Token best = penalise(logits, seen);
    std::fill(probabilities.begin(), probabilities.end(), 0.0f);
    if (options_.temperature == 0) {
      probabilities[static_cast<std::size_t>(best)] = 1;
      return;
    }
    filter(best);
    double total = 0;
    for (double weight : weights_) total += weight;
    for (std::size_t i = 0; i < ids_.size(); ++i) {
      probabilities[static_cast<std::size_t>(ids_[i])] = static_cast<float>(weights_[i] / total);
    }
  }

 private:
  /// One of the tokens that filter() left, by its weight; `best` where the most likely one is always taken.
  Token draw(Token best) {
    const std::uint64_t number = draws_++;
    if (options_.temperature == 0) return best;
    double total = 0;
    for (double weight : weights_) total += weight;
    double left = static_cast<double>(key_.bits(number) >> 11) * 0x1p-53 * total;
    for (std::size_t i = 0; i < ids_.size(); ++i) {
      left -= weights_[i];
      if (left < 0) return ids_[i];
    }
    return best;  // rounding used up the last weight
  }

  /// scores_ becomes the logits after the repetition penalty; gives the lowest id among the largest.
  Token penalise(std::span<const float> logits, std::span<const Token> seen) {
    constexpr float infinity = std::numeric_limits<float>::infinity(), most = std::numeric_limits<float>::max();
    float largest = largest_logit(logits, "sampler");
    if (scores_.size() != logits.size()) reserve(logits.size());
    std::copy(logits.begin(), logits.end(), scores_.begin());
    for (const Token token : options_.forbidden) {
      if (static_cast<std::size_t>(token) >= logits.size()) {
        raise<OptionError>({"tfm: sampler option forbidden holds ", token, ", expected 0 to ", logits.size() - 1, ", the tokens that have a logit"});
      }
      scores_[static_cast<std::size_t>(token)] = -infinity;
    }
    const float penalty = options_.repetition_penalty;
    for (std::size_t i = 0; penalty != 1 && i < seen.size(); ++i) {
      if (seen[i] < 0 || static_cast<std::size_t>(seen[i]) >= logits.size()) {
        raise<Error>({"tfm: sampler: seen token ", seen[i], ", expected 0 to ", logits.size() - 1, ", the tokens that have a logit"});
      }
      const float logit = logits[static_cast<std::size_t>(seen[i])];  // the original: a token seen twice counts once
      if (scores_[static_cast<std::size_t>(seen[i])] == -infinity) continue;
      scores_[static_cast<std::size_t>(seen[i])] =
          std::clamp(logit < 0 ? logit * penalty : logit / penalty, -most, most);
    }
    if (penalty != 1 || !options_.forbidden.empty()) largest = largest_logit(scores_, "sampler");
    return detail::first_of(scores_, largest);
  }

  void reserve(std::size_t vocabulary) {
    scores_.resize(vocabulary);
    if (options_.temperature == 0) return;
    const auto k = static_cast<std::size_t>(options_.top_k);
    if (k < vocabulary) room_.resize(2 * k < vocabulary ? 2 * k : vocabulary);
    found_.resize(vocabulary);
    candidates_.reserve(vocabulary);
    ids_.reserve(vocabulary);
    weights_.reserve(vocabulary);
    if (options_.top_p < 1) {
      mass_.reserve(magnitudes);
      ranked_.reserve(vocabulary);
    }
  }

  /// ids_ and weights_ become what top-k, top-p and min-p leave of scores_, whose largest is that of `best`.
  void filter(Token best) {
    const auto count = static_cast<Index>(scores_.size());
    const float least = options_.top_k == 0 ? -std::numeric_limits<float>::infinity() : kernels::kth_largest(scores_.data(), count, options_.top_k, room_.data());
    ids_.clear();
    candidates_.clear();
    for (std::size_t i = 0; i < scores_.size(); ++i) {
      if (scores_[i] < least || scores_[i] == -std::numeric_limits<float>::infinity()) continue;
      ids_.push_back(static_cast<Token>(i));
      candidates_.push_back(scores_[i]);
    }
    weigh(scores_[static_cast<std::size_t>(best)]);
  }
  /// The same of candidates_, the scores of ids_, which top-k has left, and the largest score.
  void weigh(float largest) {
    const double top = largest, scale = 1.0 / static_cast<double>(options_.temperature);
    weights_.clear();
    double total = 0;
    for (std::size_t i = 0; i < ids_.size(); ++i) {
      const double weight = std::exp((static_cast<double>(candidates_[i]) - top) * scale);
      total += weight;
      weights_.push_back(weight);
    }
    // What min-p takes is at the lower end, so that it can go first and leave less to rank: the best has weight 1.
    keep([this](double weight, Token) { return weight >= static_cast<double>(options_.min_p); });
    if (options_.top_p < 1) cut_to_mass(static_cast<double>(options_.top_p) * total);
  }

  /// Top-p: keeps the most likely tokens, one after the other, until their weights reach `mass`. Nothing is sorted: the
  /// weights are counted by magnitude, and where the last token must be, the range is halved until it is found.
  void cut_to_mass(double mass) {
    mass_.assign(magnitudes, 0);
    for (double weight : weights_) mass_[magnitude(weight)] += weight;
    std::size_t least = magnitudes - 1;
    double above = 0;  // the weight of all that certainly stay
    for (; least > 0 && above + mass_[least] < mass; --least) above += mass_[least];

    ranked_.clear();
    for (std::size_t i = 0; i < ids_.size(); ++i) {
      if (magnitude(weights_[i]) == least) ranked_.emplace_back(weights_[i], ids_[i]);
    }
    if (ranked_.empty()) return;  // all that is left does not reach the mass
    const auto before = [](const auto& a, const auto& b) {
      return a.first != b.first ? a.first > b.first : a.second < b.second;
    };
    auto first = ranked_.begin(), last = ranked_.end();
    while (last - first > 1) {
      const auto middle = first + (last - first) / 2;
      std::nth_element(first, middle, last, before);
      double upper = above;
      for (auto i = first; i != middle; ++i) upper += i->first;
      if (upper < mass) {
        first = middle;
        above = upper;
      } else {
        last = middle;
      }
    }
    keep([&](double weight, Token id) { return !before(*first, std::pair(weight, id)); });
  }

  /// Grows with the weight, which is 0 to 1: its exponent and two bits more.
  static std::size_t magnitude(double weight) noexcept {
    return static_cast<std::size_t>(std::bit_cast<std::uint64_t>(weight) >> 50);
  }
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
