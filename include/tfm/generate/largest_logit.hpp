#pragma once
// largest_logit: the likeliest token's logit, and the check that the logits leave a choice.
#include <span>
#include <string_view>

#include "tfm/core/context.hpp"
#include "tfm/core/error.hpp"
#include "tfm/kernels/candidates.hpp"
#include "tfm/text/tokenizer.hpp"

namespace tfm::inline TFM_ABI {

namespace detail {

struct LogitScan {
  float largest;  ///< -inf where there are none
  bool wrong;     ///< one of them is NaN or +inf
};
Token first_of(std::span<const float> logits, float logit) noexcept;

}  // namespace detail

/// The largest of the logits. Throws Error, in the name of `who` ("sampler"), unless there are some, one of them is
/// finite, and none is NaN or +inf.
float largest_logit(std::span<const float> logits, std::string_view who);

/// The lowest id among the tokens of the largest logit, for every row, shared among the context's threads: `tokens` gets one
/// for each; -1 where a stop left it out. Errors: as largest_logit's.
void likeliest_tokens(Context& context, View logits, std::string_view who, std::span<Token> tokens);

}  // namespace tfm::inline TFM_ABI

#if defined(TFM_DEFINITIONS)
#include "tfm/generate/largest_logit.inl"
#endif
