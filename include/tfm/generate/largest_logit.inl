// What largest_logit.hpp declares.
#include <algorithm>
#include <array>
#include <initializer_list>
#include <limits>
#include <string>
#include <vector>

namespace tfm::inline TFM_ABI {

namespace detail {

TFM_INLINE LogitScan scan(std::span<const float> logits) noexcept {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  constexpr std::size_t lanes = 16;  // side by side, so that compilers use vectors
  std::array<float, lanes> largest;
  std::array<int, lanes> wrong{};
  largest.fill(-infinity);
  const auto look = [&](std::size_t lane, float logit) {
    largest[lane] = logit > largest[lane] ? logit : largest[lane];
    wrong[lane] |= logit < infinity ? 0 : 1;
  };
  const std::size_t whole = logits.size() - logits.size() % lanes;
  for (std::size_t i = 0; i < whole; i += lanes) {
    for (std::size_t lane = 0; lane < lanes; ++lane) look(lane, logits[i + lane]);
  }
  for (std::size_t i = whole; i < logits.size(); ++i) look(i - whole, logits[i]);
  return {*std::max_element(largest.begin(), largest.end()), std::any_of(wrong.begin(), wrong.end(), [](int w) { return w != 0; })};
}

TFM_INLINE Token first_of(std::span<const float> logits, float logit) noexcept {
  return static_cast<Token>(std::find(logits.begin(), logits.end(), logit) - logits.begin());
}

}  // namespace detail

TFM_INLINE float largest_logit(std::span<const float> logits, std::string_view who) {
  const auto refuse = [&](std::initializer_list<TextPart> what) { raise<Error>({"tfm: ", who, ": ", joined(what)}); };
  constexpr float infinity = std::numeric_limits<float>::infinity();
  if (logits.empty() || logits.size() > static_cast<std::size_t>(std::numeric_limits<Token>::max()))
    refuse({logits.size(), " logits, expected one for each token, 1 to 2^31 - 1"});
  const auto [largest, wrong] = detail::scan(logits);
  if (wrong) {
    const auto bad = std::find_if(logits.begin(), logits.end(), [](float logit) { return !(logit < infinity); });
    refuse({"the logit of token ", bad - logits.begin(), " is ", std::to_string(*bad),
            ", expected a finite number, or -inf for a token that is ruled out"});
  }
  if (largest == -infinity)
    refuse({"every one of ", logits.size(), " logits is -inf, expected a token that may be chosen"});
  return largest;
}

TFM_INLINE void likeliest_tokens(Context& context, View logits, std::string_view who, std::span<Token> tokens) {
  std::vector<kernels::LargestLogit> largest(to_size(logits.rows));
  kernels::largest_logits(context, logits, largest.data());
  for (Index row = 0; row < logits.rows; ++row) {
    tokens[to_size(row)] = largest[to_size(row)].token;
    if (largest[to_size(row)].token < 0 && !context.ended()) largest_logit({logits.row(row), to_size(logits.cols)}, who);
  }
}

}  // namespace tfm::inline TFM_ABI
