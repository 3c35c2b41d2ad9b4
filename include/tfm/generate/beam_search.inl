// What beam_search.hpp declares.
#include <cmath>
#include <limits>

namespace tfm::inline TFM_ABI {

TFM_INLINE void validate(const BeamOptions& options) {
  const auto require = [](bool good, const char* option, auto found, const char* expected) {
    if (!good)
      raise(OptionError("tfm: beam search: " + std::string(option) + " is " + std::to_string(found) + ", expected " +
                        expected));
  };
  require(options.max_tokens > 0, "max_tokens", options.max_tokens, "1 or more");
  require(options.beam > 0, "beam", options.beam, "1 or more");
  require(options.n_best > 0 && options.n_best <= options.beam, "n_best", options.n_best, "1 to the beam");
  require(options.length_penalty >= 0 && options.length_penalty < std::numeric_limits<float>::infinity(),
          "length_penalty", options.length_penalty, "a finite number, 0 (none) or more");
}

namespace detail {

TFM_INLINE void stop_if_asked(const Context& context) {
  context.raise_if_ended();
}

TFM_INLINE bool WayOn::operator<(const WayOn& other) const noexcept {
  if (log_probability != other.log_probability) return log_probability > other.log_probability;
  return row != other.row ? row < other.row : token < other.token;
}

TFM_INLINE std::vector<WayOn> likeliest_ways(View logits, Index row, double before, const float* statistics, Index most) {
  std::vector<WayOn> best;
  best.reserve(to_size(most) + 1);
  const double offset = static_cast<double>(statistics[0]) + std::log(static_cast<double>(statistics[1]));
  float least = -std::numeric_limits<float>::infinity();  // of the kept logits, once there are enough
  for (Index token = 0; token < logits.cols; ++token) {
    const float logit = logits.row(row)[token];
    if (!(logit > least)) continue;  // of equals the first was there before
    const WayOn way{before + (static_cast<double>(logit) - offset), row, static_cast<Token>(token)};
    best.insert(std::upper_bound(best.begin(), best.end(), way), way);
    if (static_cast<Index>(best.size()) > most) best.pop_back();
    if (static_cast<Index>(best.size()) == most) least = logits.row(row)[best.back().token];
  }
  return best;
}

TFM_INLINE void follow(std::span<const WayOn> ways, const std::vector<Ray>& rays, const BeamOptions& options, Index step,
                   std::vector<Hypothesis>& found, std::vector<Ray>& next) {
  const auto finish = [&](std::vector<Token> tokens, double log_probability, bool ended) {
    const auto length = static_cast<double>(tokens.size()) + (ended ? 1.0 : 0.0);
    const double score = log_probability / std::pow(length, static_cast<double>(options.length_penalty));
    found.push_back({std::move(tokens), log_probability, score, ended});
  };
  for (const WayOn& way : ways) {
    const Ray& ray = rays[to_size(way.row)];
    std::vector<Token> tokens = ray.tokens;
    if (step > 1) tokens.push_back(ray.token);  // the first is <bos>
    if (way.token == options.eos) {
      finish(std::move(tokens), way.log_probability, true);
    } else if (step == options.max_tokens) {
      tokens.push_back(way.token);
      finish(std::move(tokens), way.log_probability, false);
    } else {
      next.push_back({ray.sentence, way.row, way.token, way.log_probability, std::move(tokens)});
    }
  }
}

}  // namespace detail

}  // namespace tfm::inline TFM_ABI
