// What sampler.hpp declares.
#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

namespace tfm::inline TFM_ABI {

TFM_INLINE void validate(const SamplerOptions& options) {
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

TFM_INLINE Sampler::Sampler(SamplerOptions options) : options_(std::move(options)), key_(RandomKey{options_.seed}.with(0)) {
  validate(options_);
}

TFM_INLINE Token Sampler::sample(std::span<const float> logits, std::span<const Token> seen) {
  const Token best = penalise(logits, seen);
  if (options_.temperature > 0) filter(best);
  return draw(best);
}

TFM_INLINE Token Sampler::sample(Context& context, View logits, std::span<const Token> seen) {
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

TFM_INLINE Token Sampler::draw(Token best) {
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

TFM_INLINE void Sampler::probabilities(std::span<const float> logits, std::span<const Token> seen, std::span<float> probabilities) {
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

TFM_INLINE Token Sampler::penalise(std::span<const float> logits, std::span<const Token> seen) {
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

TFM_INLINE void Sampler::reserve(std::size_t vocabulary) {
  scores_.resize(vocabulary);
  if (options_.temperature == 0) return;
  const auto k = static_cast<std::size_t>(options_.top_k);
  if (k < vocabulary) room_.resize(std::min(2 * k, vocabulary));
  found_.resize(vocabulary);
  candidates_.reserve(vocabulary);
  ids_.reserve(vocabulary);
  weights_.reserve(vocabulary);
  if (options_.top_p < 1) {
    mass_.reserve(magnitudes);
    ranked_.reserve(vocabulary);
  }
}

TFM_INLINE void Sampler::filter(Token best) {
  constexpr float none = -std::numeric_limits<float>::infinity();
  const auto count = static_cast<Index>(scores_.size());
  const float least = options_.top_k == 0 ? none : kernels::kth_largest(scores_.data(), count, options_.top_k, room_.data());
  ids_.clear();
  candidates_.clear();
  for (std::size_t i = 0; i < scores_.size(); ++i) {
    if (scores_[i] < least || scores_[i] == none) continue;
    ids_.push_back(static_cast<Token>(i));
    candidates_.push_back(scores_[i]);
  }
  weigh(scores_[static_cast<std::size_t>(best)]);
}

TFM_INLINE void Sampler::weigh(float largest) {
  const double top = largest, scale = 1.0 / static_cast<double>(options_.temperature);
  weights_.clear();
  double total = 0;
  for (const float score : candidates_) {
    const double weight = std::exp((static_cast<double>(score) - top) * scale);
    total += weight;
    weights_.push_back(weight);
  }
  // What min-p takes is at the lower end, so that it can go first and leave less to rank: the best has weight 1.
  keep([this](double weight, Token) { return weight >= static_cast<double>(options_.min_p); });
  if (options_.top_p < 1) cut_to_mass(static_cast<double>(options_.top_p) * total);
}

TFM_INLINE void Sampler::cut_to_mass(double mass) {
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

TFM_INLINE std::size_t Sampler::magnitude(double weight) noexcept {
  return static_cast<std::size_t>(std::bit_cast<std::uint64_t>(weight) >> 50);
}

}  // namespace tfm::inline TFM_ABI
